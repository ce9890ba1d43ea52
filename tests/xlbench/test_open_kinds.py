"""Kinds of task that others bring: registered, checked, and as good as the built-in ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xlbench import api, hookimpl, load_results, plugins
from xlbench.cli.listing import methods
from xlbench.contracts import AdapterTraining, Imported, KindOfTask, Rated, Resolved, Study, Tagged, Task
from xlbench.errors import PluginError, XlbenchError
from xlbench.lab import Lab
from xlbench.metrics import spearman
from xlbench.plugins import Registry
from xlbench.results import Store
from xlbench.studies.resolve import resolve


@pytest.fixture(scope="module")
def registry() -> Registry:
    return plugins.load()


def yielding(*values: Any) -> Any:
    """An object of this process that registers tasks and kinds."""

    class Plugin:
        @hookimpl
        def xlbench_tasks(self) -> Iterator[Task]:
            yield from (x for x in values if isinstance(x, Task))

        @hookimpl
        def xlbench_kinds(self) -> Iterator[KindOfTask]:
            yield from (x for x in values if isinstance(x, KindOfTask))

    return Plugin()


def refused(*given: Any) -> str:
    """Why these plugins are refused; one line."""
    with pytest.raises(PluginError) as caught:
        plugins.load(given=plugins.give(given))
    assert "\n" not in str(caught.value)
    return str(caught.value)


class Notebook:
    """As somebody writes it in a cell: a task with data of a kind that is built in."""

    @hookimpl
    def xlbench_tasks(self) -> Iterator[Task]:
        yield Task(
            "closeness", 1, "How close?", "pair-similarity", (), spearman(), AdapterTraining(epochs=1), 64,
            "cell", lambda paths: Cell(),
        )  # fmt: skip

    @hookimpl
    def xlbench_task_data(self) -> Iterator[Any]:
        yield Cell()


class Cell:
    name, task, source = "cell", "closeness", "a cell"

    def languages(self, split: str) -> tuple[str, ...]:
        return ("eng", "deu")

    def fingerprint(self, language: str, split: str) -> str:
        return f"{language} {split}"

    def examples(self, language: str, split: str, limit: int | None = None) -> list[Rated]:
        return [Rated(("ana beka", " ".join(["ana"] * n)), float(n)) for n in range(1, 9)][:limit]


def nothing() -> Any:
    raise NotImplementedError


def test_a_task_of_a_kind_that_nobody_registers_is_refused(registry: Registry) -> None:
    line = refused(yielding(replace(registry.tasks["pos"], name="mine", kind="taging")))
    assert "plugin 'Plugin'" in line
    assert "task 'mine': kind must be one that is registered (tagging, classification, " in line
    assert line.endswith("not 'taging'; did you mean 'tagging'?")


def test_training_and_kind_go_together(registry: Registry) -> None:
    line = refused(yielding(replace(registry.tasks["lm"], name="mine", training=AdapterTraining())))
    assert "task 'mine': training must be None, since its kind is 'language-model', not AdapterT" in line
    line = refused(yielding(replace(registry.tasks["pos"], name="mine", training=None)))
    assert "task 'mine': training must be AdapterTraining(...), since its kind is 'tagging', not None" in line


def test_kind_and_task_may_come_from_two_plugins_in_any_order(registry: Registry) -> None:
    task = replace(registry.tasks["pos"], name="mine", kind="my-kind")
    kind = KindOfTask(
        name="my-kind", summary="Mine", load=nothing, examples=Tagged, gold="tags", predicted="tags"
    )
    assert "kind must be one" in refused(yielding(task))
    for given in ((yielding(task), yielding(kind)), (yielding(kind), yielding(task))):
        found = plugins.load(given=plugins.give(given))
        assert found.tasks["mine"] == task
        assert found.method.kinds["my-kind"] == kind
        assert found.method.identity("kind", "my-kind")["kind_version"] == 1
        assert found.method.identity("kind", "tagging") == {}


def example(heading: str) -> str:
    """The first code in Python under a heading of the page on plugins."""
    guide = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "writing-a-plugin.md"
    text = guide.read_text("utf-8")
    return text.split(f"\n### {heading}\n")[1].split("```python\n")[1].split("```")[0]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The documented plugin: a kind, a task and data in one file."""
    path = tmp_path / "my_kind.py"
    path.write_text(example("A kind of your own"), "utf-8")
    return path


