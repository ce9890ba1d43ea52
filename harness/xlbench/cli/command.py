"""A command as all of ours are: its answer alone on standard output, and no option that means nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import typer
from typer.core import TyperCommand

from xlbench.output import apart
from xlbench.running.progress import counted

USAGE_ERROR: type[Any] = typer.BadParameter.mro()[1]
"""The base of all usage errors."""


class Command(TyperCommand):
    """Refuses an option that is empty, and one that takes a single value and is given twice."""

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
        from xlbench.plugins import blaming

        with apart(), blaming():
            return super().invoke(ctx)
