"""A task that is scored with the adapter of another."""

from dataclasses import replace
from pathlib import Path

import pytest

import xlbench
from xlbench import Study, api, plugins
from xlbench.errors import StudyError
from xlbench.plugins import Registry
from xlbench.studies.resolve import resolve

LABELS = ("entailment", "neutral", "contradiction")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return plugins.load()


@pytest.fixture
def study(checkpoint: Path, tmp_path: Path) -> Study:
    """Pairs of `nli` in English and German, and test pairs of `nli-americas` in Aymara."""
    for name, split in (("eng_x", "train"), ("deu_x", "test"), ("aym_anli", "test"), ("aym_anli", "dev")):
        (tmp_path / "nli" / name).mkdir(parents=True, exist_ok=True)
        rows = "".join(f"{name} {split} a{i}\tb{i}\t{LABELS[i % 3]}\n" for i in range(9))
        (tmp_path / "nli" / name / f"{split}.tsv").write_text("premise\thypothesis\tlabel\n" + rows)
    return Study(
        model=str(checkpoint), tasks=("nli-americas",), probes=("zero-shot",), train_languages=("eng",),
        data={"nli": (f"{tmp_path}/nli/*_x",), "nli-americas": (f"{tmp_path}/nli/*_anli",)},
        targets=("aym",), adapter={"epochs": 1},
    )  # fmt: skip


def test_the_adapter_is_that_of_the_other_task(study: Study, registry: Registry) -> None:
    alone = resolve(study, registry)
    other = resolve(replace(study, tasks=("nli",), targets=("deu",)), registry)
    assert alone.adapter_identity("nli-americas") == other.adapter_identity("nli")
    assert alone.task_adapter_name("nli-americas") == other.task_adapter_name("nli")
    assert alone.adapter_identity("nli-americas")["task"] == "nli"
    assert set(alone.tasks) == {"nli-americas"}
    assert alone.size("nli-americas", "eng", "train") == 9


def test_it_is_trained_once_and_its_jobs_are_done_together(study: Study, tmp_path: Path) -> None:
    both = replace(study, tasks=("nli", "nli-americas"), targets=("deu", "aym"))
    results = tmp_path / "results"
    assert xlbench.run(study, results=results, workers=1).run == 1
    (adapter,) = (results / "adapters").iterdir()
    assert adapter.name.startswith("nli-")
    made = adapter.stat().st_mtime_ns
    (job,) = api.plan(both, results=results).todo
    assert [(x.task, x.target) for x in job.cells] == [("nli", "deu")]  # the other is stored
    assert xlbench.run(both, results=results, workers=1).failed == {}
    assert [x.stat().st_mtime_ns for x in (results / "adapters").iterdir()] == [made]
    frame = xlbench.load_results(results)
    assert sorted(zip(frame["task"], frame["target"], strict=True)) == [
        ("nli", "deu"), ("nli-americas", "aym"),
    ]  # fmt: skip
    # At once, from nothing, the numbers are the same.
    xlbench.run(both, results=tmp_path / "fresh", workers=1)
    fresh = xlbench.load_results(tmp_path / "fresh")
    columns = ["task", "target", "score"]
    assert sorted(map(tuple, fresh[columns].values)) == sorted(map(tuple, frame[columns].values))


@pytest.mark.parametrize("probe", ["zero-shot", "transfer", "stacking", "interference"])
def test_no_probe_loses_the_cells_of_a_task_that_shares_an_adapter(
    study: Study, registry: Registry, tmp_path: Path, probe: str
) -> None:
    text = tmp_path / "text"
    text.mkdir()
    for language in ("eng", "deu", "aym"):
        (text / f"{language}.txt").write_text("".join(f"{language} line {i}\n" for i in range(40)))
    both = replace(
        study, tasks=("nli", "nli-americas"), targets=("deu", "aym"), probes=(probe,), text=str(text),
        transfer=("aym", "deu"), steps=(1,), seeds=(0,), controls=(),
    )  # fmt: skip
    plan = api.plan(both, results=tmp_path / "results")
    for condition in {job.probe for job in plan.jobs}:
        cells = {(x.task, x.target) for job in plan.jobs if job.probe == condition for x in job.cells}
        assert cells == {("nli", "deu"), ("nli-americas", "aym")}


def test_settings_are_those_of_the_adapters_own_task(study: Study, registry: Registry) -> None:
    found = resolve(replace(study, adapter={"epochs": 2, "nli.batch_size": 7}), registry)
    assert (found.training["nli-americas"].epochs, found.training["nli-americas"].batch_size) == (2, 7)
    with pytest.raises(
        StudyError, match=r"nli-americas is scored with the adapter of nli; set adapter\.nli\.e"
    ):
        resolve(replace(study, adapter={"nli-americas.epochs": 2}), registry)
    with pytest.raises(StudyError, match="the task 'pos' is not in the study"):
        resolve(replace(study, adapter={"pos.epochs": 2}), registry)


def test_labels_have_to_be_the_same(study: Study, registry: Registry) -> None:
    wrong = replace(registry.tasks["nli-americas"], labels=("yes", "no"))
    provided = {**registry.provided, "task": {**registry.tasks, "nli-americas": wrong}}
    with pytest.raises(StudyError, match="cannot have the adapter of 'nli', which needs the same kind"):
        resolve(study, replace(registry, provided=provided))
