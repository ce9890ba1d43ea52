"""A run of a study is in the file of W&B, whole, and nothing leaves the machine."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import xlbench
from xlbench.testing import contract_tests, tiny_study

wandb = pytest.importorskip("wandb")
test_contract = contract_tests("wandb")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "own"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)


def records(path: Path) -> Iterator[Any]:
    """What a file of W&B holds: blocks of 32 KiB with records, in pieces, after checksum, length and type."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, whole = path.read_bytes(), 7, b""
    while at + 7 <= len(content):
        if (room := 32768 - at % 32768) < 7:
            at += room
            continue
        length, kind = struct.unpack("<HB", content[at + 4 : at + 7])
        whole += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last piece
            yield Record.FromString(whole)
            whole = b""


def test_a_study_is_a_run_with_settings_scores_by_steps_and_an_end(tmp_path: Path) -> None:
    study = tiny_study(probes=("zero-shot", "transfer"), transfer=("qab",))
    done = xlbench.run(
        study, results=tmp_path / "results", workers=1, device="cpu", quiet=True, observers=["wandb"]
    )
    assert not done.observers_failed
    wandb.teardown()  # the file is written by a process of its own
    (path,) = (tmp_path / "results" / "wandb").glob("offline-run-*/*.wandb")
    assert path.stem == f"run-{done.study_id}"
    found = list(records(path))
    rows = [
        {x.key or "/".join(x.nested_key): json.loads(x.value_json) for x in one.history.item}
        for one in found
        if one.HasField("history")
    ]
    frame = xlbench.load_results(tmp_path / "results")
    expected = sorted(frame["score"])
    scores = [value for row in rows for key, value in row.items() if key.endswith("/accuracy")]
    assert sorted(scores) == pytest.approx(expected)
    assert {row["steps"] for row in rows} == {0, 1}
    settings = {
        x.key: json.loads(x.value_json)
        for one in found if one.HasField("run")
        for x in one.run.config.update
    }  # fmt: skip
    assert settings["model"] == "tiny"
    assert settings["transfer"] == ["qab"]
    assert [one.exit.exit_code for one in found if one.HasField("exit")] == [0]
