"""The results folder: what is written comes back, whatever happens to files and processes."""

import errno
import json
import multiprocessing
import os
import re
import shutil
import signal
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stored_synthetic import fill, listing, told
from synthetic import ACCURACY, METRICS, PROVENANCE, Synthetic, write_all

from xlbench.contracts import Cell, Evaluation, Job, Subwords
from xlbench.errors import JobError, ResultsError
from xlbench.files.disk import put, writing
from xlbench.results import Store, jobfile


@pytest.fixture(scope="module")
def study() -> Synthetic:
    return Synthetic(steps=(1,), seeds=(0, 1), controls=("shuffled",))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def test_opening_and_asking_creates_nothing(store: Store) -> None:
    assert store.index() == {}
    assert store.studies() == []
    assert not store.path.exists()
    with pytest.raises(ResultsError, match="no such folder; run a study first"):
        store.records(METRICS)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_what_is_written_comes_back(data: st.DataObject) -> None:
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    targets = data.draw(st.lists(texts, min_size=1, max_size=4, unique=True))
    cells = tuple(Cell("pos", x, data.draw(texts), data.draw(st.none() | st.integers(1, 9))) for x in targets)
    condition = data.draw(
        st.dictionaries(
            texts,
            st.recursive(
                st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | texts,
                lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
                max_leaves=4,
            ),
            max_size=3,
        )
    )
    job = Job("p", 3, condition, cells, "label")
    evaluations = [
        Evaluation(
            cell,
            data.draw(
                st.integers(1, 5).flatmap(
                    lambda n: arrays(np.int32, (n, 2), elements=st.integers(-(2**31), 2**31 - 1))
                )
            ),
            truncated=data.draw(st.integers(0, 2**40)),
            extra=data.draw(st.dictionaries(texts, st.floats(allow_nan=False), max_size=2)),
        )
        for cell in cells
    ]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        unbounded = replace(ACCURACY, lowest=-1e300, highest=1e300)
        store.write(job, evaluations, PROVENANCE, {"pos": unbounded})
        found = store.read(store.index()[job.condition_key])
    assert {x.condition_key for x in found} == {job.condition_key}
    for record, evaluation in zip(found, evaluations, strict=True):
        back = record.evaluation
        assert (back.cell, back.truncated, dict(back.extra)) == (
            evaluation.cell,
            evaluation.truncated,
            dict(evaluation.extra),
        )
        assert back.counts.dtype == np.int32
        np.testing.assert_array_equal(back.counts, evaluation.counts)


def test_the_file_explains_itself(store: Store, study: Synthetic) -> None:
    job = study.jobs[0]
    store.write(job, study.evaluate(job), PROVENANCE, METRICS)
    table = pq.read_table(store.jobs / f"{job.identity}.parquet")
    counts = study.evaluate(job)[0].counts
    assert table.column("score")[0].as_py() == pytest.approx(100 * counts[:, 0].sum() / counts[:, 1].sum())
    facts = table.schema.metadata
    assert json.loads(facts[b"schema"]) == 1
    assert json.loads(facts[b"condition"]) == job.condition
    assert json.loads(facts[b"provenance"])["versions"] == PROVENANCE["versions"]


def test_study_comes_back_and_is_the_same_for_the_same_jobs(store: Store, study: Synthetic) -> None:
    name = fill(store, study)
    assert store.save_study(study.study, study.jobs[::-1], study.described()) == name
    stored = store.study()
    assert {job.identity for job in stored.jobs} == {job.identity for job in study.jobs}
    assert stored.study == {k: v for k, v in study.study.items() if v is not None}
    records = store.records(METRICS)
    expected = study.records()
    assert records.languages == expected.languages
    assert records.seen == expected.seen
    assert records.distances == expected.distances
    found = {(x.condition_key, x.evaluation.cell): x.evaluation.counts for x in records.records}
    assert len(found) == len(records.records) == len(expected.records)
    for x in expected.records:
        np.testing.assert_array_equal(found[x.condition_key, x.evaluation.cell], x.evaluation.counts)


def test_what_the_tokenizer_makes_of_languages_comes_back(store: Store, study: Synthetic) -> None:
    name = fill(store, study)
    assert not store.has_subwords(name)
    assert store.records(METRICS).subwords == {}
    found = {"pos": Subwords({"qaa": 1.5}, {"qab": 2.25, "qac": 1 / 3}, {("qaa", "qab"): 0.1 + 0.2})}
    store.save_subwords(name, found)
    assert store.has_subwords(name)
    assert store.records(METRICS).subwords == found
    fill(store, study)  # started again
    assert store.records(METRICS, name).subwords == found
    file = store.path / "studies" / name / "subwords.json"
    for damage in (
        b"",
        b"[]",
        b"\xff",
        b'{"pos": {"text": {}}}',
        b'{"pos": {"overlap": [1]}}',
        file.read_bytes()[:-9],
    ):
        file.write_bytes(damage)
        assert not store.has_subwords(name)  # so that a run makes it again
        assert store.records(METRICS).subwords == {}
        (line,) = told(store)
        assert re.fullmatch(r"corrupted file .*subwords\.json ignored; run the study again, .*", line)


