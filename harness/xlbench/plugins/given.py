"""Plugins that are not installed: a file, or an object of this process. Other processes load the very same.

Each has a digest, part of the identity of every job that depends on it: its author changes it without
raising a version. Of a file it is that of its bytes, which are what is run. Of an object, such as one that is
defined in a notebook, it is that of its code and of all that this refers to, as they are in memory.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

from xlbench.errors import PluginError, said_of
from xlbench.hookspecs import GROUP
from xlbench.plugins import agreed
from xlbench.plugins.registry import HOOKS, OWN

DIGITS = 40
"""Of a digest, hexadecimal."""
CACHED = frozenset(("__slotnames__", "__annotations_cache__", "__firstlineno__", "__static_attributes__"))
"""What Python keeps in a class that is no part of what it does."""
ALONE = "with several workers, each has to load it too: put it into a file of its own, or use one worker"


@dataclass(frozen=True, slots=True)
class Given:
    """A plugin that is not installed. Can be pickled; what is then loaded has the same digest."""

    name: str
    distribution: str
    """File name, or the name of an object's class."""
    module: str
    digest: str
    """40 hexadecimal digits."""
    path: str = ""
    """Absolute, of a file."""
    content: bytes = b""
    """Of an object, pickled."""
    _object: Any = field(default=None, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        own = (self.name, self.distribution, self.module, self.digest, self.path, self.content)
        return type(self), own

    def load(self) -> Any:
        """A module or object with hooks. Raises PluginError where that is no longer what was given, and
        whatever it raises itself.
        """
        if self._object is not None:
            return self._object
        if self.path:
            return self._run()
        import dill

        try:
            return dill.loads(self.content)  # noqa: S301 - from our own process
        except Exception as error:
            raise PluginError(f"{said_of(error)}; {ALONE}") from error

    def _run(self) -> ModuleType:
        """The file as a module, once in a process."""
        if (loaded := sys.modules.get(self.module)) is not None:
            return loaded
        content = _read(Path(self.path))
        if _digest(content) != self.digest:
            raise PluginError(
                f"{self.path} changed since the study was planned; run the same command again, and leave the "
                "file alone meanwhile"
            )
        module = ModuleType(self.module)
        module.__file__ = self.path
        sys.modules[self.module] = module  # dataclasses look their module up by its name
        try:
            exec(compile(content, self.path, "exec"), vars(module))  # noqa: S102 - the user asks for it
            _refuse_siblings(module, Path(self.path).parent)
        except BaseException:
            del sys.modules[self.module]
            raise
        return module


def give(things: Iterable[object]) -> tuple[Given, ...]:
    """Plugins of paths of files, modules and objects with hooks, each once.

    Raises PluginError, one line, for a file that cannot be read and an object that has no hooks, or that
    cannot be distinguished from other versions of itself.
    """
    found: dict[tuple[str, str], Given] = {}
    for thing in things:
        one = _file(thing) if isinstance(thing, str | os.PathLike) else _object(thing)
        found.setdefault((one.path, one.digest), one)
    return tuple(found.values())


def _file(thing: str | os.PathLike[str]) -> Given:
    path = Path(thing).expanduser()
    if path.is_dir():
        raise PluginError(f"{path}: a folder; a plugin is one file in Python, such as {path / 'plugin.py'}")
    digest, path = _digest(_read(path)), path.absolute()
    module = f"xlbench_plugin_{re.sub(r'[^0-9a-zA-Z_]', '_', path.stem)}_{digest[:8]}"
    return Given(path.stem, path.name, module, digest, str(path))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise PluginError(f"{path}: no such file; give a plugin in Python, such as my_task.py") from None
    except OSError as error:
        raise PluginError(f"{path}: cannot be read: {error.strerror}") from None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]


def _refuse_siblings(module: ModuleType, folder: Path) -> None:
    """Raise PluginError for what a file imports from beside it: nobody would notice that it changed, and
    workers may not find it.
    """
    for value in list(vars(module).values()):
        name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        other = sys.modules.get(name) if isinstance(name, str) else None
        path = getattr(other, "__file__", None)
        if other is module or path is None:
            continue
        if Path(path).absolute().parent == folder and not _is_installed(str(name)):
            raise PluginError(
                f"it imports {name} from the file beside it, whose changes would go unnoticed; put both into "
                "one file, or make them a package and install it"
            )


