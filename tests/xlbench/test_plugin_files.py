"""Plugins that are not installed: files, modules and objects, in one process and in several."""

from __future__ import annotations

import pickle
import sys
import textwrap
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xlbench import api, hookimpl, load_results, plugins
from xlbench.contracts import AdapterTraining, Cost, Job, Language, Study, Task
from xlbench.errors import PluginError, ResultsError, StudyError, UnknownNameError
from xlbench.metrics import accuracy

TOY = Path(__file__).resolve().parents[1] / "packages" / "toy" / "xlbench_toy.py"


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A third party's whole package, as one file."""
    path = tmp_path / "my_toy.py"
    path.write_text(TOY.read_text("utf-8"), "utf-8")
    return path


@pytest.fixture
def study(checkpoint: Path) -> Study:
    return Study(
        model=str(checkpoint), tasks=("question",), probes=("drift",), transfer=("qty",), targets=("qty",),
        train_languages=("qty",), data={"question": ("toy",)}, text="toy-text", limit=8, controls=(),
        mlm={"chunk": 16, "batch_size": 2}, adapter={"epochs": 1, "limit": 8},
    )  # fmt: skip


def scores(results: Path, *given: object) -> list[float]:
    return sorted(load_results(results, plugins=given)["score"])


@pytest.mark.slow
def test_a_file_does_the_same_in_one_process_and_in_several(study: Study, toy: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert api.run(study, results=one, workers=1, device="cpu", plugins=[toy]).run == 2
    done = api.run(study, results=two, workers=2, device="cpu", plugins=[str(toy)])
    assert (done.run, done.failed) == (2, {})
    assert scores(one, toy) == scores(two, toy)
    assert api.run(study, results=two, workers=1, device="cpu", plugins=[toy]).kept == 2
    moved = toy.rename(tmp_path / "other_name.py")
    assert not api.plan(study, results=two, plugins=[moved]).todo  # where a file lies changes no number
    moved.write_text(moved.read_text("utf-8") + "\n# changed\n", "utf-8")
    assert len(api.plan(study, results=two, plugins=[moved]).todo) == 2
    from xlbench.stored import Stored as Read

    with pytest.raises(ResultsError, match=r"no task 'question'.* my_toy \(my_toy\.py \w{12}\).*--plugin"):
        Read(two)
    assert Read(two, plugins=[moved]).pages


def test_a_folder_is_verified_with_the_file_that_it_was_made_with(
    study: Study, toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from xlbench.cli import upkeep

    api.run(study, results=tmp_path / "results", workers=1, device="cpu", plugins=[toy])
    assert upkeep.verify(tmp_path / "results", [toy]) == 0
    assert "all as it was written" in capsys.readouterr().out
    from xlbench.stored import Stored as Read

    read = Read(tmp_path / "results", plugins=[toy])
    assert [read.provenance(page).command.rpartition(" --plugin ")[2] for _, page in read.published] == [
        toy.name
    ]


def asking(does: Callable[[Any], Any]) -> Any:
    """An object of this process with a probe that asks as `does` says."""

    class Asks:
        name, version, summary, settings = "asks", 1, "Asks for what it likes", None

        def jobs(self, resolved: Any) -> Any:
            return does(resolved)

        def run(self, job: Any, lab: Any) -> Any:
            lab.task_adapter(job.cells[0].task)
            return lab.evaluate(job.cells)

        def pages(self, records: Any) -> Any:
            return ()

    class Plugin:
        @hookimpl
        def xlbench_probes(self) -> Any:
            yield Asks()

    return Plugin()


def asked(resolved: Any, **more: Any) -> Job:
    (task,) = resolved.tasks
    condition = {"adapter": resolved.adapter_identity(task), **more}
    return Job("asks", 1, condition, resolved.cells(task), "a job", Cost())


@pytest.mark.slow
def test_an_object_of_this_process_is_sent_to_workers(study: Study, toy: Path, tmp_path: Path) -> None:
    """With its functions, classes and what they refer to, none of which a worker could import."""

    def twice(resolved: Any) -> Any:
        return [asked(resolved, number=i) for i in range(2)]

    study = replace(study, probes=("asks",), transfer=(), text=None, options={})
    given = [toy, asking(twice)]
    done = api.run(study, results=tmp_path / "two", workers=2, device="cpu", plugins=given)
    assert (done.run, done.failed) == (2, {})
    assert api.run(study, results=tmp_path / "two", workers=1, device="cpu", plugins=given).kept == 2
    other = [toy, asking(lambda resolved: [asked(resolved, number=i) for i in (0, 1)])]
    assert len(api.plan(study, results=tmp_path / "two", plugins=other).todo) == 2


def raises(resolved: Any) -> Any:
    yield asked(resolved)
    raise ValueError("midway\nof it")


JOBS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "raises": (raises, "failed while planning: ValueError: midway of it"),
    "none": (lambda resolved: None, "jobs gives None, not a sequence of jobs"),
    "a number": (lambda resolved: 42, "jobs gives 42, not a sequence of jobs"),
    "numbers": (lambda resolved: iter([42]), "job 1: must be a Job, not 42"),
    "a job": (asked, "not a sequence of jobs"),
    "no cells": (lambda resolved: [replace(asked(resolved), cells=())], "the job 'a job' has no cells"),
    "list": (lambda resolved: [replace(asked(resolved), cells=[])], "job 1: cells must be a tuple"),
    "version": (lambda resolved: [replace(asked(resolved), probe_version="1")], "probe_version must be"),
    "object": (
        lambda resolved: [asked(resolved, seed=object())],
        "the condition of the job 'a job' is not plain",
    ),
    "nan": (
        lambda resolved: [asked(resolved, rate=float("nan"))],
        "the condition of the job 'a job' is not p",
    ),
    "stranger": (
        lambda resolved: [replace(asked(resolved), probe="no-one")],
        "'no-one', which is not installed",
    ),
    "exit": (lambda resolved: sys.exit(0), "failed while planning: SystemExit: 0"),
}


@pytest.mark.parametrize("case", JOBS)
def test_a_probe_that_asks_for_no_jobs_is_one_line(
    study: Study, toy: Path, tmp_path: Path, case: str
) -> None:
    does, expected = JOBS[case]
    study = replace(study, probes=("asks",), transfer=(), text=None)
    with pytest.raises(PluginError) as caught:
        api.plan(study, results=tmp_path / "results", plugins=[toy, asking(does)])
    assert expected in str(caught.value)
    assert "'asks'" in str(caught.value)
    assert "\n" not in str(caught.value)


LANGUAGE = """
from xlbench import hookimpl
from xlbench.contracts import Language
NAMES = {names}

def name():
    return "-".join(sorted(NAMES))

class Says:
    def __str__(self):
        return name()

@hookimpl
def xlbench_languages():
    yield Language("qty", str(Says()), "Made", "Made", "Latn")
"""


def module(source: str, *, known: bool) -> types.ModuleType:
    made = types.ModuleType("made_in_memory")
    exec(source, vars(made))  # noqa: S102
    if known:
        sys.modules["made_in_memory"] = made
    return made


def digest(source: str, *, known: bool = False, used: bool = False) -> str:
    try:
        made = module(source, known=known)
        if used:
            assert vars(made)["Says"].__annotations__ == {}  # which Python makes, and keeps, when asked
        (one,) = plugins.give([made])
    finally:
        sys.modules.pop("made_in_memory", None)
    assert plugins.load(given=[pickle.loads(pickle.dumps(one))]).languages["qty"].family == "Made"
    return one.digest


def test_the_digest_of_an_object_follows_all_that_it_refers_to_and_nothing_else() -> None:
    source = LANGUAGE.format(names={"a"})
    own = digest(source)
    assert own == digest(source) == digest(source, known=True) == digest(source, used=True)
    assert own == digest(source.replace("\nclass", "\n\n# further down\n\nclass"))
    assert own != digest(LANGUAGE.format(names={"b"}))
    assert own != digest(source.replace('"-".join', '"+".join'))
    assert own != digest(source.replace("return name()", "return name() + 'x'"))


class Holds:
    def __init__(self, held: object) -> None:
        self.held = held

    @hookimpl
    def xlbench_languages(self) -> Any:
        yield Language("qty", str(self.held), "Made", "Made", "Latn")


def test_what_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "syntax.py").write_text("def (")
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "helper_beside.py").write_text("ONE = 1\n")
    (tmp_path / "sibling.py").write_text(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport helper_beside\n"
    )
    cases: list[tuple[object, str]] = [
        (tmp_path / "nowhere.py", "no such file"),
        (tmp_path, "a folder; a plugin is one file"),
        (tmp_path / "syntax.py", r"syntax\.py \w{12} failed: SyntaxError"),
        (tmp_path / "empty.py", "it has no hook"),
        (tmp_path / "sibling.py", "it imports helper_beside from the file beside it"),
        (Holds, "it is a class; give an instance"),
        (object(), "none of the hooks xlbench_tasks"),
        (Holds(x for x in ()), "cannot be distinguished from other versions of itself"),
        (Holds(""), "language 'qty': name must be a text that is not empty"),
    ]
    before = list(sys.path)
    for thing, expected in cases:
        with pytest.raises(PluginError, match=expected) as caught:
            plugins.load(given=plugins.give([thing]))
        assert "\n" not in str(caught.value)
    sys.path[:] = before


