"""A results folder whose files are damaged, unreadable, foreign or in the way: said, and nothing lost."""

import errno
import json
import os
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stored_synthetic import damaged, fill, listing, told
from synthetic import ACCURACY, METRICS, PROVENANCE, Synthetic, unsealed

from xlbench.contracts import Record, Subwords
from xlbench.errors import ResultsError
from xlbench.files.disk import temporary
from xlbench.results import Store


@pytest.fixture(scope="module")
def study() -> Synthetic:
    return Synthetic(steps=(1,), seeds=(0, 1), controls=("shuffled",))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


@pytest.mark.parametrize("damage", ["truncate", "short", "empty", "not parquet"])
def test_damaged_file_is_not_there_until_its_job_runs_again(
    store: Store, study: Synthetic, damage: str
) -> None:
    fill(store, study)
    job = study.jobs[0]
    path, good = store.jobs / f"{job.identity}.parquet", study.evaluate(job)
    whole = path.read_bytes()
    path.write_bytes(
        {"truncate": whole[:-100], "short": b"PAR1", "empty": b""}.get(damage, b"<html>no</html>")
    )
    assert damaged(store) == [path]
    assert store.missing_cells(job, store.index()) == job.cells
    assert len(store.records(METRICS).records) == len(study.records().records) - len(job.cells)
    frame, left = store.frame()
    assert ([x.path for x in left], len(frame)) == (
        [path],
        len(study.records().records) - len(job.cells),
    )
    store.set_aside(store.listing().damaged)
    (kept,) = (store.path / "aside").iterdir()
    assert kept.name.startswith(path.name)
    store.write(job, good, PROVENANCE, METRICS)
    assert damaged(store) == []
    assert len(store.records(METRICS).records) == len(study.records().records)


def test_one_broken_study_does_not_hide_the_others(store: Store, study: Synthetic) -> None:
    name = fill(store, study)
    broken = store.path / "studies" / "0123456789ab"
    shutil.copytree(store.path / "studies" / name, broken)
    (broken / "plan.json").write_text("{")
    assert [x.id for x in store.studies()] == [name]
    (line,) = store.broken_studies()
    assert str(broken) in line
    with pytest.raises(ResultsError, match="cannot read the study in"):
        store.study(broken.name)
    (store.path / "studies" / name / "plan.json").write_text("{")
    with pytest.raises(ResultsError, match="cannot read the study in"):
        store.study()


def test_damage_inside_a_file_stops_neither_estimates_nor_running_all_again(
    store: Store, study: Synthetic
) -> None:
    fill(store, study)
    job = study.jobs[0]
    path, good = store.jobs / f"{job.identity}.parquet", study.evaluate(job)
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(len(whole) - 12) + whole[-8:])
    assert damaged(store) == [path]
    assert len(store.records(METRICS).records) == len(study.records().records) - len(job.cells)
    store.timings("abc", "cpu")
    store.write(job, good, PROVENANCE, METRICS)
    assert len(store.records(METRICS).records) == len(study.records().records)


@pytest.mark.parametrize("what", ["link", "folder", "fifo", "empty", "foreign", "renamed", "footer", "zeros"])
def test_whatever_has_the_name_of_a_job_is_named_and_set_aside(
    store: Store, study: Synthetic, what: str
) -> None:
    fill(store, study)
    job, other = study.jobs[0], study.jobs[1]
    path = store.jobs / f"{job.identity}.parquet"
    whole = path.read_bytes()
    path.unlink()
    if what == "link":
        path.symlink_to("nowhere")
    elif what == "folder":
        path.mkdir()
        (path / "inside").write_bytes(b"")
    elif what == "fifo":
        os.mkfifo(path)  # to open it would wait for ever
    elif what == "foreign":
        pq.write_table(pa.table({"a": [1]}), path)
    elif what == "renamed":
        shutil.copy(store.jobs / f"{other.identity}.parquet", path)
    elif what == "footer":
        path.write_bytes(whole[:-300] + bytes(300))
    else:
        path.write_bytes(b"" if what == "empty" else bytes(len(whole)))
    (error,) = store.listing({job.condition_key}).damaged
    assert re.fullmatch(rf"corrupted file {path} \([a-z ,]+\)", str(error))
    assert store.missing_cells(job, store.index()) == job.cells
    (line,) = told(store)
    assert line == f"{error} ignored; run the study again"
    assert [x.path for x in store.frame(store.study().id, METRICS)[1]] == [path]
    store.set_aside([error])
    assert not os.path.lexists(path)
    assert len(list((store.path / "aside").iterdir())) == 1
    store.write(job, study.evaluate(job), PROVENANCE, METRICS)
    assert len(store.records(METRICS).records) == len(study.records().records)
    store.set_aside([error])  # what is whole by now stays
    assert path.is_file()


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE, errno.ESTALE, errno.EACCES, errno.ENOMEM])
def test_what_cannot_be_read_just_now_is_not_called_damaged(
    store: Store, study: Synthetic, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operating system's answer is made up: no test can ask a disk for one."""
    fill(store, study)

    def read_bytes(path: Path) -> bytes:
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    for ask in (store.index, store.frame, lambda: store.read(store.index()[study.jobs[0].condition_key])):
        with pytest.raises(ResultsError, match=r"^cannot read .*\.parquet: ") as caught:
            ask()
        assert not re.search("corrupt|delete|truncated|\n", str(caught.value))


def test_too_many_open_files_are_said_to_be_that(store: Store, study: Synthetic) -> None:
    import resource

    fill(store, study)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = store.index()[study.jobs[0].condition_key]
    path, files = found[0].path, []
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, limits[1]))
    try:
        with suppress(OSError):
            while True:
                files.append(path.open("rb"))
        with pytest.raises(ResultsError, match=r"too many files are open; raise the limit"):
            store.read(found)
    finally:
        for file in files:
            file.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def numbers(records: list[Record]) -> list[tuple[object, ...]]:
    return [
        (x.condition_key, e.cell, e.truncated, e.counts.tolist(), dict(e.extra))
        for x, e in ((x, x.evaluation) for x in records)
    ]


