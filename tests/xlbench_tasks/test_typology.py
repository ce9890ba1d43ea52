"""Typological distances: those of urielplus itself, without its touching installation or process."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import xlbench
from xlbench import Study, plugins
from xlbench.errors import DataError
from xlbench.results import Store
from xlbench_tasks import typology
from xlbench_tasks.typology import KINDS, tables

LANGUAGES = ("deu", "nld", "zho", "fin", "quy", "wol", "tur", "est")
OWN = """
import json, sys
from urielplus.urielplus import URIELPlus
one, found = URIELPlus(), {}
for kind in sys.argv[1].split(","):
    for i, a in enumerate(languages := sys.argv[2].split(",")):
        for b in languages[:i]:
            try:
                found[f"{kind} {a} {b}"] = float(one.new_distance(kind, [a, b]))
            except ValueError:  # nothing is known of both
                found[f"{kind} {a} {b}"] = None
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def folder() -> Path:
    found = typology.installed()
    if found is None:
        pytest.skip("urielplus is not installed; it comes with the extra `typology`")
    return found


def test_distances_are_those_of_the_package_itself(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder.parent.parent, tmp_path / "urielplus")  # it writes where it is installed
    done = subprocess.run(
        [sys.executable, "-P", "-c", OWN, ",".join(KINDS), ",".join(LANGUAGES)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = json.loads(done.stdout.splitlines()[-1])
    ours, known = tables(folder), 0
    for key, value in theirs.items():
        kind, a, b = key.split()
        found = ours[kind].get((a, b))
        if found is None:
            assert value is None or kind in ("phonological", "genetic")  # a language whose features are all 0
            continue
        known += 1
        assert found == pytest.approx(value, abs=6e-5)
        assert ours[kind][b, a] == found
    assert known > 0.7 * len(theirs)


def test_kin_are_near_and_what_is_not_known_is_not_there(folder: Path) -> None:
    found = tables(folder)
    for kind in ("syntactic", "genetic", "geographic"):
        assert found[kind]["deu", "nld"] < found[kind]["deu", "zho"]
        assert found[kind]["deu", "deu"] == 0
    assert ("deu", "qaa") not in found["syntactic"]
    assert ("qaa", "qaa") not in found["syntactic"]
    assert ("nld", "fin") not in found["phonological"]  # of one of them no sound pattern is known
    assert all(0 <= x <= 1 for x in (found["inventory"]["deu", g] for g in ("nld", "zho", "fin")))


def test_the_installation_and_the_process_stay_as_they_were(folder: Path) -> None:
    def state() -> dict[str, str]:
        files = (x for x in folder.parent.parent.rglob("*") if x.is_file() and x.suffix != ".pyc")
        return {str(x): hashlib.sha256(x.read_bytes()).hexdigest() for x in files}

    before, handlers = state(), list(logging.getLogger().handlers)
    names = {x.name for x in plugins.load().distances}
    assert names >= set(KINDS)
    assert tables(folder)["syntactic"]["deu", "fin"] > 0
    assert state() == before
    assert logging.getLogger().handlers == handlers
    assert "urielplus" not in sys.modules


def test_a_study_keeps_the_distances_of_its_languages_alone(folder: Path, tmp_path: Path) -> None:
    """The artificial languages are in no table of URIEL's: nothing of theirs is stored."""
    study = Study(
        probes=("zero-shot",), tasks=("pos",), targets=("qaa", "qab"), train_languages=("qaa",), limit=10,
        adapter={"limit": 20, "epochs": 1},
    )  # fmt: skip
    xlbench.run(study, results=tmp_path, workers=1)
    records = Store(tmp_path).records({"pos": plugins.load().tasks["pos"].metric})
    by_name = {x.name: x.table for x in records.distances}
    assert len(by_name["lexical"]) > 0
    assert all(len(by_name[name]) == 0 for name in KINDS)


def test_without_the_package_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typology, "PACKAGE", "no_such_package")
    assert list(typology.xlbench_distances()) == []


def test_a_broken_installation_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "features.npz").write_bytes(b"PK broken")
    with pytest.raises(DataError, match="install urielplus again, or remove it"):
        tables(tmp_path)["syntactic"]["deu", "fin"]
