"""Every value that a plugin yields is checked by the types of the contracts, and told of in one line."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from xlbench.contracts import (
    AdapterTraining,
    BaseModel,
    Cell,
    Cost,
    Distance,
    Executor,
    Job,
    KindOfTask,
    Language,
    Metric,
    Probe,
    Tagged,
    Task,
    TaskData,
)
from xlbench.metrics import accuracy
from xlbench.spec.fields import fault


def read(paths: Any) -> Any:
    raise NotImplementedError


TASK = Task("own", 1, "A task", "tagging", ("a", "b"), accuracy(), AdapterTraining(), 32, "set", read)
KIND = KindOfTask(
    name="own", summary="A kind", load=object, examples=Tagged, gold="its tags", predicted="one tag per word"
)
CELL = Cell("own", "qty", "digest", None)
GOOD: list[tuple[Any, type[Any]]] = [
    (TASK, Task),
    (accuracy(), Metric),
    (AdapterTraining(), AdapterTraining),
    (Language("qty", "Own", "Made", "Made", "Latn"), Language),
    (BaseModel("own", "A model", "me/own", pretraining_languages=frozenset({"eng"})), BaseModel),
    (Distance("own", "A distance", {("qaa", "qab"): 0.5}), Distance),
    (Job("own", 1, {"seed": 0}, (CELL,), "a job"), Job),
    (KIND, KindOfTask),
]


def changed(value: Any, field: str, new: Any) -> Any:
    """A copy with another value in a field, whatever its class would say of that."""
    made = copy.copy(value)
    object.__setattr__(made, field, new)
    return made


class Unshowable:
    def __repr__(self) -> str:
        raise ValueError("two\nlines")


JUNK = st.one_of(
    st.complex_numbers(), st.binary(), st.builds(object), st.builds(Unshowable), st.just(Unshowable),
    st.builds(lambda: [1, 2]), st.dictionaries(st.integers(), st.integers(), min_size=1),
    st.sets(st.integers(), min_size=1), st.just("\ud800"),
)  # fmt: skip
"""Values that no field takes."""


def test_sound_values_have_no_fault() -> None:
    for value, cls in GOOD:
        assert fault(value, cls) == ""


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_field_of_another_type_is_one_line_that_names_it(data: st.DataObject) -> None:
    value, cls = data.draw(st.sampled_from(GOOD), label="value")
    field = data.draw(st.sampled_from([x.name for x in dataclasses.fields(cls)]), label="field")
    old, junk = getattr(value, field), data.draw(JUNK, label="junk")
    assume((field, junk) != ("load", Unshowable))  # a class is a function without arguments
    wrapped = [junk]
    if isinstance(old, tuple | frozenset) and junk.__hash__ is not None:
        wrapped.append(type(old)([*old, junk]))
    if isinstance(old, dict) and field != "condition":
        wrapped.append({**old, "one": junk})
    line = fault(changed(value, field, data.draw(st.sampled_from(wrapped), label="in the field")), cls)
    assert line.startswith(field)
    assert "\n" not in line
    assert "must be" in line
    assert len(line) < 800


WRONG: dict[str, tuple[Any, type[Any], str]] = {
    "kind": (changed(TASK, "kind", 7), Task, "kind must be a name .*, not 7"),
    "examples": (changed(KIND, "examples", tuple), KindOfTask, "examples must be a class derived from Exam"),
    "no class": (
        changed(KIND, "examples", "Tagged"),
        KindOfTask,
        "examples must be a class .*, not 'Tagged'",
    ),
    "level": (changed(KIND, "level", "word"), KindOfTask, "level must be 'token' or 'sentence' or None"),
    "swapped": (Language("Maltese", "mlt", "Latn", "Semitic", "Afro-Asiatic"), Language, "code .*; script "),
    "list": (changed(TASK, "labels", ["a", "b"]), Task, r"labels must be a tuple.*not \['a', 'b'\] \(list\)"),
    "twice": (changed(TASK, "labels", ("a", "a")), Task, "labels must be a tuple of texts, each once"),
    "spaces": (changed(TASK, "name", "my task"), Task, "name must be a name of lower-case letters"),
    "upper case": (changed(TASK, "name", "POS"), Task, "name must be .*, not 'POS'"),
    "empty": (changed(TASK, "name", ""), Task, "name must be .*, not ''"),
    "version": (changed(TASK, "version", 0), Task, "version must be above 0, not 0"),
    "true": (changed(TASK, "max_length", True), Task, "max_length must be a whole number, not True"),
    "metric": (changed(TASK, "metric", accuracy), Task, "metric must be a Metric, not"),
    "inner": (
        changed(TASK, "training", changed(AdapterTraining(), "epochs", -1)),
        Task,
        "training.epochs must be above 0, not -1",
    ),
    "parameters": (changed(TASK, "folder", lambda: None), Task, "folder must be a function of 1 argument"),
    "score": (
        changed(accuracy(), "others", (("more", lambda a, b: a),)),
        Metric,
        r"others\[0\]\[1\] must be a function of 1 argument",
    ),
    "two letters": (
        BaseModel("m", "s", "a/b", pretraining_languages=frozenset({"eng", "sw"})),
        BaseModel,
        r"pretraining_languages\['sw'\] must be an ISO 639-3 code.*not 'sw'",
    ),
    "not frozen": (
        BaseModel("m", "s", "a/b", pretraining_languages={"eng"}),  # type: ignore[arg-type]
        BaseModel,
        "pretraining_languages must be a frozenset",
    ),
    "checkpoint": (
        BaseModel("m", "s", "/no/such/folder"),
        BaseModel,
        "checkpoint must be a hub id .* or a f",
    ),
    "defaults": (
        BaseModel("m", "s", "a/b", defaults={"steps": (1,)}),  # type: ignore[arg-type]
        BaseModel,
        "defaults must be a Study",
    ),
    "no study": (changed(GOOD[4][0], "defaults", {"steps": [1]}), BaseModel, "defaults must be a Study"),
    "table": (Distance("d", "s", {("qaa", "en"): 0.5}), Distance, r"table\[1\] must be an ISO 639-3"),
    "not a number": (
        Distance("d", "s", {("qaa", "qab"): float("nan")}),
        Distance,
        "table.* must be a number",
    ),
    "none": (None, Task, "must be a Task, not None"),
    "a class": (Task, Task, "the class Task itself; yield an instance"),
    "needs": (changed(GOOD[6][0], "needs", "abc"), Job, "needs must be a tuple"),
    "cost": (
        changed(GOOD[6][0], "cost", Cost(finetune_tokens=-1)),
        Job,
        "cost.finetune_tokens must be at le",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_authors_get_wrong(case: str) -> None:
    import re

    value, cls, expected = WRONG[case]
    line = fault(value, cls)
    assert re.search(expected, line), line
    assert "\n" not in line


class Asks:
    name, version, summary, settings = "asks", 1, "A probe", None

    def jobs(self, resolved: Any) -> Any: ...

    def run(self, job: Any, lab: Any) -> Any: ...

    def pages(self, records: Any) -> Any: ...


class Set:
    name, task, source = "set", "own", "made"

    def languages(self, split: Any) -> Any: ...

    def fingerprint(self, language: Any, split: Any) -> Any: ...

    def examples(self, language: Any, split: Any, limit: Any = None) -> Any: ...


def variant(cls: type[Any], **changes: Any) -> Any:
    return type(f"{cls.__name__}Variant", (cls,), changes)()


def explodes(self: Any) -> Any:
    raise RuntimeError("boom")


PROTOCOLS: dict[str, tuple[Any, type[Any], str]] = {
    "sound probe": (Asks(), Probe, "^$"),
    "sound data": (Set(), TaskData, "^$"),
    "class": (Asks, Probe, r"the class Asks itself; yield an instance, Asks\(...\)"),
    "number": (42, Probe, "must be a Probe object, not 42"),
    "lacks": (Set(), Probe, "one of the class Set, without version, summary, settings, jobs, run, pages"),
    "no method": (variant(Asks, jobs=()), Probe, "jobs must be a method"),
    "too few": (variant(Asks, jobs=lambda self: []), Probe, r"jobs must be a method that takes \(resolved\)"),
    "too many": (variant(Asks, run=lambda self, a, b, c: []), Probe, r"takes \(job, lab\)"),
    "limit": (variant(Set, examples=lambda self, a, b: []), TaskData, r"takes \(language, split, limit\)"),
    "dot": (variant(Asks, name="my.probe"), Probe, "name must be"),
    "text version": (variant(Asks, version="1"), Probe, "version must be a whole number, not '1'"),
    "settings": (variant(Asks, settings={"a": 1}), Probe, "settings must be a class or None"),
    "summary": (variant(Asks, summary=""), Probe, "summary must be a text that is not empty"),
    "raises": (variant(Asks, version=property(explodes)), Probe, "^cannot be read: RuntimeError: boom$"),
    "optional": (
        variant(Asks, drop=lambda self: {}),
        Probe,
        r"drop must be a method that takes \(records, com",
    ),
    "executor": (variant(Asks, run=lambda self, a, b, c, d, e: []), Executor, "^$"),
}


@pytest.mark.parametrize("case", PROTOCOLS)
def test_objects_have_all_members_of_the_right_kind(case: str) -> None:
    import re

    value, cls, expected = PROTOCOLS[case]
    line = fault(value, cls)
    assert re.search(expected, line), line
    assert "\n" not in line


MANY = """
from dataclasses import replace
from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Task
from xlbench.metrics import accuracy

