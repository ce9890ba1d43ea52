"""A command as all of ours are: its answer alone on standard output, and no option that means nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from xlbench.output import apart, complain, counted

USAGE_ERROR: type[Any] = typer.BadParameter.mro()[1]
"""The base of all usage errors."""

EXAMPLES = {
    "run": (
        "xlbench run",
        "xlbench run --model xlmr --task pos --transfer fin,tur,hun --targets est,kaz",
        "xlbench run --probe foresee    (who helps whom, foreseen without fine-tuning)",
    ),
    "plan": ("xlbench plan --model xlmr --task pos --transfer fin,tur,hun --targets est,kaz",),
    "fetch": ("xlbench fetch --model xlmr --task pos --transfer fin --targets est",),
    "doctor": ("xlbench doctor",),
    "list": ("xlbench list tasks", "xlbench list languages --task ner --model xlmr --unseen"),
    "show": (
        "xlbench show",
        "xlbench show --task pos",
        'xlbench show --table "best transfer language"',
        "xlbench show --json",
    ),
    "leaderboard": ("xlbench leaderboard --out leaderboards/mine",),
    "report": ("xlbench report --out report.html",),
    "view": ("xlbench view",),
    "recommend": (
        "xlbench recommend --task pos --target est",
        "xlbench recommend --task pos --target est --set 3",
    ),
    "compare": ("xlbench compare results others", "xlbench compare mbert xlmr"),
    "import": (
        "xlbench import udpos-ft-10000.csv --task pos --results published",
        "xlbench import matrix.csv --task lm --rows sources --source https://example.org/matrix",
    ),
    "export": ("xlbench export --what effects --out effects.csv",),
    "verify": ("xlbench results verify",),
    "merge": ("xlbench results merge from-another-machine --into results",),
    "gc": ("xlbench results gc",),
    "new": ("xlbench plugin new my-task --kind task",),
    "check": ("xlbench plugin check my-task",),
    "migrate": ("xlbench results migrate results",),
}
"""Of each command; they end its help."""


def untyped(params: list[Any]) -> list[Any]:
    """Parameters without the name of a Python type in their help: an option without a value shows nothing, an
    argument its name alone.
    """
    for param in params:
        is_flag = getattr(param, "is_flag", False) or getattr(param, "is_eager", False)
        if is_flag or param.param_type_name == "argument":
            param.display_type_rich = _nothing
    return params


def _nothing(ctx: Any = None) -> None:
    """What the help shows beside a parameter."""


class Group(TyperGroup):
    """A command of commands, with the same help."""

    def get_params(self, ctx: Any) -> list[Any]:
        """See `Command.get_params`."""
        return untyped(super().get_params(ctx))


class Command(TyperCommand):
    """Refuses an option that is empty, and one that takes a single value and is given twice; its help has an
    example, and names no type of Python.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if example := EXAMPLES.get(self.name or ""):
            self.epilog = "\n\n".join(["Example:" if len(example) == 1 else "Examples:", *example])

    def get_params(self, ctx: Any) -> list[Any]:
        """Those of the command, and that for help; what takes no value shows none in the help."""
        return untyped(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Raises a usage error, of one line."""
        # A parser of its own: reading the words twice is quick, and the errors are the same.
        values, _, order = self.make_parser(ctx).parse_args(args=list(args))
        given: Counter[Any] = Counter(order)
        for param, times in given.items():
            said = values.get(param.name)
            is_option = param.param_type_name == "option"
            name = "/".join((*param.opts, *param.secondary_opts)) if is_option else str(param.name).upper()
            if times > 1 and is_option and not param.multiple and not param.is_eager:
                raise USAGE_ERROR(f"{name} is given {counted(times, 'time')}; give it once", ctx=ctx)
            for one in said if isinstance(said, list | tuple) else (said,):
                if isinstance(one, str) and not one.strip():
                    raise USAGE_ERROR(f"{name} is empty; give it a value, or leave it out", ctx=ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Call the command; `apart` says what happens to whatever else is printed."""
        from xlbench.plugins import blaming, culprit

        try:
            with apart(), blaming():
                return super().invoke(ctx)
        except KeyboardInterrupt as stopped:  # typer would end in silence
            where = culprit(stopped)
            complain(f"stopped in {where}" if where else "stopped")
            raise typer.Exit(130) from stopped
