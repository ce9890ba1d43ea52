"""Typological distances: those of urielplus itself, without its touching installation or process."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xlbench import Study, api, plugins
from xlbench.results.manifest import describe
from xlbench_tasks import typology
from xlbench_tasks.typology import KINDS, tables

LANGUAGES = ("deu", "nld", "zho", "quy", "est")
STUDY = Study(probes=("zero-shot",), tasks=("pos",), targets=("qaa", "qab"), train_languages=("qaa",))
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
        assert found == pytest.approx(value, abs=1e-6)  # theirs is of single precision
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
    resolved = api.prepare(api.Request(STUDY, results=tmp_path)).resolved
    artificial = {x["name"]: x["table"] for x in describe(resolved)["distances"]}
    assert artificial["lexical"] != []
    assert all(artificial[kind] == [] for kind in KINDS)
    study = replace(resolved.study, transfer=("deu", "nld"), targets=("qab",), train_languages=())
    mixed = {x["name"]: x["table"] for x in describe(replace(resolved, study=study))["distances"]}
    near = tables(folder)["syntactic"]["deu", "nld"]
    pairs = [["deu", "deu", 0.0], ["deu", "nld", near], ["nld", "deu", near], ["nld", "nld", 0.0]]
    assert mixed["syntactic"] == pairs


def test_without_the_package_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typology, "PACKAGE", "no_such_package")
    assert list(typology.xlbench_distances()) == []


def test_each_file_that_cannot_be_read_is_one_line_and_no_distances(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = (folder / "features.npz").read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 255
    broken = {"cut": whole[:-2000], "changed": bytes(changed), "text": b"PK broken", "empty": b""}
    for name, content in broken.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "features.npz").write_bytes(content)
    for name in (*broken, "missing"):
        caplog.clear()
        found = tables(tmp_path / name)
        for kind in ("syntactic", "phonological", "inventory"):
            assert ("deu", "fin") not in found[kind]
        assert len(found["inventory"]) == 0
        (line,) = caplog.messages
        assert line.startswith("no distances of these kinds: syntactic, phonological, inventory; ")
        assert line.endswith("install urielplus again, or remove it")
        assert "\n" not in line


def test_a_table_of_another_layout_is_not_read_as_if_it_were_this(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    np.savez(
        tmp_path / "features.npz",
        feats=np.array(["S_A", "S_B"]),
        langs=np.array(["deu", "fin"]),
        data=np.ones((2, 3, 1)),
    )
    assert ("deu", "fin") not in tables(tmp_path)["syntactic"]
    assert "its shape is (2, 3, 1)" in caplog.text


def test_a_study_goes_on_without_them_where_the_installation_is_broken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(typology, "installed", lambda: tmp_path)
    ready = api.prepare(api.Request(STUDY, results=tmp_path))
    stored = {x["name"]: x["table"] for x in describe(ready.resolved)["distances"]}
    assert all(stored[kind] == [] for kind in KINDS)
    assert stored["lexical"] != []
    assert len(caplog.messages) == 3  # files


@pytest.mark.parametrize(
    ("a", "b", "shared"),
    [
        ("aaa", "bbb", 2 / 3),
        ("bbb", "aaa", 2 / 3),
        ("aaa", "ccc", None),
        ("aaa", "ddd", None),
        ("aaa", "aaa", 0.0),
    ],
)
def test_distance_by_hand(tmp_path: Path, a: str, b: str, shared: float | None) -> None:
    """Of `aaa` and `bbb`, S_1 and S_3 to S_4 are known: (1, 1, 0) and (1, 0, 1), whose cosine is 1/2."""
    unknown = [-1, -1]
    data = np.array(
        [
            [[1, -1], unknown, [0, 1], [0, 0], [1, 1]],
            [[1, 1], [1, 1], [0, -1], [-1, 1], unknown],
            [unknown, [1, 1], unknown, unknown, [1, 1]],
            [[0, 0], [1, 1], [0, 0], [0, 0], [1, 1]],
        ]
    )
    np.savez(
        tmp_path / "features.npz",
        feats=np.array(["S_1", "S_2", "S_3", "S_4", "P_1"]),
        langs=np.array(["aaa", "bbb", "ccc", "ddd"]),
        data=data,
    )
    found = tables(tmp_path)["syntactic"]
    assert found.get((a, b)) == (None if shared is None else pytest.approx(shared, abs=5e-5))


def test_of_languages_that_have_a_macrolanguage_each_code_is_looked_up_as_it_is(folder: Path) -> None:
    found = tables(folder)
    for whole, member in (("est", "ekk"), ("zho", "cmn"), ("swa", "swh"), ("ara", "arb")):
        assert ("deu", whole) in found["syntactic"]
        assert ("deu", member) in found["syntactic"]
    assert ("stan1295", "deu") not in found["syntactic"]  # a Glottocode
    assert ("deu", "qaa") not in found["genetic"]


def test_loading_costs_no_reading(folder: Path) -> None:
    code = "import sys; from xlbench import plugins; plugins.load(); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