def test_no_flipped_bit_gives_other_numbers(store: Store, study: Synthetic) -> None:
    job = replace(study.jobs[0], cells=study.jobs[0].cells[:2])
    store.write(job, study.evaluate(study.jobs[0])[:2], {"ended": "now"}, METRICS)
    (file,) = store.index()[job.condition_key]
    whole, right = file.path.read_bytes(), numbers(store.read([file]))
    rng = np.random.default_rng(0)
    for bit in rng.choice(8 * len(whole), 600, replace=False).tolist():
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        file.path.write_bytes(changed)
        assert store.read([file]) == []
        assert damaged(store) == [file.path]
    file.path.write_bytes(whole)
    assert numbers(store.read([file])) == right


def test_a_file_of_an_earlier_version_is_read_and_its_scores_are_checked(
    store: Store, study: Synthetic
) -> None:
    fill(store, study)
    job, good = study.jobs[0], study.evaluate(study.jobs[0])
    path = store.jobs / f"{job.identity}.parquet"
    unsealed(path)
    assert store.listing(None, METRICS).damaged == ()
    assert numbers(store.read(store.index()[job.condition_key], METRICS)) != []
    counts = pq.read_table(path).column("counts").to_pylist()
    counts[0][0] ^= 1
    unsealed(path, counts=counts)
    (error,) = store.listing(None, METRICS).damaged
    assert "the score of pos is not that of its counts" in str(error)
    assert len(store.records(METRICS).records) == len(study.records().records) - len(good)
    assert [x.path for x in store.frame(None, METRICS)[1]] == [path]


def test_a_metric_that_scores_otherwise_is_named(store: Store, study: Synthetic) -> None:
    fill(store, study)
    other = {"pos": replace(ACCURACY, score=lambda sums: 50 * sums[..., 0] / sums[..., 1])}
    for ask in (lambda: store.records(other), lambda: store.frame(None, other)):
        with pytest.raises(ResultsError, match=r"metric 'accuracy' makes .* --rerun all"):
            ask()


def test_a_manifest_that_changed_is_refused(store: Store, study: Synthetic) -> None:
    name = fill(store, study)
    path = store.path / "studies" / name / "plan.json"
    whole = path.read_bytes()
    assert b'"seed":1' in whole
    path.write_bytes(whole.replace(b'"seed":1', b'"seed":0', 1))
    with pytest.raises(ResultsError, match="damaged: run the study again"):
        store.study()
    facts = json.loads(whole)
    del facts["digest"]  # as of an earlier xlbench: its jobs still tell
    path.write_text(json.dumps(facts))
    assert store.study().id == name
    facts["jobs"] = facts["jobs"][1:]
    path.write_text(json.dumps(facts))
    with pytest.raises(ResultsError, match="damaged: run the study again"):
        store.study()


def test_newer_folder_and_newer_file_are_refused(store: Store, study: Synthetic) -> None:
    fill(store, study)
    path = store.jobs / f"{study.jobs[0].identity}.parquet"
    table = pq.read_table(path)
    facts = {k: v for k, v in table.schema.metadata.items() if k != b"content"}
    pq.write_table(table.replace_schema_metadata({**facts, b"schema": b"2"}), path)
    with pytest.raises(ResultsError, match=r"newer xlbench.*schema 2.*upgrade"):
        store.records(METRICS)
    (store.path / "schema.json").write_text('{"schema": 2}')
    with pytest.raises(ResultsError, match=r"newer xlbench.*schema 2.*another --results"):
        Store(store.path)


