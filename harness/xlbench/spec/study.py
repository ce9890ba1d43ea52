"""Studies as files, as JSON and as command lines: one value, three spellings."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from xlbench.contracts import (
    AdapterOrder,
    AdapterTraining,
    Control,
    Json,
    LanguageTraining,
    MaskedLM,
    Match,
    Precision,
    ReadOut,
    Retraining,
    Study,
)
from xlbench.data.domains import labels
from xlbench.errors import StudyError
from xlbench.spec import settings

FIELDS = tuple(x.name for x in dataclasses.fields(Study))
NAMES = (
    "pretraining_languages", "probes", "tasks", "transfer", "targets", "train_languages", "controls",
    "readings", "adapter_orders",
)  # fmt: skip
NUMBERS = ("steps", "seeds", "adapter_seeds")
SEEDS = ("seeds", "adapter_seeds")
"""Lists of which a number alone says how many."""
SINGLE = ("model", "revision", "reference", "text", "precision", "match")
FLAGS = ("skip_unavailable", "adaptive")
SETTINGS: dict[str, type[Any]] = {
    "mlm": MaskedLM, "adapter": AdapterTraining, "retraining": Retraining,
    "language_training": LanguageTraining,
}  # fmt: skip
OPTIONS = {
    "probes": "--probe",
    "tasks": "--task",
    "train_languages": "--train-languages",
    "pretraining_languages": "--pretraining-languages",
    "adapter_seeds": "--adapter-seeds",
    "adapter_orders": "--adapter-orders",
    "language_training": "--language-training",
    "language_adapters": "--language-adapter",
    "domains": "--domain",
}
"""Fields whose option is not their own name."""
PROBE, KEY = r"(?:[\w.-]+/)?\w[\w-]*", r"\w+"
"""What names of probes (`dist/name` too) and of their settings are made of, so that
`--option PROBE.KEY=VALUE` can say them."""
NO_CONTROLS = "none"
"""`--controls none`: no control, which is something else than not to say."""


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
    for name in (*NAMES, *NUMBERS):
        if name != "controls" and said.get(name) in ([], ()):
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

    return tomli_w.dumps(_with_word_for_none(_said(study)))


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
    said: dict[str, Any] = {k: v for k, v in raw.items() if v is not None}
    for name in NAMES:
        if name in said:
            said[name] = _list(said[name], str, name, where)
    for name in SEEDS:
        if isinstance(seeds := said.get(name), int) and not isinstance(seeds, bool):
            said[name] = list(range(_at_least(seeds, 1, f"{name}, the number of seeds,", where)))
    for name in NUMBERS:
        if name in said:
            said[name] = _list(said[name], int, name, where)
    for name in SINGLE:
        if name in said and not isinstance(said[name], str):
            raise StudyError(f"{where}{name} must be a text, not {said[name]!r}")
        if name != "model" and not str(said.get(name, name)).strip():
            raise StudyError(f"{where}{name} is empty; name one, or leave it out")
    for name in FLAGS:
        if not isinstance(said.get(name, False), bool):
            raise StudyError(f"{where}{name} must be true or false, not {said[name]!r}")
    if "data" in said:
        table: Mapping[str, Any] = _by_language(said["data"], "data", where)
        said["data"] = {
            task: _list([x] if isinstance(x, str) else x, str, f"data.{task}", where)
            for task, x in table.items()
        }
    for name, cls in SETTINGS.items():
        if name in said:
            said[name] = _settings(_table(said[name], name, where), cls, name, where)
    if "domains" in said:
        table = _by_language(said["domains"], "domains", where)
        for key, domain in table.items():
            if not isinstance(domain, str) or not labels(domain):
                raise StudyError(
                    f'{where}domains.{key} must be a text such as "news" or "news, wiki", not {domain!r}'
                )
        said["domains"] = dict(table)
    if "language_adapters" in said:
        table = _table(said["language_adapters"], "language_adapters", where)
        for language, adapter in table.items():
            if not isinstance(adapter, str) or not adapter:
                raise StudyError(
                    f"{where}language_adapters.{language} must be a folder or hub id, not {adapter!r}"
                )
        said["language_adapters"] = dict(table)
    if "options" in said:
        options = _table(said["options"], "options", where)
        said["options"] = {k: dict(_table(v, f"options.{k}", where)) for k, v in options.items()}
        for probe, own in said["options"].items():
            for name in (
                x for x, form in ((probe, PROBE), *((y, KEY) for y in own)) if not re.fullmatch(form, x)
            ):
                raise StudyError(
                    f"{where}options: {name!r} is not a name of a probe or setting: letters, digits and _"
                )
    study = Study(**said)
    _check(study, where)
    return study


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
    raw, more = _said(study), _said(defaults)
    for name, value in more.items():
        if isinstance(value, dict):
            raw[name] = _laid(value, raw.get(name, {}))
        else:
            raw.setdefault(name, value)
    return parse(raw)


def command(study: Study, plugins: Sequence[Path] = ()) -> str:
    """The `xlbench run` line that asks the same, quoted for a shell; `plugins` are files."""
    words = ["xlbench", "run"]
    for name, value in _said(study).items():
        option = OPTIONS.get(name, f"--{name}")
        if name == "data":
            words += _pairs(option, {k: ",".join(map(_escaped, v)) for k, v in value.items()})
        elif name in ("language_adapters", "domains"):
            words += _pairs(option, {k: _escaped(v) for k, v in value.items()})
        elif name in SETTINGS:
            words += _pairs(option, {k: _escaped(_shown(v)) for k, v in value.items()})
        elif name == "options":
            for probe, own in value.items():
                words += _pairs("--option", {f"{probe}.{k}": _escaped(_shown(v)) for k, v in own.items()})
        elif name in FLAGS:
            words.append(f"--{name.replace('_', '-')}")
        elif name == "controls":
            words += [option, ",".join(value) or NO_CONTROLS]
        elif name in SEEDS and len(value) == 1:
            words += [option, "1" if value == [0] else f"{value[0]},"]
        elif isinstance(value, list):
            words += [option, ",".join(str(x) for x in value)]
        else:
            words += [option, str(value)]
    for path in plugins:
        words += ["--plugin", str(path)]
    return shlex.join(words)


def _said(study: Study) -> dict[str, Any]:
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


def _pairs(option: str, values: Mapping[str, str]) -> list[str]:
    return [word for key, value in values.items() for word in (option, f"{key}={value}")]


def _escaped(text: str) -> str:
    return text.replace(",", "\\,")


def split(text: str) -> list[str]:
    """The parts of a comma-separated option; a comma after a backslash is part of a part."""
    return [x.replace("\\,", ",").strip() for x in re.split(r"(?<!\\),", text)]


def _shown(value: Json) -> str:
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


def _list(value: Any, kind: type[Any], name: str, where: str) -> tuple[Any, ...]:
    what = "texts" if kind is str else "whole numbers"
    if not isinstance(value, list | tuple) or any(
        not isinstance(x, kind) or isinstance(x, bool) for x in value
    ):
        raise StudyError(f"{where}{name} must be a list of {what}, not {value!r}")
    return tuple(value)


def _table(value: Any, name: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise StudyError(f"{where}{name} must be a table of names and values, not {value!r}")
    return value


def _by_language(value: Any, name: str, where: str) -> dict[str, Any]:
    """A table by `WHAT` or `WHAT.LANGUAGE`: `pos.eng = "*GUM"` without quotes around the key is a table in
    the table.
    """
    return {
        key: x
        for what, one in _table(value, name, where).items()
        for key, x in (
            {f"{what}.{k}": v for k, v in one.items()} if isinstance(one, Mapping) else {what: one}
        ).items()
    }


def _settings(table: Mapping[str, Any], cls: type[Any], name: str, where: str) -> dict[str, Json]:
    """Settings of one of the frozen dataclasses.

    Those of adapters may be for one task: `TASK.KEY`, or a table within the table.
    """
    result: dict[str, Json] = {}
    for key, value in table.items():
        task, _, own = key.rpartition(".")
        if cls is AdapterTraining and (isinstance(value, Mapping) or task):
            inner, of_task = (value, key) if isinstance(value, Mapping) else ({own: value}, task)
            found = _settings(inner, cls, f"{name}.{of_task}", where)
            result |= {f"{of_task}.{k}": v for k, v in found.items()}
        else:
            result |= settings.check({key: value}, cls, name, where)
    return result


def _at_least(value: int, least: int, what: str, where: str) -> int:
    if value < least:
        raise StudyError(f"{where}{what} must be at least {least}, not {value}")
    return value


def _check(study: Study, where: str) -> None:
    for name in (*NUMBERS, "limit"):
        value = getattr(study, name)
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int) and number > settings.LARGEST:
                raise StudyError(f"{where}{name}: {number} is too large; at most {settings.LARGEST}")
    for step in study.steps:
        _at_least(step, 1, "steps", where)
    for seed in (*study.seeds, *study.adapter_seeds):
        _at_least(seed, 0, "a seed", where)
    if study.limit is not None:
        if not isinstance(study.limit, int) or isinstance(study.limit, bool):
            raise StudyError(f"{where}limit must be a whole number, not {study.limit!r}")
        _at_least(study.limit, 1, "limit", where)
    if not study.model:
        raise StudyError(f"{where}model is empty; name one, or a checkpoint folder or hub id")
    if study.precision is not None and study.precision not in get_args(Precision):
        either = " or ".join(get_args(Precision))
        raise StudyError(f"{where}precision must be {either}, not {study.precision!r}")
    if study.match is not None and study.match not in get_args(Match):
        raise StudyError(
            f"{where}unknown match {study.match!r}{settings.nearest(study.match, get_args(Match))}"
        )
    known = get_args(Control)
    for control in study.controls or ():
        if control == NO_CONTROLS:
            raise StudyError(f"{where}controls: {NO_CONTROLS!r} stands alone; leave it out, or the others")
        if control not in known:
            raise StudyError(f"{where}unknown control {control!r}{settings.nearest(control, known)}")
    for what, choices, allowed in (
        ("reading", study.readings, get_args(ReadOut)),
        ("order of adapters", study.adapter_orders, get_args(AdapterOrder)),
    ):
        for choice in choices:
            if choice not in allowed:
                raise StudyError(f"{where}unknown {what} {choice!r}{settings.nearest(choice, allowed)}")
    for name in (*NAMES, *NUMBERS):
        values: Sequence[Any] = getattr(study, name) or ()
        for value in values:
            if isinstance(value, str) and not value.strip():
                raise StudyError(f"{where}{name} has an empty name in it")
            if values.count(value) > 1:
                one = {"steps": "step count", **dict.fromkeys(SEEDS, "seed")}.get(name, repr(value))
                shown = value if name in NUMBERS else "is"
                raise StudyError(f"{where}{name}: {one} {shown} given twice; leave one out")
