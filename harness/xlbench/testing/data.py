"""Data, text, languages and distances: what can be checked without a model."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from xlbench.contracts import Corpus, CorpusFamily, Distance, Language, Revised, Split, Task, TaskData
from xlbench.data.codes import is_iso639_3
from xlbench.errors import DataError, XlbenchError, said_of
from xlbench.studies.lookup import find_data, is_held_out, sets_of
from xlbench.testing.findings import Finding, line_of, raised_in

if TYPE_CHECKING:
    from xlbench.plugins import Kind
    from xlbench.testing.subject import Subject

MOST = 20_000
"""Examples of one language, or pairs of a distance, that are looked at."""
_FEW = 3


def of_task(subject: Subject, name: str, task: Task) -> Iterator[Finding]:
    """Its data are there, with what it is trained on; its reader refuses a folder without data."""
    kind = subject.registry.method.kinds[task.kind]
    given = subject.given(task)
    if is_held_out(given):
        return
    if not given:
        yield no_data(subject, name, task)
        yield from _empty_folder(subject, name, task)
        return
    try:
        data = find_data(task, given, subject.registry)
    except XlbenchError as error:
        yield subject.finding("task", name, "folder" if name in subject.data else "default_data", str(error))
        return
    needed: tuple[Split, ...] = ("train", "test") if kind.trained and task.adapter is None else ("test",)
    for split in needed:
        try:
            if remote(data):
                continue
            if not tuple(data.languages(split)):
                what = f"the data {data.name!r} have no language with {split} data; give them some"
                yield subject.finding("task", name, "default_data", what, line_of(data))
        except Exception as error:
            yield _raised(subject, "task", name, "default_data", error)
    yield from _empty_folder(subject, name, task)
    if data.name not in sets_of(task, subject.registry):
        for one in of_data(subject, name, data):  # of a folder, which the task's reader reads
            own = subject.finding("task", name, one.field, one.what, line_of(task.folder), note=one.note)
            yield own


def no_data(subject: Subject, name: str, task: Task) -> Finding:
    """The note that there is nothing to check a task with."""
    what = (
        "there are none, so that users name a folder; labels, metric and training are not checked: give a "
        f"folder to check them with (xlbench plugin check ... --data {task.name}=FOLDER)"
    )
    return subject.finding("task", name, "default_data", what, note=True)


def _empty_folder(subject: Subject, name: str, task: Task) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory() as empty:
        try:
            task.folder([Path(empty)])
        except XlbenchError:
            pass
        except Exception as error:
            what = (
                f"raises {said_of(error)} for a folder without data; raise DataError that says what it needs"
            )
            yield subject.finding("task", name, "folder", what, line_of(task.folder))
        else:
            what = "accepts a folder without data; raise DataError that says what a folder has to hold"
            yield subject.finding("task", name, "folder", what, line_of(task.folder))


def of_data(subject: Subject, name: str, data: TaskData) -> Iterator[Finding]:
    """Splits, fingerprints, and every example: its type, its labels, its sentences."""
    task = subject.registry.tasks.get(data.task)
    if task is None:
        what = f"no task {data.task!r}; name the task that the data are of (xlbench list tasks)"
        yield subject.finding("data", name, "task", what, line_of(data))
        return
    if remote(data):
        what = "the data have to be downloaded; their examples are not checked"
        yield subject.finding("data", name, "examples", what, note=True)
        return
    for split in get_args(Split):
        found = _called(subject, "data", name, "languages", partial(_tuple, data.languages, split))
        if isinstance(found, Finding):
            yield found
            return
        yield from _codes(subject, "data", name, "languages", found)
        for code in found:
            yield from islice(_of_split(subject, name, data, task, code, split), _FEW)


def _of_split(
    subject: Subject, name: str, data: TaskData, task: Task, code: str, split: Split
) -> Iterator[Finding]:
    where = f"{code}, {split} data"
    yield from _fingerprint(subject, "data", name, where, lambda: data.fingerprint(code, split))
    examples = _called(
        subject, "data", name, "examples", lambda: list(data.examples(code, split, MOST)), where
    )
    if isinstance(examples, Finding):
        yield examples
        return
    place = line_of(data.examples)
    if not examples:
        what = f"{where}: there are none; raise DataError, or leave the language out of languages"
        yield subject.finding("data", name, "examples", what, place)
        return
    kind = subject.registry.method.kinds[task.kind]
    if not isinstance(examples[0], kind.examples):
        what = (
            f"the kind {task.kind!r} of the task {task.name!r} has {kind.examples.__name__} examples, but "
            f"the data {data.name!r} give {type(examples[0]).__name__}; correct the task's kind, or the data"
        )
        mine = ("task", task.name) in subject.plugin.provides
        yield (
            subject.finding("task", task.name, "kind", what)
            if mine
            else subject.finding("data", name, "examples", what, place)
        )
        return
    for number, example in enumerate(examples, 1):
        if not isinstance(example, kind.examples):
            wrong = f"a {type(example).__name__}, not a {kind.examples.__name__}"
        else:
            wrong = example.fault(task) or _sentences(example)
        if wrong:
            what = f"{where}, example {number}: {wrong}"
            yield subject.finding("data", name, "examples", what, place)
    few = list(data.examples(code, split, _FEW))
    if few != examples[:_FEW]:
        what = f"{where}: limit={_FEW} gives {len(few)} examples that are not the first {_FEW} of all"
        yield subject.finding("data", name, "examples", what, place)


def _sentences(example: Any) -> str:
    texts = example.sentences()
    if not isinstance(texts, tuple) or not all(isinstance(x, str) for x in texts):
        return f"sentences() gives {texts!r}, not a tuple of texts"
    return "" if any(x.strip() for x in texts) else "it has no text"


def of_corpus(subject: Subject, name: str, corpus: Corpus) -> Iterator[Finding]:
    """Fingerprints, and lines: stripped, not empty, the first of all."""
    if remote(corpus) or isinstance(corpus, CorpusFamily):
        what = "the text has to be downloaded, or needs an argument; its lines are not checked"
        yield subject.finding("corpus", name, "lines", what, note=True)
        return
    codes = _called(subject, "corpus", name, "languages", lambda: tuple(corpus.languages()))
    if isinstance(codes, Finding):
        yield codes
        return
    if not codes:
        yield subject.finding("corpus", name, "languages", "there are none", line_of(corpus))
    yield from _codes(subject, "corpus", name, "languages", codes)
    for code in codes:
        yield from _fingerprint(subject, "corpus", name, code, partial(corpus.fingerprint, code))
        lines = _called(subject, "corpus", name, "lines", partial(_tuple, corpus.lines, code, 200), code)
        if isinstance(lines, Finding):
            yield lines
            continue
        place = line_of(corpus.lines)
        bad = next((x for x in lines if not isinstance(x, str) or not x or x != x.strip() or "\n" in x), None)
        if bad is not None:
            what = f"{code}: gives {bad!r}; give lines that are stripped and not empty"
            yield subject.finding("corpus", name, "lines", what, place)
        if not lines or len(lines) > 200:
            what = f"{code}: limit=200 gives {len(lines)} lines; give from 1 to limit, or raise DataError"
            yield subject.finding("corpus", name, "lines", what, place)
        elif tuple(corpus.lines(code, 2)) != lines[:2]:
            yield subject.finding(
                "corpus", name, "lines", f"{code}: limit=2 does not give the first two lines", place
            )


def of_language(subject: Subject, name: str, language: Language) -> Iterator[Finding]:
    """Its code is one of ISO 639-3, and nobody else's description is used instead."""
    yield from _codes(subject, "language", name, "code", (language.code,))
    owner = subject.registry.owners["language", name]
    if (owner.name, owner.distribution) != (subject.plugin.name, subject.plugin.distribution):
        what = f"{owner} describes it already, and its description is used"
        yield subject.finding("language", name, "code", what, note=True)


