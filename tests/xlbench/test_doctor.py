"""`xlbench doctor`: what it finds, and what it never shows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import SECRET, Hub
from hub_sets import environment

from xlbench import doctor


def test_all_is_well(tmp_path: Path) -> None:
    with Hub() as hub:
        done = subprocess.run(
            [sys.executable, "-m", "xlbench.cli", "doctor", "--json"],
            env=environment(tmp_path / "not" / "yet", hub.url, HF_TOKEN=SECRET),
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    found = {x["name"]: x for x in json.loads(done.stdout)}
    assert found["hub"] == {"name": "hub", "state": "good", "text": f"{hub.url} answers"}
    assert found["token"]["text"] == "there is one"
    assert SECRET not in done.stdout + done.stderr
    assert str(tmp_path / "not" / "yet") in found["cache"]["text"]
    assert found["default study"]["text"].startswith("works (")
    assert {"installed", "plugins", "device"} <= found.keys()
    assert not (tmp_path / "not").exists()


def test_what_does_not_work_is_bad_and_the_rest_is_still_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "elsewhere" / "hub"))
    monkeypatch.setenv("XLBENCH_PLUGINS", "nobody")
    found = {x.name: x for x in doctor.examine()}
    assert found["plugins"].state == found["default study"].state == "bad"
    assert "nobody, which is not installed" in found["plugins"].text
    assert found["hub"].state == "note"
    assert "offline mode is set" in found["hub"].text
    assert f"in {tmp_path / 'elsewhere' / 'hub'}" in found["cache"].text
