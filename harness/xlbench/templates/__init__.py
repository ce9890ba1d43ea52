"""`xlbench plugin new`: packages of plugins, made from templates, one folder per kind of plugin.

Files end in `.in`, and `string.Template` fills in $name, $package, $summary and $contract. `common/` goes
into every package; `package/` becomes the package itself. The first line of `about.in` says what a template
has, the rest how it is tried.
"""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from xlbench.errors import PluginError
from xlbench.hookspecs import CONTRACT
from xlbench.plugins import HOOKS, LISTED

if TYPE_CHECKING:
    from xlbench.plugins import Kind, Registry

_HERE = Path(__file__).parent
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40


def summary(kind: Kind) -> str:
    """What the template of a kind has, in one line."""
    return _about(kind)[0]


def new(name: str, kind: str, folder: Path, registry: Registry) -> list[Path]:
    """Write the package of a plugin, named `name`, into a new folder; gives its files.

    Raises PluginError, one line, for a kind that has no hook, a name that cannot be one or that is taken,
    and a folder that exists.
    """
    if kind not in HOOKS:
        raise PluginError(f"no kind of plugin {kind!r}; --kind takes one of {', '.join(HOOKS)}")
    known: Kind = kind
    package = _package(name)
    if owners := registry.claims(known, name):
        raise PluginError(
            f"{owners[0]} has the {kind} {name!r} already; choose another name (xlbench list {LISTED[known]} "
            "shows those that are taken)"
        )
    if folder.exists() or folder.is_symlink():
        raise PluginError(f"{folder} exists; choose another name or folder, or move it away")
    said, try_it = _about(known)
    values = {"name": name, "package": package, "summary": said, "contract": str(CONTRACT)}
    values["try_it"] = Template(try_it).substitute(values).strip()
    made = {place: Template(text).substitute(values) for place, text in _files(known, package)}
    written = []
    try:
        for place, text in made.items():
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            written.append(path)
    except OSError as error:
        raise PluginError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    return written


def _about(kind: Kind) -> tuple[str, str]:
    first, _, rest = (_HERE / kind / "about.in").read_text("utf-8").partition("\n")
    return first, rest


def _files(kind: Kind, package: str) -> Iterator[tuple[Path, str]]:
    """Where each file goes, relative to the new folder, and its template."""
    for root in (_HERE / "common", _HERE / kind):
        for path in sorted(root.rglob("*.in")):
            parts = path.relative_to(root).with_suffix("").parts
            if parts != ("about",):
                own = (package, *parts[1:]) if parts[0] == "package" else parts
                yield Path(*own), path.read_text("utf-8")


def _package(name: str) -> str:
    """The importable package of a plugin's name. Raises PluginError for a name that cannot be one."""
    package = name.replace("-", "_")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")[:_LONGEST].strip("-")
        instead = f", such as {near!r}" if near else ""
        raise PluginError(
            f"{name!r} cannot be the name of a plugin; write lower-case letters and digits, and single "
            f"hyphens between them, {_LONGEST} characters at most{instead}"
        )
    if keyword.iskeyword(package) or keyword.issoftkeyword(package) or package in sys.builtin_module_names:
        raise PluginError(f"{name!r} is a word of Python; choose another name, such as 'my-{name}'")
    if package in sys.stdlib_module_names or importlib.util.find_spec(package) is not None:
        raise PluginError(f"there is a module {package!r} already; choose another name, such as 'my-{name}'")
    return package
