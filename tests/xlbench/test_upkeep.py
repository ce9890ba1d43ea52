"""`xlbench results`: folders verified, merged, tidied and brought up to date."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import METRICS, PROVENANCE, Synthetic, unsealed, write_all

from xlbench.cli import upkeep as commands
from xlbench.contracts import Cell, Evaluation, Job, digest
from xlbench.errors import ResultsError
from xlbench.models import kept_adapters
from xlbench.results import Store, jobfile, upkeep
from xlbench.results.index import StoredFile, list_files

CELL = Cell("pos", "qaa", "x")


def job(**condition: object) -> Job:
    return Job("transfer", 1, {"model": "m", **condition}, (CELL,), "a job")  # type: ignore[dict-item]


def write(store: Store, one: Job, right: int) -> Path:
    counts = np.array([[1, 1]] * right + [[0, 1]] * (10 - right), np.int32)
    store.write(one, [Evaluation(CELL, counts)], PROVENANCE, METRICS)
    return store.jobs / f"{one.identity}.parquet"


def keep(store: Store, identity: dict[str, Any]) -> Path:
    folder = store.adapters / f"pos-{digest(identity)[:16]}"

    def save(new: Path) -> None:
        (new / "adapter_config.json").write_text("{}")
        (new / "weights").write_bytes(b"123")

    kept_adapters.keep(folder, {"identity": identity}, save)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A study of one job with its task adapter, and no more."""
    found = Store(tmp_path / "results")
    found.prepare()
    identity = {"model": "m", "task": "pos"}
    one = job(adapter=identity)
    write(found, one, 7)
    keep(found, identity)
    found.save_study({"probes": ["transfer"]}, [one], {})
    return found


def test_a_sound_folder_is_verified_whole(tmp_path: Path) -> None:
    write_all(tmp_path / "results", Synthetic(examples=10))
    store = Store(tmp_path / "results")
    found = upkeep.verify(store, METRICS)
    assert (found.problems, found.unlike) == ([], [])
    assert found.files == len(list(store.jobs.glob("*.parquet"))) > 20
    assert found.studies == 1