def test_a_file_that_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(LANGUAGE.format(names={"a"}))
    (one,) = plugins.give([path, str(path)])
    path.write_text(LANGUAGE.format(names={"b"}))
    with pytest.raises(PluginError, match=r"mine\.py changed since the study was planned"):
        plugins.load(given=[one])
    again = plugins.load(given=plugins.give([path]))
    assert again.languages["qty"].name == "b"
    assert again.owners["language", "qty"].origin.startswith("sha256:")


TASK = """
from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Classified, Task
from xlbench.metrics import accuracy

class Lines:
    name, source, task = "lines", "made", "parity"
    def languages(self, split): return ("eng",)
    def fingerprint(self, language, split): return f"lines-{split}"
    def examples(self, language, split, limit=None):
        return [Classified((f"word {i}",), "odd" if i % 2 else "even") for i in range(8)][:limit]

@hookimpl
def xlbench_tasks():
    how = AdapterTraining(epochs=1)
    yield Task("parity", 1, "SUMMARY", "classification", ("even", "odd"), accuracy(), how, 16, "lines",
               lambda paths: None)

@hookimpl
def xlbench_task_data():
    yield Lines()
"""


@pytest.fixture
def rivals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two installed distributions with a task and data of one name."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("lab-a", "lab-b"):
        plain = name.replace("-", "_")
        sys.modules.pop(f"{plain}_rival", None)
        (tmp_path / f"{plain}_rival.py").write_text(TASK.replace("SUMMARY", name))
        info = tmp_path / f"{plain}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[xlbench]\n{name} = {plain}_rival\n")


