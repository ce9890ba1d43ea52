"""What the fields of a study may be, in each of its spellings: one form per type of a field.

A field says the rest in its metadata (`asked`): its option, help, and what of its type is allowed. So a new
setting is one field: files, JSON, command lines and `--help` know it.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, Union, get_args, get_origin

from xlbench.contracts import settings
from xlbench.contracts.spelling import (
    each_once,
    escaped,
    pairs_of,
    scalar,
    shown,
    split,
    value_of,
    whole_paths,
)
from xlbench.errors import StudyError

if typing.TYPE_CHECKING:
    from xlbench.contracts.cell import Json

PROBE, KEY = r"(?:[\w.-]+/)?\w[\w-]*", r"\w+"
"""What names of probes (`dist/name` too) and of their settings are made of, so that
`--option PROBE.KEY=VALUE` can say them."""
_OPTION = re.compile(rf"(?P<probe>{PROBE})\.(?P<key>{KEY})\s*=(?P<first>.*)", re.DOTALL)
_META = "xlbench.asked"
Panel = Literal["The question", "The method"]


class Shorthand(typing.NamedTuple):
    """An option of its own for one setting of a table."""

    option: str
    key: str
    help: str
    metavar: str


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """How a field is said, beyond its type."""

    option: str
    help: str
    metavar: str
    panel: Panel = "The question"
    what: str = ""
    """One value of it, in messages: "control"; empty: the field's name."""
    least: int = 1
    """Of numbers."""
    counts: bool = False
    """Whether a number alone says how many, rather than which."""
    settings: type[Any] | None = None
    """The class whose fields a table sets."""
    by_task: bool = False
    """Whether such settings may be for one task: `TASK.KEY`, or a table within the table."""
    form: str = ""
    """What a table's entries look like on the command line: "LANG=FOLDER"."""
    shorthand: Shorthand | None = None


def asked(default: Any, option: str, text: str, metavar: str = "", **more: Any) -> Any:
    """A study's field with this default and what `Asked` has."""
    said = {_META: Asked(option, text, metavar, **more)}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=said)
    return dataclasses.field(default=default, metadata=said)


class Form(Protocol):
    """How values of a type are read and written."""

    repeats: bool
    """Whether its option may be repeated, and has parts with commas between."""
    flag: bool

    def read(self, value: Any) -> Any:
        """The field's value of plain data, or of a value that is one. Raises StudyError for what is not."""

    def given(self, parts: Sequence[str]) -> Any:
        """Plain data of what an option was given, one text for each time."""

    def words(self, value: Any) -> Iterator[str | None]:
        """What to give the option so that it says this plain value; None for an option without a value."""


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """A field of a study."""

    name: str
    asked: Asked
    form: Form


@functools.cache
def fields(study: type[Any]) -> Mapping[str, Field]:
    """The fields of the class of studies, by name."""
    hints = typing.get_type_hints(study)
    found = {}
    for x in dataclasses.fields(study):
        said: Asked = x.metadata[_META]
        found[x.name] = Field(x.name, said, _form(x.name, hints[x.name], said))
    return found


def _form(name: str, hint: Any, said: Asked) -> Form:
    options = [x for x in _alternatives(hint) if x is not type(None)]
    optional, (kind,) = len(options) < len(_alternatives(hint)), options
    if kind is bool:
        return Flag(name)
    if kind is int:
        return Number(name, said)
    if get_origin(kind) is tuple:
        of = get_args(kind)[0]
        if of is int:
            return Numbers(name, said)
        return Names(name, said, get_args(of) if get_origin(of) is Literal else (), optional)
    if get_origin(kind) is Literal:
        return Word(name, said, get_args(kind))
    if kind is str:
        return Word(name, said, ())
    of = get_args(kind)[1]
    if get_origin(of) is tuple:
        return Data(name)
    if get_origin(of) is Mapping:
        return ByProbe(name)
    return Texts(name, said) if of is str else Settings(name, said)


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


class _Once:
    """A form whose option is given once."""

    repeats = flag = False


class _Parts:
    """A form whose option may be repeated."""

    repeats, flag = True, False


@dataclasses.dataclass(frozen=True)
class Flag:
    """True or false."""

    name: str
    repeats = False
    flag = True

    def read(self, value: Any) -> bool:
        """See `Form`."""
        if not isinstance(value, bool):
            raise StudyError(f"{self.name} must be true or false, not {value!r}")
        return value

    def given(self, parts: Sequence[str]) -> bool | None:
        """See `Form`."""
        return True if parts else None

    def words(self, value: Any) -> Iterator[str | None]:
        """See `Form`."""
        yield None