def test_whatever_changed_is_named(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = store.jobs.glob("*.parquet")
    (adapter,) = store.adapters.iterdir()
    (study,) = (store.path / "studies").iterdir()
    assert upkeep.verify(store, METRICS) == upkeep.Verified(1, 0, 1, 1)
    assert commands.verify(store.path) == 0
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (adapter / "weights").write_bytes(b"124")
    (study / "plan.json").write_text((study / "plan.json").read_text().replace("a job", "no job"))
    (store.jobs / path.name.replace(path.name[:3], "abc")).write_bytes(bytes(content))
    found = upkeep.verify(store, METRICS)
    assert len(found.problems) == 4
    for name in (path.name, adapter.name, study.name, "abc"):
        assert any(name in x for x in found.problems)
    assert commands.verify(store.path) == 1
    assert "4 problems" in capsys.readouterr().out


def test_an_adapter_under_anothers_name_is_named(store: Store) -> None:
    (adapter,) = store.adapters.iterdir()
    adapter.rename(adapter.with_name(f"pos-{'0' * 16}"))
    (problem,) = upkeep.verify(store, METRICS).problems
    assert "is another one than its name says" in problem


def test_a_cell_stored_twice_with_other_counts_is_told(store: Store) -> None:
    one = job(adapter={"model": "m", "task": "pos"})
    second = Cell("pos", "qab", "x")
    both = Job(one.probe, 1, one.condition, (CELL, second), "both")
    counts = np.array([[1, 1]] * 10, np.int32)
    store.write(both, [Evaluation(x, counts) for x in both.cells], PROVENANCE, METRICS)
    (line,) = upkeep.verify(store, METRICS).unlike
    assert line.startswith("pos in qaa: ")


def test_folders_are_merged_and_what_differs_is_told(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    other.prepare()
    same, new = job(adapter={"model": "m", "task": "pos"}), job(seed=1)
    write(other, same, 7)
    write(other, new, 5)
    other.save_study({"probes": ["transfer"], "limit": 3}, [same, new], {})
    keep(other, {"model": "m", "task": "ner"})
    bad = write(other, job(seed=2), 5)
    bad.write_bytes(bad.read_bytes()[:-9])
    found = upkeep.merge(store, [other])
    assert (found.copied, found.same, found.studies, found.adapters) == (1, 1, 1, 1)
    assert len(found.problems) == 1
    assert bad.name in found.problems[0]
    assert not found.different
    assert {x.identity for files in list_files(store.jobs).index.values() for x in files} == {
        same.identity, new.identity,
    }  # fmt: skip
    before = {x: x.read_bytes() for x in store.path.rglob("*") if x.is_file()}
    again = upkeep.merge(store, [other])
    assert (again.copied, again.same, again.studies, again.adapters) == (0, 2, 0, 0)
    write(other, same, 4)
    (difference,) = upkeep.merge(store, [other]).different
    assert difference.most == pytest.approx(30.0)
    assert before == {x: x.read_bytes() for x in store.path.rglob("*") if x.is_file()}


def test_a_damaged_file_here_is_replaced_by_a_sound_one(store: Store, tmp_path: Path) -> None:
    (path,) = store.jobs.glob("*.parquet")
    shutil.copytree(store.path, tmp_path / "other")
    sound = path.read_bytes()
    path.write_bytes(sound[:-30])
    assert upkeep.merge(store, [Store(tmp_path / "other")]).copied == 1
    assert path.read_bytes() == sound


def test_jobs_and_adapters_are_merged_though_no_manifest_can_be_read(store: Store, tmp_path: Path) -> None:
    shutil.copytree(store.path, tmp_path / "other")
    other = Store(tmp_path / "other")
    (plan,) = other.path.glob("studies/*/plan.json")
    plan.write_text("{")
    into = Store(tmp_path / "new")
    found = upkeep.merge(into, [other])
    assert (found.copied, found.studies, found.adapters) == (1, 0, 1)
    assert len(found.problems) == 1
    assert plan.parent.name in found.problems[0]


def test_a_folder_is_not_merged_into_itself(store: Store) -> None:
    with pytest.raises(ResultsError, match="the folder to merge into"):
        upkeep.merge(store, [Store(store.path.parent / "." / "results")])


def test_only_what_no_study_uses_is_removed(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    sound = {x for x in store.path.rglob("*") if x.is_file()}
    orphan, adapter = write(store, job(seed=9), 1), keep(store, {"model": "m", "task": "ner"})
    (store.path / "aside").mkdir()
    (store.path / "aside" / "old").write_bytes(b"12345")
    found = {x.path: x for x in upkeep.unused(store)}
    assert {x.name: one.why for x, one in found.items()} == {
        orphan.name: "job of no study", adapter.name: "adapter of no study", "old": "set aside",
    }  # fmt: skip
    assert found[orphan].size == orphan.stat().st_size
    commands.gc(store.path, delete=False)
    assert orphan.exists()
    commands.gc(store.path, delete=True)
    assert {x for x in store.path.rglob("*") if x.is_file()} == sound
    assert "removed: " in capsys.readouterr().out
    assert upkeep.unused(store) == []


def test_nothing_is_removed_while_a_study_cannot_be_read(store: Store) -> None:
    (plan,) = store.path.glob("studies/*/plan.json")
    plan.write_text("{")
    with pytest.raises(ResultsError, match="nothing is removed"):
        upkeep.unused(store)


def test_adapters_of_compositions_are_used(store: Store) -> None:
    language = {"kind": "trained", "model": "m", "seed": 0}
    under = {"mix": "single", "adapters": [{"language": "deu", **language}]}
    folder = keep(store, language)
    assert [x.path for x in upkeep.unused(store)] == [folder]
    one = job(under=under)
    store.save_study({"probes": ["stacking"]}, [one], {})
    assert upkeep.unused(store) == []


def test_files_of_earlier_versions_are_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "results"
    write_all(path, Synthetic(examples=10))
    store = Store(path)
    files = sorted(store.jobs.glob("*.parquet"))
    records = {x: _counts(x) for x in files}
    facts = {x: jobfile.opened(_file(x)).header for x in files}
    for one in files[:5]:
        unsealed(one)
    (store.path / "schema.json").unlink()
    found = upkeep.migrate(store, METRICS)
    assert (found.sealed, found.current, found.problems) == (5, len(files) - 5, [])
    assert all(jobfile.opened(_file(x)).sealed for x in files)
    assert {x: _counts(x) for x in files} == records
    assert {x: jobfile.opened(_file(x)).header for x in files} == facts
    assert json.loads((store.path / "schema.json").read_text()) == {"schema": 1}
    assert upkeep.migrate(store, METRICS).sealed == 0


def test_an_old_file_whose_score_is_wrong_gets_no_checksum(tmp_path: Path) -> None:
    write_all(tmp_path / "results", Synthetic(examples=10))
    store = Store(tmp_path / "results")
    path = sorted(store.jobs.glob("*.parquet"))[0]
    content = path.read_bytes()
    unsealed(path, score=[12.5] * len(_counts(path)))
    wrong = path.read_bytes()
    assert wrong != content
    (problem,) = upkeep.migrate(store, METRICS).problems
    assert path.name in problem
    assert path.read_bytes() == wrong


def _file(path: Path) -> StoredFile:
    (found,) = (x for xs in list_files(path.parent).index.values() for x in xs if x.path == path)
    return found


def _counts(path: Path) -> list[tuple[Cell, object]]:
    return [(x.evaluation.cell, x.evaluation.counts.tolist()) for x in jobfile.opened(_file(path)).records()]
