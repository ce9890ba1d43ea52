"""The options that make a study, shared by `run` and `plan`."""

from __future__ import annotations

import functools
import inspect
import re
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from xlbench.contracts import Study
from xlbench.errors import StudyError
from xlbench.spec import study as studies

ASKED = "The question"
HOW = "The method"
TASK = re.compile(r"^(?:[\w.-]+/)?[\w.-]+=")
"""What a part of `--data` begins with where it names its task."""

Names: TypeAlias = "list[str] | None"


def _option(name: str, text: str, *, panel: str = ASKED, metavar: str = "TEXT,...") -> Any:
    return typer.Option(name, help=text, rich_help_panel=panel, metavar=metavar)


def study_of(
    file: Annotated[
        Path | None, typer.Argument(metavar="STUDY.TOML", help="A study file; options overrule it.")
    ] = None,
    model: Annotated[
        str | None, _option("--model", "Registered name, checkpoint folder or hub id.", metavar="MODEL")
    ] = None,
    revision: Annotated[
        str | None, _option("--revision", "Revision of the model on the hub.", metavar="REV")
    ] = None,
    pretraining_languages: Annotated[
        Names,
        _option(
            "--pretraining-languages",
            "Languages that an unregistered model was pretrained on.",
            metavar="LANG,...",
        ),
    ] = None,
    probe: Annotated[Names, _option("--probe", "Probes.", metavar="PROBE,...")] = None,
    task: Annotated[Names, _option("--task", "Tasks.", metavar="TASK,...")] = None,
    transfer: Annotated[
        Names, _option("--transfer", "Transfer languages: finetuned on.", metavar="LANG,...")
    ] = None,
    targets: Annotated[Names, _option("--targets", "Target languages: scored.", metavar="LANG,...")] = None,
    train_languages: Annotated[
        Names,
        _option("--train-languages", "Languages that task adapters are trained on.", metavar="LANG,..."),
    ] = None,
    data: Annotated[
        Names,
        _option(
            "--data",
            "Labelled data of a task: a name (NAME@REVISION), or folders (globs).",
            metavar="TASK=DATA",
        ),
    ] = None,
    text: Annotated[
        str | None,
        _option(
            "--text",
            "Text: a name (NAME:ARGUMENT, NAME@REVISION), training-sentences, or a folder of <iso>.txt.",
            metavar="TEXT",
        ),
    ] = None,
    domain: Annotated[
        Names,
        _option(
            "--domain",
            "Where text and test data come from, such as text=verses or pos.wol=news.",
            metavar="DATA=DOMAIN",
        ),
    ] = None,
    steps: Annotated[Names, _option("--steps", "Finetuning steps.", panel=HOW, metavar="N,...")] = None,
    seeds: Annotated[
        Names,
        _option(
            "--seeds", "How many (3 is 0,1,2), or which (0,5,9; one alone as 5,).", panel=HOW, metavar="N,..."
        ),
    ] = None,
    adapter_seeds: Annotated[
        Names,
        _option(
            "--adapter-seeds",
            "Of task adapters, crossed with --seeds: how many, or which (default: as many as --seeds if "
            "adapters are retrained, else the model's, else 1).",
            panel=HOW,
            metavar="N,...",
        ),
    ] = None,
    controls: Annotated[
        Names,
        _option("--controls", "Of target, reference, shuffled; or none.", panel=HOW, metavar="CONTROL,..."),
    ] = None,
    readings: Annotated[
        Names,
        _option(
            "--readings",
            "put-back, retrained or both: task adapters as they were, or trained anew after fine-tuning.",
            panel=HOW,
            metavar="READING,...",
        ),
    ] = None,
    adapter_orders: Annotated[
        Names,
        _option(
            "--adapter-orders",
            "plain, mad-x or both: task adapters trained alone, or over language adapters.",
            panel=HOW,
            metavar="ORDER,...",
        ),
    ] = None,
    reference: Annotated[
        str | None, _option("--reference", "Language of the reference control.", panel=HOW, metavar="LANG")
    ] = None,
    limit: Annotated[
        int | None, _option("--limit", "Test examples a target at most.", panel=HOW, metavar="N")
    ] = None,
    precision: Annotated[
        str | None,
        _option(
            "--precision",
            "float32, or bfloat16: faster where the processor has it, and other numbers.",
            panel=HOW,
            metavar="PRECISION",
        ),
    ] = None,
    match: Annotated[
        str | None,
        _option(
            "--match",
            "What a step has in equal amounts in all languages: tokens, words or bytes of text (default: "
            "steps, the same number of chunks, whatever is in them).",
            panel=HOW,
            metavar="AMOUNT",
        ),
    ] = None,
    mlm: Annotated[
        Names, _option("--mlm", "Finetuning, such as chunk=128.", panel=HOW, metavar="KEY=VALUE,...")
    ] = None,
    adapter: Annotated[
        Names, _option("--adapter", "Task adapters, such as epochs=3.", panel=HOW, metavar="KEY=VALUE,...")
    ] = None,
    retraining: Annotated[
        Names,
        _option(
            "--retraining",
            "Retrained task adapters, such as examples=300.",
            panel=HOW,
            metavar="KEY=VALUE,...",
        ),
    ] = None,
    language_training: Annotated[
        Names,
        _option(
            "--language-training", "Language adapters, such as steps=500.", panel=HOW, metavar="KEY=VALUE,..."
        ),
    ] = None,
    language_adapter: Annotated[
        Names,
        _option(
            "--language-adapter",
            "A language's adapter, instead of training one: a folder or hub id.",
            panel=HOW,
            metavar="LANG=ADAPTER",
        ),
    ] = None,
    adaptive: Annotated[
        bool,
        typer.Option(
            "--adaptive",
            help="Spend seeds where the answer is open; the rest stops early.",
            rich_help_panel=HOW,
        ),
    ] = False,
    skip_unavailable: Annotated[
        bool,
        typer.Option(
            "--skip-unavailable",
            help="Go on without languages whose data is missing or malformed.",
            rich_help_panel=ASKED,
        ),
    ] = False,
    option: Annotated[
        Names,
        _option("--option", "Settings of a probe, or of the executor.", panel=HOW, metavar="NAME.KEY=VALUE"),
    ] = None,
) -> Study:
    """The study that the options ask for, laid over the study file."""
    said: dict[str, Any] = {
        "model": model,
        "revision": revision,
        "pretraining_languages": listed(pretraining_languages),
        "probes": listed(probe),
        "tasks": listed(task),
        "transfer": listed(transfer),
        "targets": listed(targets),
        "train_languages": listed(train_languages),
        "data": folders(data),
        "text": text,
        "steps": _numbers(steps, "--steps"),
        "seeds": _seeds(seeds, "--seeds"),
        "adapter_seeds": _seeds(adapter_seeds, "--adapter-seeds"),
        "controls": _controls(controls),
        "readings": listed(readings),
        "adapter_orders": listed(adapter_orders),
        "reference": reference,
        "limit": limit,
        "precision": precision,
        "match": match,
        "domains": _texts(
            domain, "--domain", "text=DOMAIN, text.LANG=DOMAIN, TASK=DOMAIN or TASK.LANG=DOMAIN"
        ),
        "mlm": _settings(mlm, "--mlm"),
        "adapter": _settings(adapter, "--adapter"),
        "retraining": _settings(retraining, "--retraining"),
        "language_training": _settings(language_training, "--language-training"),
        "language_adapters": _texts(language_adapter, "--language-adapter", "LANG=FOLDER or LANG=HUB_ID"),
        "options": _by_probe(option),
        "skip_unavailable": skip_unavailable or None,
        "adaptive": adaptive or None,
    }
    studies.refuse_empty(said)
    base = Study() if file is None else studies.read(file)
    return studies.merge(base, {k: v for k, v in said.items() if v is not None})