def test_other_files_are_passed_over(store: Store, study: Synthetic) -> None:
    fill(store, study)
    before = store.index()
    job = study.jobs[0]
    for name in (
        "notes.txt",
        f".{job.identity}.parquet.123.abcd",
        f"{job.identity}.parquet.bak",
        "x.parquet",
    ):
        (store.jobs / name).write_bytes(b"half")
    assert store.index() == before


def test_what_killed_processes_left_is_swept_and_what_a_live_one_writes_stays(store: Store) -> None:
    store.prepare()
    (store.adapters / ".x.1.ff").mkdir(parents=True)
    gone = subprocess.Popen(["true"])
    gone.wait()
    live = temporary(store.jobs / "a.parquet")
    dead = live.with_name(live.name.replace(f"-{os.getpid()}-", f"-{gone.pid}-"))
    far = live.with_name(".a.parquet.00000000-1-00000000")
    name = f"{'0a' * 20}-{'1b' * 6}.parquet"
    old, young = store.jobs / f".{name}.1.ff00ff00", store.jobs / f".{name}.2.ff00ff00"
    folder = temporary(store.adapters / "b")
    folder = folder.with_name(folder.name.replace(f"-{os.getpid()}-", f"-{gone.pid}-"))
    folder.mkdir()
    (folder / "weights").write_bytes(b"half")
    for path in (live, dead, far, old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    store.prepare()
    assert listing(store) == sorted([live.name, far.name, young.name])
    assert not folder.exists()
    os.utime(far, (0, 0))
    store.prepare()
    assert listing(store) == sorted([live.name, young.name])


def test_hidden_files_of_others_stay(store: Store) -> None:
    store.prepare()
    hidden = [store.path / ".backup.2023", store.jobs / ".archive.2024" / "thesis", store.jobs / "..1.2"]
    for path in hidden:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"years of work")
        os.utime(path, (0, 0))
        os.utime(path.parent, (0, 0))
    store.prepare()
    assert [x.read_bytes() for x in hidden] == [b"years of work"] * 3


@pytest.mark.parametrize("what", ["fifo", "folder", "loop", "deep", "table", "empty"])
@pytest.mark.parametrize("name", ["schema.json", "plan.json", "subwords.json", "study.toml"])
def test_whatever_is_in_a_manifests_place_is_named_and_written_again(
    store: Store, study: Synthetic, name: str, what: str
) -> None:
    id_ = fill(store, study)
    store.save_subwords(id_, {"pos": Subwords({"qaa": 1.5}, {"qab": 2.25}, {})})
    path = store.path / name if name == "schema.json" else store.path / "studies" / id_ / name
    path.unlink()
    if what == "fifo":
        os.mkfifo(path)  # to open it would wait for ever
    elif what == "folder":
        path.mkdir()
        (path / "inside").write_bytes(b"mine")
    elif what == "loop":
        path.symlink_to(path.name)
    else:
        path.write_bytes({"deep": b"[" * 100_000, "table": b'{"a": [null]}'}.get(what, b""))
    again = Store(store.path)
    if name == "plan.json":
        with pytest.raises(ResultsError, match=f"cannot read the study in .*{id_}"):
            again.study()
    elif name == "subwords.json":
        (line,) = told(again)
        assert "subwords.json" in line
    again.prepare()
    fill(again, study)
    again.save_subwords(id_, {"pos": Subwords({"qaa": 1.5}, {"qab": 2.25}, {})})
    assert path.is_file()
    assert not path.is_symlink()
    assert again.records(METRICS).subwords["pos"].text == {"qaa": 1.5}
    if what == "folder":
        assert [x.read_bytes() for x in (store.path / "aside").glob("*/inside")] == [b"mine"]


def test_a_study_without_its_manifest_is_named(store: Store, study: Synthetic) -> None:
    fill(store, study)
    other = store.save_study({"model": "b"}, study.jobs[:2], {})
    (store.path / "studies" / other / "plan.json").unlink()
    (line,) = store.broken_studies()
    assert f"{other}/plan.json is missing; run the study again" in line


def test_what_the_tokenizer_makes_of_another_studys_languages_is_refused(
    store: Store, study: Synthetic
) -> None:
    one, other = fill(store, study), store.save_study({"model": "b"}, study.jobs[:2], {})
    store.save_subwords(other, {"pos": Subwords({"qaa": 1.5}, {"qab": 2.25}, {})})
    folders = store.path / "studies"
    shutil.copy(folders / other / "subwords.json", folders / one / "subwords.json")
    assert not store.has_subwords(one)
    (line,) = told(store, one)
    assert "subwords.json" in line
    assert store.has_subwords(other)


def test_a_file_in_the_way(tmp_path: Path, study: Synthetic) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="is a file"):
        Store(tmp_path / "file")
    with pytest.raises(ResultsError, match="another --results"):
        Store(tmp_path / "file" / "below").prepare()
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "jobs").write_text("")
    with pytest.raises(ResultsError, match="another --results"):
        Store(tmp_path / "results").index()
