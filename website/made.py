"""Parts of pages that are made of the real thing: a line `<!-- made: NAME -->` in a page stands for one."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

MARK = re.compile(r"^<!-- made: (?P<name>[\w-]+) -->$", re.MULTILINE)


def filled(markdown: str) -> str:
    """A page with what is made in its place. Raises KeyError for a part that nothing makes."""
    return MARK.sub(lambda found: PARTS[found["name"]](), markdown)


def commands() -> str:
    """Every command with its options, defaults and examples, from the command line itself."""
    import typer.main

    from xlbench.cli.app import app

    return "\n".join(_of_command("xlbench", typer.main.get_command(app)))


def _of_command(name: str, command: Any) -> Iterator[str]:
    if subcommands := getattr(command, "commands", None):
        if name != "xlbench":
            yield f"## {name}\n\n{_said(command.help)}\n"
        for one in subcommands.values():
            yield from _of_command(f"{name} {one.name}", one)
        return
    own = [x for x in command.params if not getattr(x, "is_eager", False) and not getattr(x, "hidden", False)]
    arguments = [x for x in own if x.param_type_name == "argument"]
    usage = " ".join([name, *(_argument(x) for x in arguments), "[OPTIONS]"])
    level = "##" if name.count(" ") == 1 else "###"
    yield f"{level} {name}\n\n{_said(command.help)}\n\n```text\n{usage}\n```\n"
    if examples := [x for x in (command.epilog or "").split("\n\n")[1:] if x]:
        yield "```bash\n" + "\n".join(examples) + "\n```\n"
    panels: dict[str, list[Any]] = {}
    for one in own:
        panels.setdefault(_panel(one), []).append(one)
    for panel, params in panels.items():
        yield from _table((panel, ""), [(_name(x), _help(x)) for x in params])


def _panel(param: Any) -> str:
    own: str | None = getattr(param, "rich_help_panel", None)
    return own or ("Argument" if param.param_type_name == "argument" else "Option")


def _argument(param: Any) -> str:
    name = str(param.metavar or param.name).strip("{}")
    return name if param.required else f"[{name}]"


def _name(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{str(param.metavar or param.name).strip('{}')}`"
    names = "`, `".join((*param.opts, *param.secondary_opts))
    return f"`{names}`" + ("" if param.is_flag else f" `{param.metavar or param.name}`")


def _help(param: Any) -> str:
    said = _said(param.help)
    if "default" in said or param.default in (None, (), False) or callable(param.default):
        return said
    if getattr(param, "show_default", True) is False:
        return said
    return f"{said.removesuffix('.')} (default: `{getattr(param.default, 'value', param.default)}`)."


def settings() -> str:
    """Every field of a study with its option and key, and every setting of the tables in it."""
    from xlbench.spec.study import FIELDS

    lines: list[str] = []
    panels: dict[str, list[tuple[str, str, str]]] = {}
    for one in FIELDS.values():
        row = (f"`{one.name}`", f"`{one.asked.option}`", _said(one.asked.help))
        panels.setdefault(one.asked.panel, []).append(row)
    for panel, rows in panels.items():
        lines += [f"## {panel}\n", *_table(("Key in a study file", "Option", "What it says"), rows)]
    for one in FIELDS.values():
        if one.asked.settings is not None:
            lines += [f"## Settings of `{one.name}`\n", f"`{one.asked.option} KEY=VALUE,...`, or a table"]
            lines[-1] += f" `[{one.name}]` in a study file.\n"
            lines += _fields(one.asked.settings)
    return "\n".join(lines)


def probe_settings() -> str:
    """What users set for each built-in probe, executor and observer with `--option NAME.KEY=VALUE`."""
    from xlbench.plugins import load

    plugins, lines = load(), []
    for kind in ("probes", "executors", "observers"):
        for name, one in sorted(getattr(plugins, kind).items()):
            if (given := getattr(one, "settings", None)) is not None:
                lines += [f"### {kind.removesuffix('s').capitalize()} `{name}`\n", *_fields(given)]
    return "\n".join(lines)


def _fields(of: type[Any]) -> Iterator[str]:
    """A table of a class of settings: names, types, defaults, and what the class says beneath each."""
    said = _beneath(of)
    rows = []
    for one in dataclasses.fields(of):
        default = "" if one.default is dataclasses.MISSING else one.default
        if one.default_factory is not dataclasses.MISSING:
            default = one.default_factory()
        rows.append((f"`{one.name}`", f"`{_type(one.type)}`", f"`{default!r}`", said.get(one.name, "")))
    yield from _table(("Key", "Type", "Default", "Meaning"), rows)


def _type(hint: Any) -> str:
    return str(hint).replace("|", "\\|") if isinstance(hint, str) else getattr(hint, "__name__", str(hint))


def _beneath(of: type[Any]) -> dict[str, str]:
    """The texts that stand beneath the fields of a class."""
    import ast
    import inspect
    import textwrap

    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(of))).body
    found, last = {}, ""
    for line in getattr(tree, "body", ()):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            last = line.target.id
        elif isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and last:
            found[last], last = _said(str(line.value.value)), ""
        else:
            last = ""
    return found


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_cell(x) for x in row)} |"
    yield ""


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def _said(text: str | None) -> str:
    return " ".join((text or "").split())


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "settings": settings,
    "probe-settings": probe_settings,
}