def asks(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command, whose first parameter is a study, the options of `study_of` instead."""
    shared = inspect.signature(study_of).parameters
    own = list(inspect.signature(command).parameters.values())[1:]
    hints = {
        **typing.get_type_hints(study_of, include_extras=True),
        **typing.get_type_hints(command, include_extras=True),
    }

    @functools.wraps(command)
    def wrapped(**given: Any) -> Any:
        study = study_of(**{name: given.pop(name) for name in shared})
        return command(study, **given)

    parameters = [x.replace(annotation=hints[x.name], kind=x.KEYWORD_ONLY) for x in (*shared.values(), *own)]
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {x.name: x.annotation for x in parameters}
    return wrapped


def listed(values: Sequence[str] | None) -> list[str] | None:
    """The parts of a repeatable, comma-separated option."""
    if values is None:
        return None
    return [part for value in values for part in studies.split(value) if part]


def _numbers(values: Sequence[str] | None, option: str) -> list[int] | None:
    parts = listed(values)
    if parts is None:
        return None
    try:
        return [int(x) for x in parts]
    except ValueError:
        raise StudyError(f"{option} takes whole numbers, such as 1,10,100, not {','.join(parts)!r}") from None


def _seeds(values: Sequence[str] | None, option: str) -> list[int] | int | None:
    """A lone number is how many; `5,` is the one seed 5."""
    numbers = _numbers(values, option)
    if values is not None and numbers is not None and len(numbers) == 1 and "," not in values[0]:
        return numbers[0]
    return numbers


def _controls(values: Sequence[str] | None) -> list[str] | None:
    parts = listed(values)
    return [] if parts == [studies.NO_CONTROLS] else parts


def _pairs(values: Sequence[str] | None, option: str, form: str) -> list[tuple[str, str]]:
    pairs = []
    for part in listed(values) or ():
        key, equals, value = part.partition("=")
        if not equals or not key or not value:
            raise StudyError(f"{option} takes {form}, not {part!r}")
        pairs.append((key.strip(), value))
    return pairs


def folders(values: Sequence[str] | None) -> dict[str, list[str]] | None:
    """`pos=A,B,ner=C`: what has no task of its own belongs to the one before."""
    if values is None:
        return None
    found: dict[str, list[str]] = {}
    for value in values:
        task = ""
        for part in _whole_paths(studies.split(value)):
            name, equals, folder = part.partition("=")
            if equals:
                task = name.strip()
            elif not task:
                raise StudyError(f"--data takes TASK=FOLDER, not {part!r}")
            own = found.setdefault(task, [])
            if place := folder if equals else part:
                own.append(place)
    return found


def _once(pairs: Sequence[tuple[str, str]], option: str) -> dict[str, str]:
    """Raises StudyError for a key with two values."""
    found: dict[str, str] = {}
    for key, value in pairs:
        if key in found:
            raise StudyError(f"{option} {key} is given twice, {found[key]!r} and {value!r}; leave one out")
        found[key] = value
    return found


def _whole_paths(parts: Sequence[str]) -> list[str]:
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


def _settings(values: Sequence[str] | None, option: str) -> dict[str, Any] | None:
    if values is None:
        return None
    pairs = _once(_pairs(values, option, "KEY=VALUE"), option)
    return {key: studies.scalar(value) for key, value in pairs.items()}


def _texts(values: Sequence[str] | None, option: str, form: str) -> dict[str, str] | None:
    return None if values is None else _once(_pairs(values, option, form), option)


_OPTION = re.compile(rf"(?P<probe>{studies.PROBE})\.(?P<key>{studies.KEY})\s*=(?P<first>.*)", re.DOTALL)


def _by_probe(values: Sequence[str] | None) -> dict[str, dict[str, Any]] | None:
    """`interference.sizes=2,3,interference.random=false`: what names no setting belongs to the one before."""
    if values is None:
        return None
    given: dict[tuple[str, str], list[str]] = {}
    for value in values:
        own: list[str] | None = None
        for part in studies.split(value):
            if found := _OPTION.fullmatch(part):
                key = found["probe"], found["key"]
                if key in given:
                    raise StudyError(
                        f"--option {'.'.join(key)} is given twice; give all its values at once, with commas "
                        "between"
                    )
                own = given[key] = [found["first"].strip()]
            elif own is not None:
                own.append(part)
            else:
                raise StudyError(f"--option takes NAME.KEY=VALUE, not {part!r}")
    made: dict[str, dict[str, Any]] = {}
    for (probe, name), parts in given.items():
        made.setdefault(probe, {})[name] = _value(parts, f"{probe}.{name}")
    return made


def _value(parts: Sequence[str], name: str) -> Any:
    """One value; of several with commas between, a list, unless they are JSON together."""
    whole = ",".join(parts)
    if whole[:1] in ("[", "{") and not isinstance(read := studies.scalar(whole), str):
        return read
    values = [studies.scalar(x) for x in parts if x]
    if not values:
        raise StudyError(f"--option takes NAME.KEY=VALUE, not '{name}='")
    return values if len(parts) > 1 else values[0]
