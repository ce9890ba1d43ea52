"""Forms of single values and lists: flags, numbers, words, names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from xlbench.contracts import settings
from xlbench.contracts.asked import Asked, Once, Parts
from xlbench.contracts.spelling import split
from xlbench.errors import StudyError


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
class Number(Once):
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
class Word(Once):
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
class Names(Parts):
    """Names, each once; where the field may be None, no name at all is a value too."""

    name: str
    asked: Asked
    choices: tuple[str, ...]
    optional: bool = False

    def read(self, value: Any) -> tuple[str, ...]:
        """See `Form`."""
        names = values_of(value, str, self.name)
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
class Numbers(Parts):
    """Whole numbers, each once; where a number alone counts, so many from 0."""

    name: str
    asked: Asked

    def read(self, value: Any) -> tuple[int, ...]:
        """See `Form`."""
        one = self.asked.what or self.name
        if self.asked.counts and isinstance(value, int) and not isinstance(value, bool):
            what = f"{self.name}, the number of {self.asked.what}s,"
            return tuple(range(_in_range(value, 1, what, self.name)))
        numbers = values_of(value, int, self.name)
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


def _whole(parts: Sequence[str], option: str, wanted: str) -> list[int]:
    try:
        return [int(x) for x in parts]
    except ValueError:
        raise StudyError(f"{option} takes {wanted}, not {','.join(parts)!r}") from None


def values_of(value: Any, kind: type[Any], name: str) -> tuple[Any, ...]:
    """A list of values of one type, `str` or `int`. Raises StudyError for what is none."""
    what = "texts" if kind is str else "whole numbers"
    if not isinstance(value, list | tuple) or any(
        not isinstance(x, kind) or isinstance(x, bool) for x in value
    ):
        raise StudyError(f"{name} must be a list of {what}, not {value!r}")
    return tuple(value)


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
