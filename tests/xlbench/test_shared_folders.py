"""Folders that several users and machines write to: who may go on, what is removed, which study is last."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from synthetic import Synthetic, write_all
from warm import Command

import xlbench
from xlbench.files.disk import put_named, temporary
from xlbench.models import kept_adapters
from xlbench.reporting import write_leaderboard
from xlbench.results import Store, studies


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def made(store: Store) -> list[Path]:
    """All folders of a store in which a study is and an adapter is kept."""
    store.prepare()
    write_all(store.path, Synthetic(seeds=(0,), steps=(1,), controls=()))
    kept_adapters.keep(store.adapters / "a-0123456789ab", {"identity": {"a": 1}}, save)
    return [store.path, *(x for x in store.path.rglob("*") if x.is_dir())]


def save(folder: Path) -> None:
    """As the library does: for its owner alone."""
    (folder / "adapter.safetensors").touch(0o600)


def test_a_shared_folder_stays_one_whatever_the_umask(tmp_path: Path, umask: None) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o2775)
    assert {mode(x) for x in made(Store(shared))} == {0o2775}
    assert {mode(x) for x in made(Store(shared / "within"))} == {0o2775}


def test_a_folder_that_is_not_shared_is_not_opened(tmp_path: Path, umask: None) -> None:
    tmp_path.chmod(0o775)
    assert {mode(x) for x in made(Store(tmp_path / "own"))} == {0o755}


def test_others_may_read_what_an_adapter_is_kept_in_as_all_else(tmp_path: Path, umask: None) -> None:
    made(Store(tmp_path))
    assert {mode(x) for x in tmp_path.glob("adapters/*/*")} == {0o644}
    os.umask(0o077)
    kept_adapters.keep(tmp_path / "adapters" / "b-0123456789ab", {"identity": {"a": 2}}, save)
    assert {mode(x) for x in tmp_path.glob("adapters/b-*/*")} == {0o600}


def dead(path: Path) -> Path:
    """A temporary name of a process of this machine that has ended."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    name = temporary(path)
    return name.with_name(name.name.replace(f"-{os.getpid()}-", f"-{gone.pid}-"))


def test_what_another_user_left_and_one_may_not_remove_stops_nobody() -> None:
    place = Path(tempfile.mkdtemp())
    try:
        place.chmod(0o777)
        store = Store(place / "results")
        store.prepare()
        left = dead(store.jobs / "a.parquet")
        left.mkdir()
        (left / "half").write_bytes(b"half")
        for path in (place / "results", store.jobs, place / "results" / "schema.json"):
            path.chmod(0o777)
        left.chmod(0o555)
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            store.prepare()
        finally:
            if os.getuid() == 0:
                os.seteuid(0)
        assert left.exists()
    finally:
        subprocess.run(["chmod", "-R", "u+rwx", str(place)], check=True)
        shutil.rmtree(place)


def test_the_age_of_what_another_machine_writes_is_told_by_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    store.prepare()
    live = store.jobs / ".a.parquet.00000000-1-00000000"
    live.write_bytes(b"half")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3 * 86400)  # this machine's clock is ahead
    store.prepare()
    assert live.exists()


def test_pages_are_written_over_what_a_killed_process_left(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for left in (dead(tmp_path / "README.md"), dead(pictures / "a-1.png"), dead(tmp_path / "report.html")):
        left.write_bytes(b"half")
    write_leaderboard(tmp_path, [], lambda page: pytest.fail("no page"))
    (tmp_path / ".mine").write_text("mine")
    left = dead(tmp_path / "report.html")
    left.write_bytes(b"half")
    put_named(tmp_path / "report.html", b"whole")
    assert {x.name for x in tmp_path.rglob(".*")} == {".mine"}


def test_the_last_run_is_the_latest_study_though_the_clock_was_set_back(tmp_path: Path) -> None:
    jobs, store = Synthetic(seeds=(0,)).jobs, Store(tmp_path)
    first = store.save_study({"model": "a"}, jobs[:1], {})
    plan = tmp_path / "studies" / first / "plan.json"
    content = studies.unsealed(plan.read_bytes())
    plan.write_bytes(studies.sealed({**content, "created": "2099-01-01T00:00:00+00:00"}))
    second = store.save_study({"model": "b"}, jobs[:2], {})
    assert [x.id for x in store.studies()] == [second, first]
    assert store.save_study({"model": "a"}, jobs[:1], {}) == first
    assert [x.id for x in store.studies()] == [first, second]


RUN = (
    "run", "--task", "pos", "--probe", "zero-shot,transfer", "--transfer", "qab", "--controls", "none",
    "--targets", "qaa,qac", "--train-languages", "qaa", "--steps", "1", "--seeds", "1", "--limit", "20",
    "--readings", "put-back", "--adapter", "epochs=1,limit=60", "--mlm", "chunk=32,batch_size=2",
    "--workers", "1", "--quiet",
)  # fmt: skip


@pytest.mark.slow
def test_two_runs_at_once_store_every_job_once_with_the_numbers_of_one(tmp_path: Path) -> None:
    folders = [tmp_path / "both", tmp_path / "both", tmp_path / "one"]
    commands = [Command([*RUN, "--results", str(x)]) for x in folders]
    assert [x.wait() for x in commands] == [0, 0, 0], [x.stderr for x in commands]
    names = [{str(x.relative_to(folder)) for x in folder.rglob("*")} for folder in folders[1:]]
    assert names[0] == names[1]
    both, one = (xlbench.load_results(x) for x in folders[1:])
    pd.testing.assert_frame_equal(both, one)