def test_the_last_started_study_is_the_latest(store: Store, study: Synthetic) -> None:
    first = store.save_study({"model": "a"}, study.jobs[:1], {})
    second = store.save_study({"model": "b"}, study.jobs[:2], {})
    assert [x.id for x in store.studies()] == [second, first]
    assert store.study(first).study == {"model": "a"}
    with pytest.raises(ResultsError, match=f"'nope'.*{second}, {first}"):
        store.study("nope")


def test_cells_of_a_condition_are_found_in_whatever_file(store: Store, study: Synthetic) -> None:
    whole = study.jobs[0]
    parts = [replace(whole, cells=whole.cells[:2]), replace(whole, cells=whole.cells[1:4])]
    for job in parts:
        store.write(job, study.evaluate(job), PROVENANCE, METRICS)
    index = store.index()
    assert store.stored_cells(whole.condition_key) == {cell.key for cell in whole.cells[:4]}
    assert store.missing_cells(whole, index) == whole.cells[4:]
    assert store.missing_cells(study.jobs[1], index) == study.jobs[1].cells
    small = replace(whole, cells=whole.cells[:3])
    store.save_study(study.study, [small], study.described())
    found = [x.evaluation.cell for x in store.records(METRICS).records]
    assert sorted(found, key=lambda x: x.target) == list(small.cells), (
        "each once, none that was not asked for"
    )


def test_failure_is_a_record_and_success_removes_it(store: Store, study: Synthetic) -> None:
    job, other = study.jobs[:2]
    store.save_study(study.study, [job, other], study.described())
    store.write_failure(job, JobError("loss is NaN\nat step 3"), PROVENANCE)
    store.write(other, study.evaluate(other), PROVENANCE, METRICS)
    records = store.records(METRICS)
    assert records.failures == {job.condition_key: "loss is NaN at step 3"}
    assert {x.condition_key for x in records.records} == {other.condition_key}
    assert store.missing_cells(job, store.index()) == job.cells
    store.write(job, study.evaluate(job), PROVENANCE, METRICS)
    assert listing(store) == sorted(f"{x.identity}.parquet" for x in (job, other))
    assert store.records(METRICS).failures == {}


def test_two_folders_merge_by_copying(tmp_path: Path, study: Synthetic) -> None:
    here, there, whole = (Store(tmp_path / name) for name in ("here", "there", "whole"))
    for number, job in enumerate(study.jobs):
        for store in (whole, here if number % 2 else there):
            store.write(job, study.evaluate(job), PROVENANCE, METRICS)
    for store in (whole, here):
        store.save_study(study.study, study.jobs, study.described())
    shutil.copytree(there.path, here.path, dirs_exist_ok=True)

    def numbers(store: Store) -> list[tuple[object, ...]]:
        found = store.records(METRICS).records
        return sorted(
            (x.condition_key, x.evaluation.cell.target, x.evaluation.counts.tobytes()) for x in found
        )

    assert numbers(here) == numbers(whole)


def test_a_study_is_named_by_its_id_and_not_by_a_path(store: Store, study: Synthetic) -> None:
    name = fill(store, study)
    for other in ("../..", f"../studies/{name}", ""):
        with pytest.raises(ResultsError, match=f"there are: {name}"):
            store.study(other)
    assert store.study(name).id == name


@pytest.mark.parametrize(
    ("code", "says"), [(errno.ENOSPC, "full"), (errno.EROFS, "read-only"), (errno.EACCES, "permissions")]
)
def test_disk_errors_are_one_line(tmp_path: Path, code: int, says: str) -> None:
    with pytest.raises(ResultsError, match=says) as caught, writing(tmp_path):
        raise OSError(code, os.strerror(code))
    assert "\n" not in str(caught.value)


