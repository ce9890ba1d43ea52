"""Settings as plain data, checked against the fields of a frozen dataclass."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Union, get_args, get_origin

from xlbench.errors import StudyError

if typing.TYPE_CHECKING:
    from xlbench.contracts.cell import Json
    from xlbench.contracts.method import Vocabulary

LARGEST = 2**31 - 1
"""Of whole numbers: what every library takes."""
NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}

NONE = "none"
"""How files and command lines, which have no None, unset what a model's defaults set."""

NAMED = "xlbench.named"


def names(kind: Vocabulary) -> Mapping[str, object]:
    """Metadata of a setting of a probe whose values are names of a part of the method, such as
    "composition": where several distributions have one of a name, `dist/name` says which is meant.
    """
    return {NAMED: kind}


def check(table: Mapping[str, Any], cls: type[Any], name: str, where: str = "") -> dict[str, Json]:
    """The settings of `table`, of the types of the fields of `cls`, each checked; those alone.

    Numbers must be above 0, or at least 0 where the field's default is 0. Raises StudyError, one line that
    begins with `where` and names the setting as `name.key`.
    """
    hints = typing.get_type_hints(cls)
    defaults = {
        x.name: x.metadata.get("least", x.default)
        for x in dataclasses.fields(cls)
        if x.metadata.get("setting", True)
    }
    found: dict[str, Json] = {}
    for key, value in table.items():
        if key not in defaults:
            raise StudyError(f"{where}unknown key {name}.{key}{nearest(key, defaults)}")
        found[key] = _checked(value, hints[key], defaults[key], f"{where}{name}.{key}")
    try:
        make(cls, found)
    except ValueError as error:
        raise StudyError(f"{where}{name}.{error}") from None
    return found


def make(cls: type[Any], settings: Mapping[str, Any]) -> Any:
    """An instance of `cls` with checked settings, its defaults for the rest."""
    return cls(**tuples(settings))


def tuples(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as the fields of a class have them: lists as tuples."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}


def own(cls: type[Any] | None, said: Mapping[str, Any], name: str, owner: str) -> Any:
    """An instance of a plugin's settings class with what `name` says; None where there is no class.

    Raises StudyError, one line, for what cannot be set; `owner` names the plugin: "the probe 'transfer'".
    """
    if cls is not None:
        return make(cls, check(said, cls, name))
    if said:
        raise StudyError(f"{name}.{next(iter(said))}: {owner} has no settings")
    return None


def nearest(key: str, known: Iterable[str]) -> str:
    """What to say beside an unknown name."""
    names = list(known)
    near = difflib.get_close_matches(key.replace("-", "_").lower(), names, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(names)}"


def _checked(value: Any, hint: Any, default: Any, what: str) -> Json:
    options = [x for x in _alternatives(hint) if x is not type(None)]
    (kind,) = options
    unset = value is None or (value == NONE and NONE not in get_args(kind))
    if unset and len(options) < len(_alternatives(hint)):
        return None
    if get_origin(kind) is tuple:
        items = value if isinstance(value, list | tuple) else [value]
        least = 0 if default == 0 else None
        return [_checked(x, get_args(kind)[0], least, what) for x in items]
    if get_origin(kind) is Literal:
        known = get_args(kind)
        if value not in known:
            shown = ", ".join(map(repr, known))
            raise StudyError(f"{what} must be {'one of ' if len(known) > 1 else ''}{shown}, not {value!r}")
        return typing.cast("Json", value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
        raise StudyError(f"{what} must be {NAMES[kind]}, not {value!r}")
    if isinstance(value, int | float) and kind is not bool and (why := out_of_range(value, default)):
        raise StudyError(f"{what} must be {why}, not {value!r}")
    return value  # type: ignore[no-any-return]


def out_of_range(value: float, default: Any) -> str:
    """What a setting with this default must be, where a number is not; otherwise nothing."""
    least_is_0 = default == 0
    if not (value > 0 or (least_is_0 and value == 0)):
        return f"{'at least' if least_is_0 else 'above'} 0"
    if isinstance(value, int) and value > LARGEST:
        return f"at most {LARGEST}"
    return "a number" if value == float("inf") else ""


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
