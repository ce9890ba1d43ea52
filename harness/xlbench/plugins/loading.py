"""Discovery: one try for each plugin, each value checked when it is yielded; what fails is kept as data."""

from __future__ import annotations

import difflib
import errno
import importlib.metadata
import io
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

from xlbench import hookspecs
from xlbench.contracts import BaseModel, KindOfTask, Language, Task
from xlbench.data.codes import is_iso639_3
from xlbench.errors import PluginError, UnknownNameError, XlbenchError, said_of
from xlbench.plugins import agreed, remembered
from xlbench.plugins.registry import HOOKS, LIMIT, OWN, Kind, Plugin, Refused, Registry, normal, split
from xlbench.spec.fields import fault, shown

if TYPE_CHECKING:
    from xlbench.contracts import Json
    from xlbench.plugins.given import Given

_MOST_VALUES = 20_000
"""Of one hook: what yields more may never end."""
_PRINTED = 200
"""Characters of what a plugin prints that are kept."""
_modules: dict[str, Plugin] = {}
"""By name, the modules that third parties' plugins were loaded from in this process; for messages only."""


class _Point(NamedTuple):
    """An entry point, and of what distribution."""

    point: importlib.metadata.EntryPoint
    distribution: str
    version: str


@dataclass
class _Loaded:
    """One plugin, while its values are looked at."""

    plugin: Plugin
    point: importlib.metadata.EntryPoint | None = None
    """Of an installed one."""
    seconds: float = 0.0
    """That it took to load."""
    values: list[tuple[Kind, str, Any]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def failed(self, error: str) -> _Loaded:
        """The same, of which nothing is used; whoever asks for what it had yielded is told why."""
        why = f"failed to load: {error}"
        lost = [Refused(kind, name, why) for kind, name, _ in self.values]
        plugin = replace(self.plugin, error=error)
        return replace(self, plugin=plugin, values=[], refused=[*self.refused, *lost])

    def without(self, kind: Kind, name: str, why: str) -> None:
        """Leave the values of one name out."""
        self.values = [x for x in self.values if x[:2] != (kind, name)]
        self.refused.append(Refused(kind, name, why))

    def instead(self, kind: Kind, name: str, value: Any) -> None:
        """Use another value under a name that has one."""
        self.values = [(*x[:2], value) if x[:2] == (kind, name) else x for x in self.values]

    def done(self) -> Plugin:
        """The plugin, with what it provides."""
        if self.plugin.deferred:
            return self.plugin
        provides = tuple((kind, name) for kind, name, _ in self.values)
        return replace(self.plugin, provides=provides, refused=tuple(self.refused))


def load_for(
    study: Mapping[str, Json], *more: str, strict: bool = False, given: Sequence[Given] = ()
) -> Registry:
    """As `load`, without plugins that are known to be slow and to provide nothing that a study may ask for.

    `study` is plain data (`spec.study.as_json`), and `more` are names beside it, such as an executor's.
    """
    asked = remembered.words([dict(study), *more])
    while not strict:
        registry = load(given=given, asked=asked)
        wider = remembered.implied(registry, asked)
        if any(
            registry.owners[key].distribution != OWN
            for key in registry.owners
            if key[0] == "probe" and key[1] in wider
        ):
            break  # a third party's probe may use what no study names
        if not any(x.deferred and remembered.is_asked(x, wider) for x in registry.plugins):
            return registry
        asked = wider
    return load(strict=strict, given=given)


def load(
    *,
    strict: bool = False,
    given: Sequence[Given] = (),
    lenient: bool = False,
    asked: frozenset[str] | None = None,
    deferred: Collection[str] = (),
) -> Registry:
    """Load every plugin that may load, and the files and objects that are `given`.

    With `asked`, the names that are looked up later, those installed plugins are not imported that are known
    to be slow and to provide none of them (`remembered`); a name beyond these is looked up in a registry
    without `asked`. `deferred`: what was not imported in another process, and is not in this one
    (`Registry.deferred`).

    What is wrong with an installed plugin, or one of its values, is kept with it; `strict` makes it an error,
    as it is for what is given unless `lenient`. Raises PluginError for that, and UnknownNameError where
    XLBENCH_PLUGINS names a plugin that is not installed.
    """
    found = [_load_point(point, asked, deferred) for point in _entry_points()]
    own = len(found)
    found += [_load_given(one) for one in given]
    _refuse_twice(found)
    _refuse_codes(found)
    _refuse_kinds(found)
    for number, one in enumerate(found):
        plugin = one.done()
        if one.point is not None and one.seconds > remembered.SLOW and not plugin.deferred:
            remembered.keep(one.point, plugin)
        if plugin.problem is not None and (strict or (number >= own and not lenient)):
            raise PluginError(f"{plugin} failed: {plugin.problem}")
    return _registry(found)


@contextmanager
def blaming() -> Iterator[None]:
    """Turn what a third party's plugin raises, and should not, into a PluginError of one line with its place.

    What the user can correct, a full disk, exhausted memory and Ctrl-C pass as they are, and so does an end
    of the process that no plugin asks for.
    """
    try:
        yield
    except (XlbenchError, MemoryError, KeyboardInterrupt):
        raise
    except BaseException as error:
        full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EPIPE}
        if full or (where := culprit(error)) is None:
            raise
        raise PluginError(f"{where} failed: {said_of(error)}") from error