def test_full_disk_loses_nothing(tmp_path: Path, study: Synthetic) -> None:
    """A limit on the size of files stands in for the disk: the write fails half way."""
    import resource

    store = Store(tmp_path)
    job, other = study.jobs[:2]
    store.write(job, study.evaluate(job), PROVENANCE, METRICS)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(ResultsError, match="what is stored is unharmed"):
            store.write(other, study.evaluate(other), PROVENANCE, METRICS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert listing(store) == [f"{job.identity}.parquet"]
    assert len(store.read(store.index()[job.condition_key])) == len(job.cells)


def test_wrong_evaluations_are_refused(store: Store, study: Synthetic) -> None:
    job = study.jobs[0]
    good = study.evaluate(job)
    narrow = Evaluation(job.cells[0], np.ones((3, 1), np.int32))
    for bad in (good[:-1], good[::-1], [narrow, *good[1:]]):
        with pytest.raises(JobError):
            store.write(job, bad, PROVENANCE, METRICS)
    assert store.index() == {}


def test_task_of_a_missing_plugin_is_named(store: Store, study: Synthetic) -> None:
    fill(store, study)
    with pytest.raises(ResultsError, match=r"'pos'.*install its plugin"):
        store.records({})


def test_timings_are_of_one_model_and_device(store: Store, study: Synthetic) -> None:
    assert store.timings("abc", "cpu") == {}
    for number, job in enumerate(study.jobs[1:4], start=1):
        seconds = {"finetune": float(number), "evaluate": 0.0}
        store.write(job, study.evaluate(job), {**PROVENANCE, "seconds": seconds}, METRICS)
    assert store.timings("abc", "cpu") == {"finetune_tokens": 1000 / 2}
    assert store.timings("abc", "cuda") == {}
    assert store.timings("other", "cpu") == {}


def test_frame_has_a_row_a_cell(store: Store, study: Synthetic) -> None:
    name = fill(store, study)
    store.write(
        replace(study.jobs[1], cells=study.jobs[1].cells[:1]), study.evaluate(study.jobs[1])[:1], {}, METRICS
    )
    frame, _ = store.frame()
    assert len(frame) == len(study.records().records)
    assert len(store.frame(name)[0]) == len(frame)
    zero = frame[frame["probe"] == "zero-shot"].set_index("target")
    counts = {x.cell.target: x.counts for x in study.evaluate(study.jobs[0])}
    for target, found in counts.items():
        assert zero.loc[target, "score"] == pytest.approx(100 * found[:, 0].sum() / found[:, 1].sum())
        assert zero.loc[target, "n"] == len(found)
    runs = frame[frame["probe"] == "transfer"]
    assert set(runs["condition.text.language"]) == set(study.transfer)
    assert set(runs["condition.seed"]) == {0, 1}
    assert str(frame["condition.seed"].dtype) == "Int64"


def test_processes_may_write_the_same_jobs(tmp_path: Path) -> None:
    study = Synthetic(steps=(1,), seeds=(0,), controls=(), examples=200)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_all, args=(tmp_path, study)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    store = Store(tmp_path)
    assert listing(store) == sorted(f"{job.identity}.parquet" for job in study.jobs)
    assert len(store.records(METRICS).records) == len(study.records().records)


def test_put_leaves_the_old_file_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "x"
    put(path, b"old")
    with pytest.raises(TypeError):
        put(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [x.name for x in tmp_path.iterdir()] == ["x"]


# Many files


def test_pages_decode_each_file_once(store: Store, study: Synthetic, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, study)
    decoded: list[int] = []
    real = jobfile.table_of
    monkeypatch.setattr(jobfile, "table_of", lambda *given: decoded.append(1) or real(*given))
    stored = store.study()
    contents = store.contents(stored)
    records = contents.records(METRICS)
    assert len(contents.provenances) == len(study.jobs)
    assert contents.damage() == ()
    assert len(decoded) == len(study.jobs)
    assert {x.evaluation.cell for x in records.records} == {cell for job in study.jobs for cell in job.cells}


def test_what_files_have_in_common_is_in_memory_once_and_what_differs_is_not(
    store: Store, study: Synthetic
) -> None:
    like: list[Any] = [1, 1.0, True, "1", [1], [True], {"a": 1}, {"a": True}, {"a": [1]}, None, {}, []]
    for i, job in enumerate(study.jobs):
        facts = {"hardware": {"name": "x", "more": {"cores": 2}}, "odd": {"is": like[i % len(like)]}}
        store.write(job, study.evaluate(job), facts, METRICS)
    store.save_study(study.study, study.jobs, study.described())
    found = store.contents(store.study()).provenances
    assert len({id(x["hardware"]) for x in found}) == 1
    by_label = {x["label"]: json.dumps(x["odd"]) for x in found}
    assert by_label == {x.label: json.dumps({"is": like[i % len(like)]}) for i, x in enumerate(study.jobs)}
