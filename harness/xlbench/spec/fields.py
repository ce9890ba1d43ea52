"""Values checked against the types of the contracts: one checker, made from a class's own annotations."""

from __future__ import annotations

import builtins
import dataclasses
import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, get_args, get_origin

from xlbench import contracts
from xlbench.contracts import settings

if typing.TYPE_CHECKING:
    from xlbench.contracts.allowed import Allowed

MOST = 3
"""Faults of one value that are told."""
SHOWN = 60
"""Characters of a value that are shown."""


class Fault(NamedTuple):
    """One place where a value is not what its type says."""

    where: str
    """From the value: `.training.epochs`, `.labels[2]`, or nothing for the value itself."""
    allowed: str
    """What has to be there."""
    found: str
    """What is there, for people."""

    def __str__(self) -> str:
        field = self.where.lstrip(".")
        return f"{field + ' ' if field else ''}must be {self.allowed}, not {self.found}"


Faults: TypeAlias = Iterator[Fault]


class Shape(NamedTuple):
    """What a type comes to."""

    says: str
    find: Callable[[Any], Faults]


def fault(value: object, expected: Any) -> str:
    """One line on what is wrong with a value of a contract's class or protocol; nothing where it is sound."""
    try:
        found = list(_shape(expected).find(value))
    except Exception as error:  # whatever an attribute of a stranger's class may raise
        return f"cannot be read: {type(error).__name__}: {' '.join(str(error).split())}"
    more = f"; and {len(found) - MOST} more" if len(found) > MOST else ""
    return "; ".join(map(str, found[:MOST])) + more


def shown(value: object) -> str:
    """A value for people, short, whatever its class makes of that."""
    try:
        text = _ADDRESS.sub("", " ".join(repr(value).split()))
    except Exception as error:
        return f"a {type(value).__name__} that cannot be shown ({type(error).__name__})"
    text = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    plain = value is None or isinstance(value, str | int | float | type)
    return text if plain else f"{text} ({type(value).__name__})"


class _Unknown:
    """Stands for a type that only type checkers import; anything is of it."""

    def __getattr__(self, name: str) -> _Unknown:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _: Any) -> _Unknown:
        return self

    def __or__(self, _: Any) -> _Unknown:
        return self

    __ror__ = __or__


_UNKNOWN = _Unknown()


class _Namespace(dict[str, Any]):
    """Names in the annotations of a module; those that it imports for type checkers alone are contracts, or
    stand for anything.
    """

    def __init__(self, module: str) -> None:
        super().__init__(vars(sys.modules[module]))

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name):
            return getattr(builtins, name)
        return getattr(contracts, name, _UNKNOWN)