def culprit(error: BaseException) -> str | None:
    """Plugin and line that an error, or Ctrl-C, was raised in, or below; None where no third party's is among
    them.
    """
    for frame in reversed(list(traceback.walk_tb(error.__traceback__))):
        name = str(frame[0].f_globals.get("__name__"))
        for module, plugin in _modules.items():
            if name == module or name.startswith(f"{module.partition('.')[0]}."):
                return f"{plugin} ({Path(frame[0].f_code.co_filename).name}, line {frame[1]})"
    return None


def _registry(found: Iterable[_Loaded]) -> Registry:
    plugins: list[Plugin] = []
    claims: dict[tuple[Kind, str], list[tuple[Plugin, Any]]] = {}
    for one in found:
        plugin = one.done()
        plugins.append(plugin)
        for kind, name, value in one.values:
            claims.setdefault((kind, name), []).append((plugin, value))
    registry = Registry(tuple(plugins), {kind: {} for kind in HOOKS}, {}, {})
    provided, owners, rivals = dict(registry.provided), dict(registry.owners), dict(registry.rivals)
    for (kind, name), several in claims.items():
        # A code means one language, whoever describes it: the first, the built-in plugins' before others'.
        if len(several) == 1 or kind == "language":
            owners[kind, name], provided[kind] = several[0][0], {**provided[kind], name: several[0][1]}
        else:
            rivals[kind, name] = tuple(several)
    return replace(registry, provided=provided, owners=owners, rivals=rivals)


def _refuse_twice(found: Sequence[_Loaded]) -> None:
    """Leave out what a distribution provides under one name twice: nobody could say which is meant."""
    places: dict[tuple[str, Kind, str], list[_Loaded]] = {}
    for one in found:
        for kind, name, _ in one.values:
            places.setdefault((normal(one.plugin.distribution), kind, name), []).append(one)
    for (_, kind, name), several in places.items():
        if len(several) > 1:
            who = " and ".join(dict.fromkeys(f"plugin {x.plugin.name!r}" for x in several))
            for loaded in {id(x): x for x in several}.values():
                loaded.without(kind, name, f"{HOOKS[kind][0]} yields the {kind} {name!r} twice ({who})")


def _refuse_codes(found: Sequence[_Loaded]) -> None:
    """Leave out third parties' models whose languages are none: they would count as not seen, in silence."""
    known = {name for one in found for kind, name, _ in one.values if kind == "language"}
    known |= _deferred(found, "language")
    for one in found:
        for kind, name, value in list(one.values):
            if one.plugin.distribution == OWN or not isinstance(value, BaseModel):
                continue
            codes = sorted((value.pretraining_languages or frozenset()) - known)
            if unknown := [x for x in codes if not is_iso639_3(x)]:
                few = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
                one.without(
                    kind, name, f"model {name!r}: pretraining_languages has {few}, no code of ISO 639-3"
                )


