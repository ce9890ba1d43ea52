"""How values are written on a command line: lists with commas between, tables, settings as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlbench.contracts import settings
from xlbench.errors import StudyError

if TYPE_CHECKING:
    from xlbench.contracts.cell import Json

TASK = re.compile(r"^(?:[\w.-]+/)?[\w.-]+=")
"""What a part of `--data` begins with where it names its task."""


def split(text: str) -> list[str]:
    """The parts of a comma-separated option; a comma after a backslash is part of a part."""
    return [x.replace("\\,", ",").strip() for x in re.split(r"(?<!\\),", text)]


def escaped(text: str) -> str:
    """A text that `split` leaves whole."""
    return text.replace(",", "\\,")


def shown(value: Json) -> str:
    """A setting on the command line: JSON, but for texts that are themselves without quotes."""
    if value is None:
        return settings.NONE
    if isinstance(value, str) and scalar(value) == value == value.strip() != "":
        return value
    return json.dumps(value, ensure_ascii=False)


def scalar(text: str) -> Json:
    """The value of a setting on the command line: JSON where it is JSON, otherwise a text."""
    try:
        return json.loads(text)  # type: ignore[no-any-return]
    except ValueError:
        return text


def value_of(parts: Sequence[str], name: str) -> Any:
    """One value; of several with commas between, a list, unless they are JSON together."""
    whole = ",".join(parts)
    if whole[:1] in ("[", "{") and not isinstance(read := scalar(whole), str):
        return read
    values = [scalar(x) for x in parts if x]
    if not values:
        raise StudyError(f"--option takes NAME.KEY=VALUE, not '{name}='")
    return values if len(parts) > 1 else values[0]


def pairs_of(values: Sequence[str], option: str, form: str) -> list[tuple[str, str]]:
    """Names and values of a repeatable option. Raises StudyError for what is not of its form."""
    pairs = []
    for part in (x for value in values for x in split(value) if x):
        key, equals, value = part.partition("=")
        if not equals or not key or not value:
            raise StudyError(f"{option} takes {form}, not {part!r}")
        pairs.append((key.strip(), value))
    return pairs


def each_once(pairs: Sequence[tuple[str, str]], option: str) -> dict[str, str]:
    """Raises StudyError for a key with two values."""
    found: dict[str, str] = {}
    for key, value in pairs:
        if key in found:
            raise StudyError(f"{option} {key} is given twice, {found[key]!r} and {value!r}; leave one out")
        found[key] = value
    return found


def whole_paths(parts: Sequence[str]) -> list[str]:
    """Parts between commas, put together again where that is a path that exists and the parts are none."""
    found: list[str] = []
    at = 0
    while at < len(parts):
        end = at + 1
        if not _exists(parts[at]):
            stop = next((x for x in range(end, len(parts)) if TASK.match(parts[x])), len(parts))
            longer = (x for x in range(stop, end, -1) if _exists(",".join(parts[at:x])))
            end = next(longer, end)
        found.append(",".join(parts[at:end]))
        at = end
    return found


def _exists(part: str) -> bool:
    """Whether a part, less its task, is a path that exists."""
    text = TASK.sub("", part)
    return bool(text) and Path(text).expanduser().exists()