def _is_installed(module: str) -> bool:
    return module.partition(".")[0] in {
        *importlib.metadata.packages_distributions(),
        *sys.stdlib_module_names,
    }


def _object(thing: object) -> Given:
    """An object of this process. What it is made of is pickled by value, as it is in memory now."""
    if isinstance(thing, ModuleType):
        name, owner, module = thing.__name__.rpartition(".")[2], thing.__name__, thing.__name__
        hooks = {x: getattr(thing, x) for x, _ in HOOKS.values() if hasattr(thing, x)}
        if hooks and hasattr(thing, agreed.NAME):
            hooks[agreed.NAME] = getattr(thing, agreed.NAME)
        made: Any = SimpleNamespace(**hooks)
    else:
        cls = thing if isinstance(thing, type) else type(thing)
        name = owner = cls.__name__
        module, made = cls.__module__, thing
        hooks = {x: True for x, _ in HOOKS.values() if hasattr(thing, x)}
    if isinstance(thing, type):
        raise PluginError(f"plugin {name}: it is a class; give an instance, {name}()")
    if not hooks:
        known = ", ".join(x for x, _ in HOOKS.values())
        raise PluginError(f"plugin {name}: it has none of the hooks {known}; write one, with @hookimpl")
    try:
        content, still = (_pickled(made, module, still=x) for x in (False, True))
    except Exception as error:
        raise PluginError(
            f"plugin {name}: it cannot be distinguished from other versions of itself, since it cannot be "
            f"pickled ({said_of(error)}); put it into a file and give that"
        ) from error
    return replace(Given(name, owner, module, _digest(still), "", content), _object=made)


def _pickled(thing: object, module: str, *, still: bool) -> bytes:
    """A pickle that has what `module` defines by value: others may not find that, or another version of it.

    `still`: one for a digest instead, the same wherever the code stands and whatever hashes are, with the
    content of the files of all other modules that are referred to and not installed.
    """
    import dill
    from dill import _dill, detect

    own = _own_packages()
    beside: set[str] = set()

    class Still(dill.Pickler):  # type: ignore[misc]
        dispatch = dill.Pickler.dispatch.copy()

    def save_still(pickler: Any, code: CodeType) -> None:
        _dill.save_code(pickler, code.replace(co_filename="", co_firstlineno=1, co_linetable=b""))

    def save_sorted(pickler: Any, values: Iterable[Any]) -> None:
        pickler.save_reduce(tuple, (sorted(values, key=repr),), obj=values)

    def save_dict(pickler: Any, values: dict[Any, Any]) -> None:
        if "__module__" in values and "__doc__" in values:  # of a class
            values = {
                k: x for k, x in values.items() if k not in CACHED and (k, x) != ("__annotations__", {})
            }
        _dill.save_module_dict(pickler, values)

    def save_module(pickler: Any, value: ModuleType) -> None:
        beside.add(value.__name__)
        _dill.save_module(pickler, value)

    def ordered(*arguments: Any, **named: Any) -> dict[str, Any]:
        return dict(sorted(referred(*arguments, **named).items()))

    def elsewhere(value: Any, pickler: Any = None) -> bool:
        home = getattr(value, "__module__", None)
        if home == module:
            return False
        beside.add(str(home))
        return bool(locate(value, pickler))

    Still.dispatch[CodeType], Still.dispatch[ModuleType] = save_still, save_module
    Still.dispatch[dict] = save_dict
    Still.dispatch[frozenset] = Still.dispatch[set] = save_sorted
    out, referred, locate = io.BytesIO(), detect.globalvars, _dill._locate_function
    # The order of a function's globals is that of a set; and what can be imported is pickled by name.
    detect.globalvars, _dill._locate_function = ordered, elsewhere
    try:
        (Still if still else dill.Pickler)(out, recurse=True).dump(thing)
    finally:
        detect.globalvars, _dill._locate_function = referred, locate
    if still:
        for name in sorted(beside):
            path = getattr(sys.modules.get(name), "__file__", None)
            if path is not None and name.partition(".")[0] not in own and not _is_installed(name):
                out.write(_read(Path(path)))
    return out.getvalue()


def _own_packages() -> frozenset[str]:
    """The packages of this distribution, whose versions are theirs."""
    points = importlib.metadata.entry_points(group=GROUP)
    return frozenset(x.value.partition(".")[0] for x in points if x.dist and x.dist.name == OWN)