def _refuse_kinds(found: Sequence[_Loaded]) -> None:
    """Leave out tasks of a kind that nothing registers, and those that have a training where their kind has
    none, or the other way round. A kind with its distribution, `dist/name`, has its short name from here on
    where no other distribution claims that.
    """
    known: dict[str, dict[str, KindOfTask]] = {}
    for one in found:
        for _, name, value in one.values:
            if isinstance(value, KindOfTask):
                known.setdefault(name, {})[one.plugin.distribution] = value
    for one in found:
        for vocabulary, name, task in list(one.values):
            if not isinstance(task, Task):
                continue
            distribution, short = split(task.kind)
            rivals = known.get(short, {})
            meant = [x for x in rivals if normal(x) == normal(distribution)] if distribution else [*rivals]
            if not meant and short in _deferred(found, "kind"):
                continue
            if not meant:
                near = difflib.get_close_matches(short, known, n=1)
                instead = f"; did you mean {near[0]!r}?" if near else ""
                why = f"kind must be one that is registered ({', '.join(known)}), not {task.kind!r}{instead}"
                one.without(vocabulary, name, f"task {name!r}: {why}")
                continue
            if distribution:
                spelled = f"{meant[0]}/{short}" if len(rivals) > 1 else short
                one.instead(vocabulary, name, replace(task, kind=spelled))
            kind = rivals[next((x for x in (one.plugin.distribution, OWN) if x in meant), meant[0])]
            if kind.trained != (task.training is not None):
                must = "AdapterTraining(...)" if kind.trained else "None"
                why = f"training must be {must}, since its kind is {task.kind!r}"
                one.without(vocabulary, name, f"task {name!r}: {why}, not {shown(task.training)}")


def _deferred(found: Sequence[_Loaded], wanted: Kind) -> frozenset[str]:
    """Names of a kind that plugins provide which were not imported."""
    plugins = (one.plugin for one in found if one.plugin.deferred)
    return frozenset(name for one in plugins for kind, name in one.provides if kind == wanted)


def _entry_points() -> Iterator[_Point]:
    """Entry points that may load, the built-in ones first, each once."""
    about: dict[int, tuple[str, str]] = {}
    points: dict[tuple[str, str, str], _Point] = {}
    for point in importlib.metadata.entry_points(group=hookspecs.GROUP):
        if id(point.dist) not in about:  # parsing metadata takes longer than most plugins do
            about[id(point.dist)] = _about(point.dist)
        one = _Point(point, *about[id(point.dist)])
        points[point.name, point.value, one.distribution] = one
    own = [x for x in points.values() if x.distribution == OWN]
    others = sorted((x for x in points.values() if x.distribution != OWN), key=lambda x: x.point.name)
    said = [x.strip() for x in os.environ.get(LIMIT, "").split(",") if x.strip()]
    unknown = sorted(x for x in said if not any(_is(one, x.removeprefix("-")) for one in points.values()))
    if unknown:
        names = ", ".join(sorted(x.point.name for x in others)) or "none"
        raise UnknownNameError(
            f"{LIMIT} names {', '.join(unknown)}, which is not installed; installed besides the "
            f"built-in plugins: {names}"
        )
    allowed = [x for x in said if not x.startswith("-")]
    left_out = [x.removeprefix("-") for x in said if x.startswith("-")]
    if (LIMIT in os.environ and not left_out) or allowed:
        others = [one for one in others if any(_is(one, x) for x in allowed)]
    yield from (one for one in (*own, *others) if not any(_is(one, x) for x in left_out))


def _is(one: _Point, text: str) -> bool:
    """Whether a text names an entry point: its name, or that with its distribution before it."""
    distribution, name = split(text)
    return one.point.name == name and normal(distribution) in ("", normal(one.distribution))


def _about(distribution: importlib.metadata.Distribution | None) -> tuple[str, str]:
    """Name and version, of which damaged metadata have none."""
    name = str((distribution and distribution.name) or "unknown")
    try:
        return name, "unknown" if distribution is None else str(distribution.version)
    except Exception:  # damaged metadata
        return name, "unknown"