@pytest.fixture
def study(checkpoint: Path, tmp_path: Path) -> Study:
    text = tmp_path / "text"
    text.mkdir()
    for code, words in (("eng", "a dog saw the cat"), ("deu", "ein Hund sah die Katze")):
        lines = (f"{' '.join(x)}\n" for x in itertools.permutations(words.split()))
        (text / f"{code}.txt").write_text("".join(lines), "utf-8")
    return Study(
        model=str(checkpoint), tasks=("mentions",), probes=("zero-shot", "transfer"), transfer=("deu",),
        targets=("eng", "deu"), train_languages=("eng",), text=str(text), controls=(), steps=(2,), seeds=(0,),
        mlm={"chunk": 16, "batch_size": 2}, adapter={"epochs": 1},
    )  # fmt: skip


def test_one_file_adds_a_kind_that_every_probe_has(own: Path, study: Study, tmp_path: Path) -> None:
    done = api.run(study, results=tmp_path / "results", workers=1, device="cpu", plugins=[own])
    assert (done.failed, done.run) == ({}, 2)
    found = load_results(tmp_path / "results", plugins=[own])
    assert set(found["probe"]) == {"zero-shot", "transfer"}
    assert set(found["target"]) == {"eng", "deu"}
    assert set(found["condition.adapter.kind_version"]) == {1}
    assert found["condition.adapter.kind_plugin"].str.startswith("sha256:").all()
    assert found["score"].between(0, 100).all()
    for facts in Store(tmp_path / "results").provenances():
        assert facts["plugins"]["kind multi-label"].startswith("my_kind (my_kind.py ")
    assert api.run(study, results=tmp_path / "results", device="cpu", plugins=[own]).run == 0
    own.write_text(own.read_text("utf-8").replace("logits > 0", "logits > 1"), "utf-8")
    assert len(api.plan(study, results=tmp_path / "results", plugins=[own]).todo) == 2


def test_the_version_of_a_kind_is_in_identities_from_2_on(planned: Resolved) -> None:
    """Of adapters, of cells, and of tasks without an adapter; nothing of a built-in kind at version 1."""
    tagging = plugins.load().method.kinds["tagging"]

    def of(version: int, *, adapter: bool) -> tuple[dict[str, Any], str]:
        kinds = {**planned.method.kinds, "tagging": replace(tagging, version=version)}
        tasks = {"mentions": replace(planned.tasks["mentions"], kind="tagging")}
        training = planned.training if adapter else {}
        method = replace(planned.method, kinds=kinds)
        found = replace(planned, method=method, tasks=tasks, training=training)
        return found.adapter_identity("mentions"), found.cells("mentions")[0].data

    for adapter in (True, False):
        (old, cell), (new, other) = (of(x, adapter=adapter) for x in (1, 2))
        assert new == {**old, "kind_version": 2}
        assert "kind_version" not in old
        assert other == f"{cell}, kind_version 2"
    assert "kind_plugin sha256:" in planned.cells("mentions")[0].data


def test_of_a_kind_that_two_claim_a_task_has_its_own_distributions(own: Path, study: Study) -> None:
    """Otherwise it is ambiguous, in one line that names both."""
    rival = own.with_name("rival.py")
    rival.write_text(own.read_text("utf-8").replace('"mentions"', '"others"'), "utf-8")
    registry = plugins.load(given=plugins.give([own, rival]), lenient=True)
    assert ("kind", "multi-label") in registry.rivals
    listed = {(x["name"], x["plugin"]) for x in methods(registry)}
    assert ("tagging", "xlbench/kinds") in listed
    assert {(f"{x}.py/multi-label", f"{x}.py/{x}") for x in ("my_kind", "rival")} <= listed
    for task, path in (("mentions", own), ("others", rival)):
        _, bound = plugins.settle(replace(study, tasks=(task,)), registry)
        (given,) = plugins.give([path])
        assert bound.method.origins["kind", "multi-label"] == f"sha256:{given.digest}"
    with pytest.raises(XlbenchError, match=r"one study cannot have that of my_kind.py and that of riv"):
        plugins.settle(replace(study, tasks=("mentions", "others")), registry)
    third = yielding(replace(registry.tasks["mentions"], name="third"))
    registry = plugins.load(given=plugins.give([own, rival, third]), lenient=True)
    with pytest.raises(XlbenchError, match=r"task 'third': kind 'multi-label' is ambiguous.*my_kind.*rival"):
        plugins.settle(replace(study, tasks=("third",)), registry)