@dataclasses.dataclass(frozen=True)
class Number(_Once):
    """A whole number."""

    name: str
    asked: Asked

    def read(self, value: Any) -> int:
        """See `Form`."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise StudyError(f"{self.name} must be a whole number, not {value!r}")
        return _in_range(value, self.asked.least, self.name, self.name)

    def given(self, parts: Sequence[str]) -> int:
        """See `Form`."""
        return _whole(parts, self.asked.option, "one whole number, such as 100")[0]

    def words(self, value: Any) -> Iterator[str]:
        """See `Form`."""
        yield str(value)


@dataclasses.dataclass(frozen=True)
class Word(_Once):
    """A text; where there are choices, one of them."""

    name: str
    asked: Asked
    choices: tuple[str, ...]

    def read(self, value: Any) -> str:
        """See `Form`."""
        if not isinstance(value, str):
            raise StudyError(f"{self.name} must be a text, not {value!r}")
        if not value.strip():
            raise StudyError(f"{self.name} is empty; name one, or leave it out")
        if len(self.choices) == 2 and value not in self.choices:
            raise StudyError(f"{self.name} must be {' or '.join(self.choices)}, not {value!r}")
        return _known(value, self.choices, self.asked.what or self.name)

    def given(self, parts: Sequence[str]) -> str:
        """See `Form`."""
        return parts[-1]

    def words(self, value: Any) -> Iterator[str]:
        """See `Form`."""
        yield str(value)


@dataclasses.dataclass(frozen=True)
class Names(_Parts):
    """Names, each once; where the field may be None, no name at all is a value too."""

    name: str
    asked: Asked
    choices: tuple[str, ...]
    optional: bool = False

    def read(self, value: Any) -> tuple[str, ...]:
        """See `Form`."""
        names = _list(value, str, self.name)
        for one in names:
            if not one.strip():
                raise StudyError(f"{self.name} has an empty name in it")
            if self.optional and one == settings.NONE:
                raise StudyError(f"{self.name}: {one!r} stands alone; leave it out, or the others")
            _known(one, self.choices, self.asked.what or self.name)
        for one in names:
            if names.count(one) > 1:
                raise StudyError(f"{self.name}: {one!r} is given twice; leave one out")
        return names

    def given(self, parts: Sequence[str]) -> list[str]:
        """See `Form`."""
        found = [x for part in parts for x in split(part) if x]
        return [] if self.optional and found == [settings.NONE] else found

    def words(self, value: Any) -> Iterator[str]:
        """See `Form`."""
        yield ",".join(value) or settings.NONE


@dataclasses.dataclass(frozen=True)
class Numbers(_Parts):
    """Whole numbers, each once; where a number alone counts, so many from 0."""

    name: str
    asked: Asked

    def read(self, value: Any) -> tuple[int, ...]:
        """See `Form`."""
        one = self.asked.what or self.name
        if self.asked.counts and isinstance(value, int) and not isinstance(value, bool):
            what = f"{self.name}, the number of {self.asked.what}s,"
            return tuple(range(_in_range(value, 1, what, self.name)))
        numbers = _list(value, int, self.name)
        for x in numbers:
            _in_range(x, self.asked.least, f"a {one}" if self.asked.counts else self.name, self.name)
        for x in numbers:
            if numbers.count(x) > 1:
                raise StudyError(f"{self.name}: {one} {x} given twice; leave one out")
        return numbers

    def given(self, parts: Sequence[str]) -> list[int] | int:
        """A lone number may be how many; `5,` is the one number 5."""
        found = [x for part in parts for x in split(part) if x]
        numbers = _whole(found, self.asked.option, "whole numbers, such as 1,10,100")
        if self.asked.counts and len(numbers) == 1 and "," not in parts[0]:
            return numbers[0]
        return numbers

    def words(self, value: Any) -> Iterator[str]:
        """See `Form`."""
        if self.asked.counts and len(value) == 1:
            yield "1" if value == [0] else f"{value[0]},"
        else:
            yield ",".join(str(x) for x in value)


@dataclasses.dataclass(frozen=True)
class Texts(_Parts):
    """A table of texts."""

    name: str
    asked: Asked

    def read(self, value: Any) -> dict[str, str]:
        """See `Form`."""
        table = by_language(value, self.name)
        for key, text in table.items():
            if not isinstance(text, str) or not text.strip(", "):
                raise StudyError(f"{self.name}.{key} must be {self.asked.what}, not {text!r}")
        return table

    def given(self, parts: Sequence[str]) -> dict[str, str]:
        """See `Form`."""
        return each_once(pairs_of(parts, self.asked.option, self.asked.form), self.asked.option)

    def words(self, value: Any) -> Iterator[str]:
        """See `Form`."""
        return (f"{k}={escaped(v)}" for k, v in value.items())


@dataclasses.dataclass(frozen=True)
class Data(_Parts):
    """A table of lists of names and folders."""

    name: str

    def read(self, value: Any) -> dict[str, tuple[str, ...]]:
        """See `Form`."""
        return {
            key: _list([x] if isinstance(x, str) else x, str, f"{self.name}.{key}")
            for key, x in by_language(value, self.name).items()
        }

    def given(self, parts: Sequence[str]) -> dict[str, list[str]]:
        """`pos=A,B,ner=C`: what has no task of its own belongs to the one before."""
        found: dict[str, list[str]] = {}
        for value in parts:
            task = ""
            for part in whole_paths(split(value)):
                name, equals, folder = part.partition("=")
                if equals:
                    task = name.strip()
                elif not task:
                    raise StudyError(f"--data takes TASK=FOLDER, not {part!r}")
                own = found.setdefault(task, [])
                if place := folder if equals else part:
                    own.append(place)
        return found

    def words(self, value: Any) -> Iterator[str]:
        """See `Form`."""
        return (f"{k}={','.join(map(escaped, v))}" for k, v in value.items())


@dataclasses.dataclass(frozen=True)
class Settings(_Parts):
    """Settings of a frozen dataclass."""

    name: str
    asked: Asked

    def read(self, value: Any) -> dict[str, Json]:
        """See `Form`."""
        return self._read(_table(value, self.name), self.name)

    def _read(self, table: Mapping[str, Any], name: str) -> dict[str, Json]:
        cls = self.asked.settings
        assert cls is not None  # noqa: S101 - a table of settings says of what
        found: dict[str, Json] = {}
        for key, value in table.items():
            task, _, own = key.rpartition(".")
            if self.asked.by_task and (isinstance(value, Mapping) or task):
                inner, of_task = (value, key) if isinstance(value, Mapping) else ({own: value}, task)
                found |= {f"{of_task}.{k}": v for k, v in self._read(inner, f"{name}.{of_task}").items()}
            else:
                found |= settings.check({key: value}, cls, name)
        return found

    def given(self, parts: Sequence[str]) -> dict[str, Json]:
        """See `Form`."""
        pairs = each_once(pairs_of(parts, self.asked.option, "KEY=VALUE"), self.asked.option)
        return {key: scalar(value) for key, value in pairs.items()}

    def words(self, value: Any) -> Iterator[str]:
        """See `Form`."""
        return (f"{k}={escaped(shown(v))}" for k, v in value.items())


@dataclasses.dataclass(frozen=True)
class ByProbe(_Parts):
    """Settings that only a probe or executor knows."""

    name: str

    def read(self, value: Any) -> dict[str, dict[str, Json]]:
        """See `Form`."""
        found = {k: dict(_table(v, f"{self.name}.{k}")) for k, v in _table(value, self.name).items()}
        for probe, own in found.items():
            for text, form in ((probe, PROBE), *((key, KEY) for key in own)):
                if not re.fullmatch(form, text):
                    raise StudyError(
                        f"{self.name}: {text!r} is not a name of a probe or setting: letters, digits and _"
                    )
        return found

    def given(self, parts: Sequence[str]) -> dict[str, dict[str, Json]]:
        """`interference.sizes=2,3,interference.random=false`: what names no setting belongs to the one
        before.
        """
        found: dict[tuple[str, str], list[str]] = {}
        for value in parts:
            own: list[str] | None = None
            for part in split(value):
                if match := _OPTION.fullmatch(part):
                    key = match["probe"], match["key"]
                    if key in found:
                        raise StudyError(
                            f"--option {'.'.join(key)} is given twice; give all its values at once, with "
                            "commas between"
                        )
                    own = found[key] = [match["first"].strip()]
                elif own is not None:
                    own.append(part)
                else:
                    raise StudyError(f"--option takes NAME.KEY=VALUE, not {part!r}")
        made: dict[str, dict[str, Json]] = {}
        for (probe, name), texts in found.items():
            made.setdefault(probe, {})[name] = value_of(texts, f"{probe}.{name}")
        return made

    def words(self, value: Any) -> Iterator[str]:
        """See `Form`."""
        for probe, own in value.items():
            for key, x in own.items():
                yield f"{probe}.{key}={escaped(shown(x))}"


def by_language(value: Any, name: str) -> dict[str, Any]:
    """A table by `WHAT` or `WHAT.LANGUAGE`: `pos.eng = "*GUM"` without quotes around the key is a table in
    the table.
    """
    return {
        key: x
        for what, one in _table(value, name).items()
        for key, x in (
            {f"{what}.{k}": v for k, v in one.items()} if isinstance(one, Mapping) else {what: one}
        ).items()
    }


def _whole(parts: Sequence[str], option: str, wanted: str) -> list[int]:
    try:
        return [int(x) for x in parts]
    except ValueError:
        raise StudyError(f"{option} takes {wanted}, not {','.join(parts)!r}") from None


def _list(value: Any, kind: type[Any], name: str) -> tuple[Any, ...]:
    what = "texts" if kind is str else "whole numbers"
    if not isinstance(value, list | tuple) or any(
        not isinstance(x, kind) or isinstance(x, bool) for x in value
    ):
        raise StudyError(f"{name} must be a list of {what}, not {value!r}")
    return tuple(value)


def _table(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise StudyError(f"{name} must be a table of names and values, not {value!r}")
    return value


def _known(value: str, choices: tuple[str, ...], what: str) -> str:
    if choices and value not in choices:
        raise StudyError(f"unknown {what} {value!r}{settings.nearest(value, choices)}")
    return value


def _in_range(value: int, least: int, what: str, name: str) -> int:
    if value < least:
        raise StudyError(f"{what} must be at least {least}, not {value}")
    if value > settings.LARGEST:
        raise StudyError(f"{name}: {value} is too large; at most {settings.LARGEST}")
    return value
