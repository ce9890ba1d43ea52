"""Studies as files, as JSON and as command lines: one value, three spellings."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xlbench.contracts import Json, Study, forms, settings
from xlbench.contracts.forms_of_values import Names, Numbers
from xlbench.errors import StudyError

FIELDS = forms.fields(Study)


def read(path: Path) -> Study:
    """A study file in TOML. Raises StudyError with the file's name for whatever is wrong in it."""
    import tomllib

    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise StudyError(f"{path}: no such study file") from None
    except IsADirectoryError:
        raise StudyError(f"{path}: a folder; a study is a file, such as {path / 'study.toml'}") from None
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: byte {error.start + 1}: not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{path}: not TOML: {error}") from None
    except (RecursionError, ValueError) as error:  # too deep, or a number of thousands of digits
        raise StudyError(f"{path}: not a study in TOML ({type(error).__name__}); correct the file") from None
    refuse_empty(raw, where=f"{path}: ")
    return parse(raw, where=f"{path}: ")


def refuse_empty(said: Mapping[str, Any], where: str = "") -> None:
    """Raises StudyError for a list that someone gave with nothing in it; no controls may be wanted."""
    for name, one in FIELDS.items():
        a_list = isinstance(one.form, Numbers) or (isinstance(one.form, Names) and not one.form.optional)
        if a_list and said.get(name) in ([], ()):
            raise StudyError(f"{where}{name} is empty; name one or more, or leave it out")
    data = said.get("data")
    for task, given in data.items() if isinstance(data, Mapping) else ():
        if given in ([], ""):
            raise StudyError(f"{where}data.{task} is empty; name data or a folder, or leave it out")


def write(study: Study, path: Path) -> None:
    """Write a study file that `read` gives back as the same study."""
    path.write_text(as_toml(study), encoding="utf-8")


def as_toml(study: Study) -> str:
    """The study as TOML; what it does not say is left out."""
    import tomli_w

    return tomli_w.dumps(_with_word_for_none(said(study)))


def _with_word_for_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _with_word_for_none(v) for k, v in value.items()}
    return settings.NONE if value is None else value


def as_json(study: Study) -> dict[str, Json]:
    """All fields as plain data, lists for tuples."""
    return {name: _plain(getattr(study, name)) for name in FIELDS}


def parse(raw: Mapping[str, Any], where: str = "") -> Study:
    """A study from plain data: of TOML, of `as_json`, or of keyword arguments.

    `where` begins each message. Raises StudyError for an unknown key, a wrong type or a bad value.
    """
    for key in raw:
        if key not in FIELDS:
            raise StudyError(f"{where}unknown key {key!r}{settings.nearest(key, FIELDS)}")
    try:
        return Study(**{k: v for k, v in raw.items() if v is not None})
    except StudyError as error:
        raise StudyError(f"{where}{error}") from None


def merge(base: Study, said: Mapping[str, Any]) -> Study:
    """`base` with plain data laid over it: tables key by key, everything else whole."""
    raw = as_json(base)
    for name, value in said.items():
        old = raw.get(name)
        raw[name] = _laid(old, value)
    return parse(raw)


def _laid(below: Any, above: Any) -> Any:
    """Tables key by key, and the tables in them; everything else whole."""
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    return {**below, **{k: _laid(below.get(k), v) for k, v in above.items()}}


def filled(study: Study, defaults: Study) -> Study:
    """`study` with what it does not say taken from `defaults`."""
    raw, more = said(study), said(defaults)
    for name, value in more.items():
        if isinstance(value, dict):
            raw[name] = _laid(value, raw.get(name, {}))
        else:
            raw.setdefault(name, value)
    return parse(raw)


def command(study: Study, plugins: Sequence[object] = ()) -> str:
    """The `xlbench run` line that asks the same, quoted for a shell; `plugins` are files."""
    words = ["xlbench", "run"]
    for name, value in said(study).items():
        one = FIELDS[name]
        for word in one.form.words(value):
            words += [one.asked.option] if word is None else [one.asked.option, word]
    for path in plugins:
        words += ["--plugin", str(path)]
    return shlex.join(words)


def said(study: Study) -> dict[str, Any]:
    """What a study says, as plain data: empty and None are left out, but for empty controls."""
    raw = as_json(study)
    empty: tuple[Json, ...] = (None, [], {}, False)
    return {k: v for k, v in raw.items() if v not in empty or (k == "controls" and v == [])}


def _plain(value: Any) -> Json:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(x) for x in value]
    return value  # type: ignore[no-any-return]