def test_a_task_may_name_the_distribution_of_its_kind(registry: Registry, own: Path, study: Study) -> None:
    """Two tasks of one study then have kinds of one name, each with its own identity."""
    rival = own.with_name("rival.py")
    rival.write_text(own.read_text("utf-8").replace('"mentions"', '"others"'), "utf-8")
    task = plugins.load(given=plugins.give([own])).tasks["mentions"]
    names = ("my_kind.py/multi-label", "rival.py/multi-label")
    mine = [yielding(replace(task, name=f"of-{x[:2]}", kind=x)) for x in names]
    given = plugins.give([own, rival, *mine])
    asked = replace(study, tasks=("of-my", "of-ri"), targets=("eng",), train_languages=("eng",))
    _, bound = plugins.settle(asked, plugins.load(given=given, lenient=True))
    digests = {f"{x.distribution}/multi-label": f"sha256:{x.digest}" for x in given}
    for name, one in zip(names, ("of-my", "of-ri"), strict=True):
        assert bound.method.kinds[bound.tasks[one].kind].name == "multi-label"
        assert bound.method.identity("kind", bound.tasks[one].kind)["kind_plugin"] == digests[name]
    alone = plugins.load(
        given=plugins.give([yielding(replace(registry.tasks["pos"], name="mine", kind="XLbench/tagging"))])
    )
    assert alone.tasks["mine"].kind == "tagging"
    line = refused(yielding(replace(registry.tasks["pos"], name="mine", kind="elsewhere/tagging")))
    assert "not 'elsewhere/tagging'; did you mean 'tagging'?" in line


def test_a_plugin_at_fault_is_named_once(planned: Resolved, checkpoint: Path, tmp_path: Path) -> None:
    kind = replace(planned.method.kinds["multi-label"], load=Imported("xlbench.lab.kinds.tagging:Taging"))
    method = replace(planned.method, kinds={**planned.method.kinds, "multi-label": kind})
    lab = Lab(replace(planned, method=method), str(checkpoint), tmp_path, device="cpu", threads=1)
    with pytest.raises(PluginError) as caught:
        lab.task_adapter("mentions")
    line = str(caught.value)
    assert line.count("plugin 'my_kind' of my_kind.py") == 1
    assert line.endswith(
        "load raises ImportError: 'xlbench.lab.kinds.tagging:Taging': the module does not define Taging; did "
        "you mean Tagging?"
    )


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("os.path:joint", "the module does not define joint; did you mean join"),
        ("no_such_package.part:name", "there is no module no_such_package"),
        ("xlbench.nowhere:name", "there is no module xlbench.nowhere"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(reference: str, says: str) -> None:
    with pytest.raises(ImportError, match=f"'{reference}': {says}"):
        Imported(reference)()


@pytest.mark.parametrize("reference", ["", "os.path", "os.path:", ":join", "os.path:join:x", "os path:join"])
def test_a_reference_of_another_form_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match=r"write package.module:name"):
        Imported(reference)


def test_what_a_module_itself_fails_to_import_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needs_more.py").write_text("import absent_from_here\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="No module named 'absent_from_here'"):
        Imported("needs_more:name")()


def test_a_task_of_a_cell_of_a_notebook(study: Study, tmp_path: Path) -> None:
    study = replace(study, tasks=("closeness",))
    done = api.run(study, results=tmp_path / "results", workers=1, device="cpu", plugins=[Notebook()])
    assert (done.failed, done.run) == ({}, 2)
    found = load_results(tmp_path / "results", plugins=[Notebook()])
    assert set(found["probe"]) == {"zero-shot", "transfer"}
    assert found["score"].between(-100, 100).all()
    assert found["score"].abs().max() > 0


