"""Forms of tables: texts, data sets, settings."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xlbench.contracts import settings
from xlbench.contracts.asked import Asked, Parts
from xlbench.contracts.forms_of_values import values_of
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

if TYPE_CHECKING:
    from xlbench.contracts.cell import Json

PROBE, KEY = r"(?:[\w.-]+/)?\w[\w-]*", r"\w+"
"""What names of probes (`dist/name` too) and of their settings are made of, so that
`--option PROBE.KEY=VALUE` can say them."""
_OPTION = re.compile(rf"(?P<probe>{PROBE})\.(?P<key>{KEY})\s*=(?P<first>.*)", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Texts(Parts):
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
class Data(Parts):
    """A table of lists of names and folders."""

    name: str

    def read(self, value: Any) -> dict[str, tuple[str, ...]]:
        """See `Form`."""
        return {
            key: values_of([x] if isinstance(x, str) else x, str, f"{self.name}.{key}")
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
class Settings(Parts):
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
class ByProbe(Parts):
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


def _table(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise StudyError(f"{name} must be a table of names and values, not {value!r}")
    return value
