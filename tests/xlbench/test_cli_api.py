"""The same from Python: run, plan, load."""

from pathlib import Path

import pytest

import xlbench
from xlbench import Study, api
from xlbench.errors import ResultsError, StudyError


@pytest.fixture
def study(checkpoint: Path) -> Study:
    return Study(
        model=str(checkpoint), tasks=("pos",), data={"pos": ("artificial",)}, text="artificial",
        transfer=("qaa",), targets=("qaa", "qab"), train_languages=("qaa",), steps=(3,), seeds=(0,),
        controls=(), limit=10, mlm={"chunk": 16, "lines": 200}, adapter={"limit": 20, "epochs": 1},
    )  # fmt: skip


def test_run_keeps_what_ends_and_plan_and_frame_see_it(study: Study, tmp_path: Path) -> None:
    results = tmp_path / "results"
    assert len(api.plan(study, results=results).todo) == 2
    assert not results.exists()
    done = xlbench.run(study, results=results, workers=1)
    assert (done.run, done.kept, done.failed) == (2, 0, {})
    assert done.study.reference == "qaa"  # there is no English text
    again = xlbench.run(study, results=results)
    assert (again.run, again.kept, again.study_id) == (0, 2, done.study_id)
    assert api.plan(study, results=results).done == 2
    frame = xlbench.load_results(results)
    assert set(zip(frame["probe"], frame["target"], strict=True)) == {
        (probe, target) for probe in ("zero-shot", "transfer") for target in ("qaa", "qab")
    }
    assert set(frame["n"]) == {10}
    assert xlbench.load_results(results, done.study_id).shape[0] == 4


def test_a_loss_that_is_not_finite_fails_its_job_and_no_other(study: Study, tmp_path: Path) -> None:
    from dataclasses import replace

    wild = replace(study, mlm={**study.mlm, "learning_rate": 1e30}, steps=(1, 3))
    done = xlbench.run(wild, results=tmp_path, workers=1)
    assert "qaa, 3 steps, seed 0, pos" in done.failed
    assert "\n" not in "".join(done.failed.values())
    assert done.run >= 1  # the baseline at least
    assert len(xlbench.load_results(tmp_path)) == 2 * done.run
    assert api.plan(wild, results=tmp_path, rerun="missing").todo == ()
    retried = api.plan(wild, results=tmp_path)
    assert {x.label for x in retried.todo} == set(done.failed)


def test_what_python_callers_get_wrong(study: Study, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="workers must be at least 1"):
        xlbench.run(study, results=tmp_path / "new", workers=0)
    with pytest.raises(StudyError, match="seed 1 given twice"):
        xlbench.run(Study(seeds=(1, 1)), results=tmp_path / "new")
    with pytest.raises(ResultsError, match="no such folder"):
        xlbench.load_results(tmp_path / "new")
    assert not (tmp_path / "new").exists()