WRONG = {
    "lacks": ("def places(", "def places_(", "what load gives, a MultiLabel, has no method places; write it"),
    "raises": ("check_finite(task, logits)", "task.nothing", "answers raises AttributeError: 'Task' object"),
    "load": ("return MultiLabel()", "return Multilabel()", "load raises NameError: name 'Multilabel'"),
    "few": (
        "for one in answers]",
        "for one in answers[1:]]",
        "predicted must give a tuple for each exam",
    ),
    "type": ("(self._labels(task, one),)", "0.5", "a tuple for each example; for example 1 it is a float"),
    "answers": (
        "return list((logits > 0)",
        "return ((logits[:1] > 0)",
        "answers must give an array for ea",
    ),
    "loss": (".logits, gold)", ".logits, gold, reduction='none')", "loss must give a tensor of one number"),
    "targets": ("return np.array(rows, np.float32)", "return rows", "targets must give an array, not a list"),
    "head": ("add_classification_head(task.name", "add_classification_head('x'", "add_head must give a head"),
    "baseline": ("* len(test.gold)", "", "baseline must give a tuple for each example, 2 in all, not 1"),
    "places": ("return len(batch.slots)", "return 0", "places must give a whole number from 1, not 0"),
    "encode": ("gold, texts.truncated)", "gold[1:], texts.truncated)", "encode must give the gold of each"),
}


@pytest.fixture(scope="module")
def planned(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Resolved:
    """A study of the documented task."""
    path = tmp_path_factory.mktemp("plugin") / "my_kind.py"
    path.write_text(example("A kind of your own"), "utf-8")
    study = Study(
        model=str(checkpoint), tasks=("mentions",), probes=("zero-shot",), targets=("eng", "deu"),
        train_languages=("eng",), adapter={"epochs": 1},
    )  # fmt: skip
    return resolve(study, plugins.load(given=plugins.give([path])))


@pytest.mark.parametrize("case", WRONG)
def test_what_a_kind_does_wrong_is_one_line(
    planned: Resolved, checkpoint: Path, own: Path, tmp_path: Path, case: str
) -> None:
    old, new, expected = WRONG[case]
    code = own.read_text("utf-8")
    assert old in code
    own.write_text(code.replace(old, new, 1), "utf-8")
    (given,) = plugins.give([own])
    (kind,) = given.load().xlbench_kinds()
    kind = replace(kind, examples=planned.method.kinds["multi-label"].examples)
    method = replace(planned.method, kinds={**planned.method.kinds, "multi-label": kind})
    lab = Lab(replace(planned, method=method), str(checkpoint), tmp_path, device="cpu", threads=1)

    def all_of_it() -> None:
        lab.task_adapter("mentions")
        lab.evaluate(planned.cells("mentions"))
        lab.majority(planned.cells("mentions"))

    with pytest.raises(PluginError) as caught:
        all_of_it()
    line = str(caught.value)
    assert expected in line
    assert "kind 'multi-label' of task 'mentions' (plugin 'my_kind' of my_kind.py" in line
    assert line.count("plugin 'my_kind'") == 1
    assert "\n" not in line


def test_a_kind_whose_examples_have_no_texts_is_refused(own: Path) -> None:
    own.write_text(own.read_text("utf-8").replace("def sentences", "def texts"), "utf-8")
    with pytest.raises(PluginError, match="kind 'multi-label': the class Marked needs a method sentences"):
        plugins.load(given=plugins.give([own]))


def test_data_of_another_class_are_told_in_planning(own: Path, study: Study, tmp_path: Path) -> None:
    own.write_text(own.read_text("utf-8").replace("Marked(*x) for x in", "x for x in"), "utf-8")
    with pytest.raises(XlbenchError, match=r"notes \(mentions\): .* 1: a tuple is no example; the plugin"):
        api.plan(study, results=tmp_path / "results", plugins=[own])