def of_distance(subject: Subject, name: str, distance: Distance) -> Iterator[Finding]:
    """Both orders of each pair, alike; 0 on the diagonal; no negative number."""
    some = dict(islice(distance.table.items(), MOST))
    for (a, b), number in some.items():
        other = distance.table.get((b, a))
        what = ""
        if a == b and number != 0:
            what = f"the distance from {a} to itself is {number:g}; it must be 0"
        elif other is None:
            what = f"there is no distance from {b} to {a}; give both orders of each pair"
        elif other != number:
            what = f"{number:g} from {a} to {b}, {other:g} from {b} to {a}; a distance is symmetric"
        elif number < 0 or math.isinf(number):
            what = f"{number:g} from {a} to {b}; give a finite number, at least 0"
        if what:
            yield subject.finding("distance", name, "table", what)
            return
    codes = {x for pair in some for x in pair}
    yield from (replace(x, note=True) for x in _codes(subject, "distance", name, "table", codes))


def _tuple(call: Callable[..., Any], *arguments: Any) -> tuple[Any, ...]:
    return tuple(call(*arguments))


def _codes(subject: Subject, kind: Kind, name: str, field: str, codes: Any) -> Iterator[Finding]:
    wrong = sorted(x for x in codes if not (x in subject.registry.languages or is_iso639_3(str(x))))
    if wrong:
        what = f"{', '.join(map(repr, wrong[:5]))}: no code of ISO 639-3, and no plugin describes it"
        yield subject.finding(kind, name, field, what)


def _fingerprint(
    subject: Subject, kind: Kind, name: str, where: str, call: Callable[[], Any]
) -> Iterator[Finding]:
    one = _called(subject, kind, name, "fingerprint", call, where)
    if isinstance(one, Finding):
        yield one
        return
    again = call()
    if not isinstance(one, str) or not one:
        yield subject.finding(kind, name, "fingerprint", f"{where}: gives {one!r}, not a text")
    elif one != again:
        what = f"{where}: gives {one!r}, then {again!r}; it may change only where the data do"
        yield subject.finding(kind, name, "fingerprint", what)


def _called(
    subject: Subject, kind: Kind, name: str, field: str, call: Callable[[], Any], where: str = ""
) -> Any:
    """What a call gives, or the finding that it raised."""
    try:
        return call()
    except Exception as error:
        return _raised(subject, kind, name, field, error, where)


def _raised(
    subject: Subject, kind: Kind, name: str, field: str, error: Exception, where: str = ""
) -> Finding:
    said = str(error) if isinstance(error, DataError) else said_of(error)
    what = f"{where + ': ' if where else ''}{said}"
    return subject.finding(kind, name, field, what, raised_in(error, subject.paths))


def remote(one: object) -> bool:
    """Whether data have revisions, as those on a hub do: reading them is a download."""
    return isinstance(one, Revised)