def _load_point(one: _Point, asked: frozenset[str] | None, deferred: Collection[str]) -> _Loaded:
    point = one.point
    module = point.value.partition(":")[0].strip()
    plugin = Plugin(point.name, one.distribution, one.version, module)
    if plugin.distribution != OWN:
        _modules[module] = plugin
    if point.pattern.match(point.value) is None:
        return _Loaded(plugin).failed(f"its entry point {point.value!r} is no module; write package.module")
    if plugin.distribution == OWN:
        return _load(plugin, point.load, module)
    if f"{plugin.distribution}/{plugin.name}" in deferred:
        return _Loaded(replace(plugin, deferred=True))
    imported = module in sys.modules
    kept = remembered.recall(point, plugin) if asked is not None and not imported else None
    if kept is not None and not (asked and remembered.is_asked(kept, asked)):
        return _Loaded(kept)
    start, printed = time.monotonic(), io.StringIO()
    with redirect_stdout(printed):  # not standard error, which handlers of logging keep
        loaded = _load(plugin, point.load, module)
    said = " ".join(printed.getvalue().split())
    loaded.plugin = replace(loaded.plugin, printed=said[:_PRINTED])
    return replace(loaded, point=None if imported else point, seconds=time.monotonic() - start)


def _load_given(one: Given) -> _Loaded:
    plugin = Plugin(one.name, one.distribution, one.digest[:12], one.module, digest=one.digest)
    _modules[one.module] = plugin
    return _load(plugin, one.load, one)


def _imported(get: Any, source: str | Given) -> ModuleType | object:
    """What has the hooks. Raises what the import raises, or PluginError where that has another contract."""
    try:
        found: ModuleType | object = get()
    except KeyboardInterrupt:
        raise
    except BaseException:
        agreed.check_source(source)
        raise
    return found


def _load(plugin: Plugin, get: Any, source: str | Given) -> _Loaded:
    """One plugin and its values; or its failure."""
    loaded = _Loaded(plugin)
    try:
        # A manager of its own, so that nothing of a plugin that fails is left behind.
        manager = pluggy.PluginManager(hookspecs.GROUP)
        manager.add_hookspecs(hookspecs)
        module = _imported(get, source)
        loaded.plugin = replace(plugin, contract=agreed.of(module))
        manager.register(module, plugin.name)
        manager.check_pending()
        _refuse_plain(module, manager, loaded)
        for kind in HOOKS:
            _take(manager, kind, loaded)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() of a plugin ends nothing
        return loaded.failed(said_of(error))
    for kind, name in [x for x, n in Counter(x[:2] for x in loaded.values).items() if n > 1]:
        loaded.without(kind, name, f"{HOOKS[kind][0]} yields {name!r} twice; give each its own name")
    return loaded


def _refuse_plain(module: object, manager: pluggy.PluginManager, loaded: _Loaded) -> None:
    """Name functions that are called as hooks and are none. Raises PluginError where nothing is a hook."""
    real = {x.name for x in manager.get_hookcallers(module) or ()}
    for kind, (hook, _) in HOOKS.items():
        if hook not in real and callable(getattr(module, hook, None)):
            loaded.refused.append(Refused(kind, "", f"{hook} lacks @hookimpl; write it before the function"))
    if not real and not loaded.refused:
        raise PluginError("it has no hook, such as a function xlbench_tasks with @hookimpl before it")


def _take(manager: pluggy.PluginManager, kind: Kind, loaded: _Loaded) -> None:
    """Take what one hook of a plugin yields, each value checked. Raises what the hook raises."""
    hook, expected = HOOKS[kind]
    caller = getattr(manager.hook, hook)
    results = caller()
    if len(results) < len(caller.get_hookimpls()):
        loaded.refused.append(Refused(kind, "", f"{hook} returns None; yield values, or return a list"))
    for result in results:
        if isinstance(result, str | dict) or not isinstance(result, Iterable):
            why = f"{hook} returns {shown(result)}, one value; yield it, or return a list"
            loaded.refused.append(Refused(kind, "", why))
            continue
        for number, value in enumerate(islice(result, _MOST_VALUES + 1), 1):
            if number > _MOST_VALUES:
                raise PluginError(f"{hook} yields more than {_MOST_VALUES:,} values; yield fewer")
            name = _name(kind, value)
            if why := fault(value, expected):
                what = f"{kind} {name!r}" if name else f"{hook}, value {number}"
                loaded.refused.append(Refused(kind, name, f"{what}: {why}"))
            else:
                loaded.values.append((kind, name, value))


def _name(kind: Kind, value: Any) -> str:
    """What a value is called; empty where it has no name."""
    try:
        if kind == "data":
            return f"{value.task}:{value.name}" if isinstance(value.name, str) else ""
        name = value.code if isinstance(value, Language) else value.name
    except Exception:
        return ""
    return name if isinstance(name, str) else ""