def test_rivals_share_a_folder_of_results_without_being_taken_for_each_other(
    rivals: None, checkpoint: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    study = Study(
        model=str(checkpoint), tasks=("lab-a/parity",), probes=("zero-shot",), targets=("eng",),
        train_languages=("eng",), adapter={"lab-a/parity.batch_size": 4},
    )  # fmt: skip
    with pytest.raises(StudyError, match=r"task 'parity' is ambiguous: .*lab-a/parity or lab-b/parity"):
        api.plan(replace(study, tasks=("parity",), adapter={}), results=results)
    with pytest.raises(StudyError, match="one study cannot have that of lab-a and that of lab-b"):
        api.plan(replace(study, tasks=("lab-a/parity", "lab-b/parity")), results=results)
    done = api.run(study, results=results, workers=1, device="cpu")
    assert (done.run, done.failed) == (1, {})
    assert not api.plan(study, results=results).todo
    other = replace(study, tasks=("lab-b/parity",), adapter={"lab-b/parity.batch_size": 4})
    (job,) = api.plan(other, results=results).todo  # nothing of lab-a's counts as its
    from xlbench.spec.study import read
    from xlbench.stored import Stored as Read

    stored = Read(results)
    assert stored.pages
    assert stored.records.metrics.keys() == {"parity"}
    said = read(results / "studies" / stored.stored.id / "study.toml")
    assert said.tasks == ("lab-a/parity",)
    assert not api.plan(said, results=results).todo
    with pytest.raises(UnknownNameError, match="parity"):
        plugins.load().find("task", "parity")
    assert job.cells[0].task == "parity"


EVERYTHING = """
from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, BaseModel, Distance, Language, Task
from xlbench.metrics import accuracy

class Same:
    name, version, summary, settings, source, task = "transfer", 1, "Rival", None, "made", "pos"
    def __init__(self, name): self.name = name
    def jobs(self, resolved): return []
    def pages(self, records): return []
    def languages(self, split=None): return ("qaa",)
    def fingerprint(self, language, split=None): return "rival"
    def examples(self, language, split, limit=None): return []
    def lines(self, language, limit): return ["a"]

class Probe(Same):
    def run(self, job, lab): return []

class Executor(Same):
    def run(self, batches, work, notify, workers, settings): return []

@hookimpl
def xlbench_tasks():
    how = AdapterTraining()
    yield Task("pos", 1, "Rival", "tagging", ("X",), accuracy(), how, 9, "artificial", lambda x: None)

@hookimpl
def xlbench_task_data(): return [Same("artificial")]
@hookimpl
def xlbench_corpora(): return [Same("artificial")]
@hookimpl
def xlbench_probes(): return [Probe("transfer"), Probe("zero-shot")]
@hookimpl
def xlbench_executors(): return [Executor("local")]
@hookimpl
def xlbench_models(): return [BaseModel("tiny", "Rival", "a/b")]
@hookimpl
def xlbench_languages(): return [Language("qaa", "Rival", "Rival", "Rival", "Latn")]
@hookimpl
def xlbench_distances(): return [Distance("lexical", "Rival", {("qaa", "qab"): 1.0})]
"""


def test_a_plugin_that_claims_every_name_leaves_the_default_study_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study(limit=2, transfer=("qaa",), targets=("qaa",), seeds=(0,), steps=(1,), controls=())
    before = api.plan(study, results=tmp_path / "results")
    path = tmp_path / "rival.py"
    path.write_text(EVERYTHING)
    after = api.prepare(api.Request(study, results=tmp_path / "results", plugins=(path,)))
    assert len(after.registry.rivals) == 8
    assert [x.identity for x in after.plan.jobs] == [x.identity for x in before.jobs]
    assert after.resolved.model.summary != "Rival"
    assert after.resolved.languages["qaa"].family != "Rival"
    assert {"xlbench/lexical", "rival.py/lexical"} <= {x.name for x in after.resolved.distances}
    assert "xlbench/pos" in after.spelled.tasks or "pos" not in after.plan.study.tasks
    for field, name in (("tasks", "pos"), ("probes", "transfer")):
        with pytest.raises(StudyError, match=rf"'{name}' is ambiguous: .*xlbench/{name} or rival\.py/{name}"):
            api.plan(replace(study, **{field: (name,)}), results=tmp_path / "results", plugins=[path])


def test_built_in_plugins_add_nothing_to_identities(checkpoint: Path, tmp_path: Path) -> None:
    study = Study(
        model=str(checkpoint), tasks=("xlbench/pos",), probes=("xlbench/zero-shot",), targets=("qaa",),
        train_languages=("qaa",), data={"xlbench/pos": ("xlbench/artificial",)}, limit=8,
    )  # fmt: skip
    plain = replace(study, tasks=("pos",), probes=("zero-shot",), data={"pos": ("artificial",)})
    (one,), (other,) = (api.plan(x, results=tmp_path / "results").jobs for x in (study, plain))
    assert one.identity == other.identity
    assert "plugin" not in str(one.condition)
    assert " of " not in one.cells[0].data


def test_a_study_line_says_the_plugin_again(toy: Path) -> None:
    from xlbench.spec.study import command

    line = command(Study(tasks=("question",)), [toy])
    assert line == f"xlbench run --model tiny --task question --plugin {toy}"


def test_scripts_keep_their_text(tmp_path: Path) -> None:
    """Code of a file is that of its bytes, whatever its encoding says of them."""
    path = tmp_path / "latin.py"
    source = textwrap.dedent(LANGUAGE.format(names={"\u00e9"}))
    path.write_bytes(f"# -*- coding: latin-1 -*-\n{source}".encode("latin-1"))
    assert plugins.load(given=plugins.give([path])).languages["qty"].name == "\u00e9"


class Dataless:
    @hookimpl
    def xlbench_tasks(self) -> Any:
        training, words = AdapterTraining(), ("no", "yes")
        yield Task(
            "bare", 1, "No data", "tagging", words, accuracy(), training, 16, "cell", lambda paths: None
        )


def test_data_that_no_plugin_registers_is_said_to_be_none(study: Study, tmp_path: Path) -> None:
    bare = replace(study, tasks=("bare",), data={}, probes=("zero-shot",))
    with pytest.raises(StudyError, match=r"no data 'cell' for the task bare: no folder, and no plugin"):
        api.plan(bare, results=tmp_path / "results", plugins=[Dataless()])
