"""What task adapters are trained on: which languages, how many examples of each."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from xlbench.contracts import AdapterTraining, Resolved, limited
from xlbench.lab import Lab
from xlbench.results import describe
from xlbench.results.manifest import trained_on


@pytest.fixture
def mixed(resolved: Resolved) -> Resolved:
    """Two training languages, 60 examples each, at most 45 of each, 30 in all."""
    how = AdapterTraining(epochs=1, batch_size=8, limit=45, examples=30, temperature=2)
    study = replace(resolved.study, train_languages=("qaa", "qab"))
    return replace(resolved, study=study, training=dict.fromkeys(resolved.tasks, how))


def test_a_budget_is_shared_and_in_the_identity(resolved: Resolved, mixed: Resolved) -> None:
    assert [mixed.size("tags", x, "train") for x in ("qaa", "qab")] == [15, 15]
    first = limited(mixed.data["tags"], "qab", "train", 45)
    used = mixed.examples("tags", "qab", "train")
    assert len(used) == 15
    assert [x for x in first if x in used] == list(used) != list(first[:15])
    assert used == mixed.examples("tags", "qab", "train")
    assert len(resolved.examples("tags", "qaa", "train")) == 60
    assert mixed.size("tags", "qaa", "test") == resolved.size("tags", "qaa", "test")
    identity = mixed.adapter_identity("tags")
    assert (identity["examples"], identity["temperature"]) == (30, 2)
    assert not {"examples", "temperature"} & set(resolved.adapter_identity("tags"))
    warmer = {"tags": replace(mixed.training["tags"], temperature=3)}
    assert replace(mixed, training=warmer).adapter_identity("tags") != identity


def test_the_record_of_an_adapter_has_the_counts(mixed: Resolved, checkpoint: Path, tmp_path: Path) -> None:
    lab = Lab(mixed, str(checkpoint), tmp_path, device="cpu", threads=1)
    folder = lab.task_adapter("tags")
    about = json.loads((folder / "xlbench.json").read_text("utf-8"))
    assert about["examples"] == {"qaa": 15, "qab": 15}
    assert about["identity"] == mixed.adapter_identity("tags")
    assert len(lab.encoded("tags", "qab", "train")) == 15


def test_what_is_stored_and_said(resolved: Resolved, mixed: Resolved) -> None:
    facts = describe(mixed)["tasks"]["tags"]  # type: ignore[index,call-overload]
    assert trained_on(facts) == "qaa 15, qab 15, shared out at temperature 2"  # type: ignore[arg-type]
    plain = describe(resolved)["tasks"]["tags"]  # type: ignore[index,call-overload]
    assert trained_on(plain) == "qaa 60"  # type: ignore[arg-type]
    assert trained_on({}) == ""  # what an earlier version stored