def make(**changes):
    how = AdapterTraining()
    task = Task("good", 1, "Sound", "tagging", ("a",), accuracy(), how, 32, "set", lambda x: None)
    for name, value in changes.items():
        object.__setattr__(task, name, value)
    return task

@hookimpl
def xlbench_tasks():
    yield make()
    yield make(name="bad-kind", kind="regression")
    yield make(name="bad-labels", labels=["a"])
    yield 42

@hookimpl
def xlbench_corpora():
    class Text:
        name, source = "raises", "a"
        def languages(self):
            raise ValueError("nobody knows")
        def fingerprint(self, language): return 1
        def lines(self, language, limit): return []
    yield Text()
"""


def test_every_list_works_beside_values_that_do_not(tmp_path: Path) -> None:
    """A package as it is installed, and the command line as it is called."""
    (tmp_path / "many_plugin.py").write_text(MANY)
    info = tmp_path / "many-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: many\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text("[xlbench]\nmany = many_plugin\n")
    script = (
        "import sys\nfrom xlbench.cli import main\n"
        "for words in (*(['list', x, '--json'] for x in ('plugins', 'tasks', 'corpora')),"
        " ['plan', '--task', 'bad-kind'], ['plan', '--text', 'raises', '--task', 'pos']):\n"
        "    sys.argv = ['xlbench', *words]\n    print(main(), flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert "Traceback" not in done.stderr
    decoder, rest, answers = json.JSONDecoder(), done.stdout, []
    while rest.strip():
        answer, end = decoder.raw_decode(rest.lstrip())
        answers.append(answer)
        rest = rest.lstrip()[end:]
    listed, code, tasks, _, corpora, *codes = answers
    (row,) = (x for x in listed if x["name"] == "many")
    assert code == 0
    assert row["provides"] == ["task good", "corpus raises"]
    for said in (
        "task 'bad-kind': kind must be",
        "task 'bad-labels': labels must be",
        "value 4: must be a Task",
    ):
        assert said in row["error"]
    names = [x["name"] for x in tasks]
    assert "good" in names
    assert "pos" in names
    assert "bad-kind" not in names
    assert {"name": "raises", "languages": None, "source": "a"} in corpora
    assert codes == [0, 2, 2]
    lines = done.stderr.splitlines()
    assert any("plugin 'many' of many 2.0: task 'bad-kind': kind must be" in x for x in lines)
    assert any(
        "plugin 'many' of many 2.0 (many_plugin.py, line 26) failed: ValueError: nobody" in x for x in lines
    )
