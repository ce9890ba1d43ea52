"""`xlbench doctor`: what it finds, and what it never shows."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hub_server import SECRET, Hub

from xlbench import doctor
from xlbench.doctor import advisories


def test_all_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from huggingface_hub import constants

    from xlbench.cli import environment

    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "not" / "yet"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "not" / "yet" / "hub"))
    monkeypatch.setenv("HF_TOKEN", SECRET)
    with Hub() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        code = environment.doctor(as_json=True, plugins=())
    said = capsys.readouterr()
    assert code == 0, said
    found = {x["name"]: x for x in json.loads(said.out)}
    assert found["hub"] == {"name": "hub", "state": "good", "text": f"{hub.url} answers"}
    assert found["token"]["text"] == "there is one"
    assert SECRET not in said.out + said.err
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


def test_advisories_on_installed_versions_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"transformers": "4.57.6", "torch": "2.5.1"}
    monkeypatch.setattr(advisories, "_installed", installed.get)
    found = [x.text for x in doctor._advisories()]
    assert [x.split(" ")[0] for x in found] == [
        "CVE-2026-4372", "CVE-2026-1839", "CVE-2025-32434", "CVE-2026-24747",
    ]  # fmt: skip
    assert "in transformers 4.57.6: a config.json can" in found[0]
    assert "(kernels is not installed)" in found[0]
    installed |= {"kernels": "0.10", "torch": "2.10.0+cpu", "transformers": "4.55.4"}
    found = [x.text for x in doctor._advisories()]
    assert [x.split(" ")[0] for x in found] == ["CVE-2026-1839"]
    installed |= {"transformers": "5.3.0", "torch": "2.13.0"}
    assert not list(doctor._advisories())


def test_what_is_installed_here_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    one = advisories.Advisory("packaging", ">0", "CVE-0-0", "something", "nothing")
    monkeypatch.setattr(advisories, "ADVISORIES", (one, replace(one, package="no-such-package")))
    (found,) = doctor._advisories()
    assert found.state == "note"
    assert found.text.startswith("CVE-0-0 in packaging 2")


def test_the_password_of_the_address_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://name:secret@127.0.0.1:1")
    found = doctor._hub()
    assert found.text.startswith("http://127.0.0.1:1 cannot be reached")