def _hints(cls: type[Any]) -> dict[str, Any]:
    """Types of a class's fields; a forward reference to what is not imported stands for anything."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        names = _Namespace(base.__module__)
        for name, text in vars(base).get("__annotations__", {}).items():
            found[name] = _evaluated(text, names)
    return found


def _evaluated(hint: Any, names: Mapping[str, Any]) -> Any:
    if not isinstance(hint, str):
        return hint
    return eval(hint, {"__builtins__": {}}, names)  # noqa: S307 - an annotation of our own contracts


_SHAPES: dict[Any, Shape] = {}


def _shape(hint: Any) -> Shape:
    """What a type comes to, once made."""
    if hint not in _SHAPES:
        _SHAPES[hint] = _made(hint)
    return _SHAPES[hint]


def _made(hint: Any) -> Shape:
    if hint == contracts.Json:
        return Shape("anything", lambda _: iter(()))  # what cannot be written as JSON has no digest
    if isinstance(hint, str):  # an alias that is written as a text
        return _shape(_evaluated(hint, _Namespace(contracts.task.__name__)))
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _ruled(_shape(arguments[0]), arguments[1])
    if origin in (typing.Union, types.UnionType):
        return _either(arguments)
    if origin is Literal:
        says = " or ".join(map(repr, arguments))
        return _plain(says, lambda x: any(type(x) is type(one) and x == one for one in arguments))
    if origin is tuple:
        return _tuple(arguments)
    if origin is Callable:
        return (
            _function(len(arguments[0])) if isinstance(arguments[0], list) else _plain("a function", callable)
        )
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(*map(_shape, arguments))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Collection):
        return _several(origin, _shape(arguments[0]))
    if origin is type:
        return _class(arguments[0])
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type) and getattr(hint, "_is_protocol", False):
        return _protocol(hint)
    if isinstance(hint, type) and hint is contracts.Study:
        return _study()
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _dataclass(hint)
    return Shape("anything", lambda _: iter(()))


def _class(base: Any) -> Shape:
    if base is Any or not isinstance(base, type):
        return _plain("a class", lambda x: isinstance(x, type))
    says = f"a class derived from {base.__name__}"
    return _plain(says, lambda x: isinstance(x, type) and issubclass(x, base))


def _plain(says: str, test: Callable[[Any], bool]) -> Shape:
    def find(value: Any) -> Faults:
        if not test(value):
            yield Fault("", says, shown(value))

    return Shape(says, find)


_ADDRESS = re.compile(" at 0x[0-9a-f]+")
_SURROGATE = re.compile("[\ud800-\udfff]")


def _is_text(value: object) -> bool:
    """Whether a value is a text that can be written; it is made one line where it is shown."""
    return isinstance(value, str) and _SURROGATE.search(value) is None


_PLAIN: dict[Any, Shape] = {
    str: _plain("a text", _is_text),
    bool: _plain("True or False", lambda x: isinstance(x, bool)),
    int: _plain("a whole number", lambda x: isinstance(x, int) and not isinstance(x, bool)),
    float: _plain("a number", lambda x: isinstance(x, float | int) and not isinstance(x, bool)),
    type(None): _plain("None", lambda x: x is None),
}


def _ruled(shape: Shape, rule: Allowed) -> Shape:
    def find(value: Any) -> Faults:
        faults = list(shape.find(value))
        if not faults and not rule.test(value):
            faults = [Fault("", rule.says, shown(value))]
        for one in faults:
            yield one if one.where else one._replace(allowed=rule.says)

    return Shape(rule.says, find)


def _either(kinds: Sequence[Any]) -> Shape:
    shapes = [_shape(x) for x in kinds]
    says = " or ".join(x.says for x in shapes)

    def find(value: Any) -> Faults:
        found = [list(x.find(value)) for x in shapes]
        if all(found):
            # What is wrong within a value of the right kind says more than that it is of no kind.
            inner = next((x for x in found if all(one.where for one in x)), None)
            yield from inner or [Fault("", says, shown(value))]

    return Shape(says, find)


def _within(item: Shape, pairs: Iterable[tuple[str, Any]]) -> Faults:
    for where, value in pairs:
        for one in item.find(value):
            yield one._replace(where=f"{where}{one.where}")


def _tuple(kinds: Sequence[Any]) -> Shape:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return _several(tuple, _shape(kinds[0]))
    shapes = [_shape(x) for x in kinds]
    says = f"a tuple of {len(shapes)} ({', '.join(x.says for x in shapes)})"

    def find(value: Any) -> Faults:
        if not isinstance(value, tuple) or len(value) != len(shapes):
            yield Fault("", says, shown(value))
            return
        for number, (item, one) in enumerate(zip(shapes, value, strict=True)):
            yield from _within(item, [(f"[{number}]", one)])

    return Shape(says, find)


_WORDS: dict[type[Any], str] = {tuple: "a tuple", frozenset: "a frozenset", list: "a list"}


def _several(kind: type[Any], item: Shape) -> Shape:
    says = f"{_WORDS.get(kind, 'a collection')}, each {item.says}"

    def find(value: Any) -> Faults:
        if not isinstance(value, kind) or isinstance(value, str | bytes):
            yield Fault("", says, shown(value))
        elif isinstance(value, Sequence):
            yield from _within(item, ((f"[{number}]", one) for number, one in enumerate(value)))
        else:
            yield from _within(item, ((f"[{shown(one)}]", one) for one in sorted(value, key=shown)))

    return Shape(says, find)


def _mapping(key: Shape, item: Shape) -> Shape:
    says = f"a mapping from {key.says} to {item.says}"

    def find(value: Any) -> Faults:
        if not isinstance(value, Mapping):
            yield Fault("", says, shown(value))
        elif isinstance(value, dict):  # any other may compute what it is asked for
            for name, one in value.items():
                yield from _within(key, [("", name)])
                yield from _within(item, [(f"[{shown(name)}]", one)])

    return Shape(says, find)


def _function(count: int) -> Shape:
    says = f"a function of {count} argument{'s' * (count != 1)}"

    def find(value: Any) -> Faults:
        if not callable(value):
            yield Fault("", says, shown(value))
        elif (why := _misfit(value, [None] * count, {})) is not None:
            yield Fault("", says, why)

    return Shape(says, find)


def _misfit(function: Any, positional: Sequence[Any], named: Mapping[str, Any]) -> str | None:
    """What is there instead of a function that can be called so; None where it can."""
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        return None  # a built-in one does not say
    try:
        signature.bind(*positional, **named)
    except TypeError:
        return f"{getattr(function, '__name__', type(function).__name__)}{signature}"
    return None


def _dataclass(cls: type[Any]) -> Shape:
    says = f"a {cls.__name__}"
    hints = _hints(cls)
    fields = [(x.name, _shape(hints[x.name]), hints[x.name], x.default) for x in dataclasses.fields(cls)]

    def find(value: Any) -> Faults:
        if not isinstance(value, cls):
            yield Fault("", says, _instance(value, cls))
            return
        for name, shape, hint, default in fields:
            one = getattr(value, name)
            faults = list(shape.find(one))
            if not faults and get_origin(hint) is not Annotated:
                faults = list(_unusual(one, default))
            yield from (x._replace(where=f".{name}{x.where}") for x in faults)

    return Shape(says, find)


def _unusual(value: Any, default: Any) -> Faults:
    """A number or text of the right type that a field with this default cannot have."""
    if isinstance(value, str) and not value.strip() and default != "":
        yield Fault("", "a text that is not empty", repr(value))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and (why := settings.out_of_range(value, default)):
        yield Fault("", why, shown(value))


def _instance(value: Any, cls: type[Any]) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__} itself; yield an instance, {value.__name__}(...)"
    return shown(value)


def _study() -> Shape:
    """A study has checked itself."""

    def find(value: Any) -> Faults:
        if not isinstance(value, contracts.Study):
            yield Fault("", "a Study", shown(value))

    return Shape("a Study", find)


_OPTIONAL: tuple[type[Any], ...] = (
    contracts.Adapts, contracts.Choosable, contracts.Compares, contracts.CorpusFamily, contracts.Explained,
    contracts.Identified, contracts.Narrowed, contracts.Parallel, contracts.Prioritizes,
    contracts.RandomOrder, contracts.Recommends, contracts.Revised, contracts.Selective,
)  # fmt: skip
"""What a value may be besides: looked at where all of its members are there."""


def _protocol(cls: type[Any]) -> Shape:
    says = f"a {cls.__name__}"

    def find(value: Any) -> Faults:
        if value is None or isinstance(value, type | str | int | float | list | tuple | dict):
            yield Fault("", f"{says} object", _instance(value, cls))
            return
        if lacking := [x for x in _member_names(cls) if not hasattr(value, x)]:
            kind = type(value).__name__
            yield Fault("", f"{says} object", f"one of the class {kind}, without {', '.join(lacking)}")
            return
        yield from _members(value, cls)
        for other in _OPTIONAL:
            if all(hasattr(value, name) for name in _member_names(other)):
                yield from _members(value, other)

    return Shape(says, find)


def _member_names(cls: type[Any]) -> tuple[str, ...]:
    own = vars(cls)
    methods = [x for x, one in own.items() if callable(one) or isinstance(one, property)]
    return tuple(x for x in (*own.get("__annotations__", {}), *methods) if not x.startswith("_"))


def _members(value: Any, cls: type[Any]) -> Faults:
    """What is wrong with the attributes and methods that a protocol names."""
    for name in _member_names(cls):
        declared = vars(cls).get(name)
        try:
            one = getattr(value, name)
        except Exception as error:
            yield Fault(f".{name}", "readable", f"what raises {type(error).__name__}: {error}")
            continue
        if declared is None or isinstance(declared, property):
            yield from _attribute(cls, name, declared, one)
        elif not callable(one):
            yield Fault(f".{name}", "a method", shown(one))
        else:
            parameters = list(inspect.signature(declared).parameters.values())[1:]
            named = {x.name: None for x in parameters if x.kind is x.KEYWORD_ONLY}
            names = [x.name for x in parameters if x.kind is not x.KEYWORD_ONLY]
            if (why := _misfit(one, [None] * len(names), named)) is not None:
                yield Fault(f".{name}", f"a method that takes {_listed((*names, *named))}", why)


def _listed(names: Sequence[str]) -> str:
    return f"({', '.join(names)})" if names else "nothing"


def _attribute(cls: type[Any], name: str, declared: property | None, value: Any) -> Faults:
    if declared is None:
        hint = _hints(cls)[name]
    else:
        text = inspect.get_annotations(declared.fget or value)["return"]
        hint = _evaluated(text, _Namespace(cls.__module__))
    faults = list(_shape(hint).find(value))
    if not faults and get_origin(hint) is not Annotated:
        faults = list(_unusual(value, None))
    yield from (x._replace(where=f".{name}{x.where}") for x in faults)
