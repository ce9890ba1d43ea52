"""Conditions of jobs: made and read in one place, stored as they always were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import pytest
from composed import over
from hypothesis import given
from hypothesis import strategies as st

from xlbench.contracts import Condition, Finetuning, FinetuningSettings, Job, Mixed, ReadBy, Resolved, merged
from xlbench_probes.interference import Interference
from xlbench_probes.stacking import Stacking
from xlbench_probes.transfer import Transfer
from xlbench_probes.zero_shot import ZeroShot

NAMES = st.text("abcdefgh_", min_size=1, max_size=6)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(NAMES, x, max_size=3),
    max_leaves=8,
)
TABLES = st.dictionaries(NAMES, PLAIN, max_size=4)
TEXTS = TABLES.map(lambda x: {"language": "deu", "text": "abc", **x})
RUNS = st.builds(
    Finetuning,
    text=TEXTS,
    steps=st.integers(1, 1000),
    seed=st.integers(0, 9),
    treatment=st.sampled_from(["plain", "shuffled", "mine"]),
    treated=TABLES.map(lambda x: {f"treatment_{k}": v for k, v in x.items()}),
)
OWN = st.dictionaries(NAMES.map(lambda x: f"own-{x}"), PLAIN, max_size=3)
CONDITIONS = st.builds(
    Condition,
    model=st.text(),
    adapter=st.none() | st.builds(ReadBy, TABLES),
    finetuning=st.none() | RUNS,
    composition=st.none() | st.builds(Mixed, TABLES),
    reading=st.sampled_from(["put-back", "retrained"]),
    settings=OWN,
)


@given(CONDITIONS)
def test_reading_gives_back_what_was_made(made: Condition) -> None:
    stored = json.loads(json.dumps(made.as_json()))
    assert Condition.read(stored) == made
    assert Condition.read(stored).as_json() == stored


WORDS = st.sampled_from(
    ["model", "adapter", "text", "variant", "steps", "seed", "under", "reading", "treatment_x"]
)


@given(st.dictionaries(WORDS | NAMES, PLAIN | TEXTS | st.sampled_from(["plain", "retrained", "put-back"])))
def test_any_table_of_a_strangers_probe_is_kept_whole(said: dict[str, Any]) -> None:
    read = Condition.read(said)
    assert read.as_json() == said
    assert read.texts.keys() <= {"deu"}


@pytest.fixture
def jobs(resolved: Resolved) -> list[Job]:
    """Of every probe, in every reading and order."""
    study = replace(resolved.study, readings=("put-back", "retrained"))
    everything = over(adapter_orders=("plain", "mad-x"))
    return [
        *ZeroShot().jobs(resolved),
        *Transfer().jobs(replace(resolved, study=study)),
        *Stacking().jobs(everything),
        *Interference().jobs(everything),
    ]


def test_conditions_are_stored_as_they_were_to_the_byte(jobs: list[Job]) -> None:
    assert {job.probe for job in jobs} == {"zero-shot", "transfer", "stacking", "interference"}
    shapes = {
        "zero-shot": [["model", "adapter"]],
        "transfer": [
            ["model", "adapter", "text", "variant", "steps", "seed"],
            ["model", "adapter", "text", "variant", "steps", "seed", "reading"],
        ],
        "stacking": [["model", "adapter", "under"]],
        "interference": [["model", "adapter", "under"]],
    }
    for job in jobs:
        assert list(job.condition) in shapes[job.probe]
        assert json.dumps(Condition.read(job.condition).as_json()) == json.dumps(dict(job.condition))


def test_a_typed_condition_says_what_the_stored_one_does(jobs: list[Job]) -> None:
    for job in jobs:
        raw: Any = job.condition
        assert job.typed.model == raw["model"]
        assert job.typed.adapter is not None
        assert job.typed.adapter.seed == raw["adapter"]["seed"]
        assert (job.typed.adapter.over is not None) == ("over" in raw["adapter"])
        if job.probe == "transfer":
            run = job.typed.finetuning
            assert run is not None
            assert (run.name, run.steps, run.seed) == (raw["text"]["language"], raw["steps"], raw["seed"])
            assert run.is_plain == (raw["variant"] == "plain")
            assert job.typed.texts == {raw["text"]["language"]: raw["text"]["text"]}
        if under := job.typed.composition:
            assert under.mix == raw["under"]["mix"]
            assert list(under.languages) == [x["language"] for x in raw["under"]["adapters"]]


def test_a_mixture_says_its_texts(resolved: Resolved) -> None:
    run = Finetuning(resolved.text_identity("qaa+qab"), 1, 0)
    assert Condition("m", finetuning=run).texts == {"qaa": "text-qaa", "qab": "text-qab"}


def decaying(metadata: Mapping[str, object] | None = None) -> type[FinetuningSettings]:
    """The settings of fine-tuning with a further field, as its author would add it and nothing else."""

    @dataclass(frozen=True)
    class Decaying(FinetuningSettings):
        weight_decay: float = field(default=0.0, metadata=metadata or {})

    return Decaying


def test_a_field_that_nobody_lists_gives_every_fine_tuning_another_identity(resolved: Resolved) -> None:
    """The experiment of a new setting: a weight decay, of which no other line of the program knows."""
    how = decaying()
    given = {x.name: getattr(resolved.mlm, x.name) for x in fields(resolved.mlm)}
    one, other = (
        merged(Transfer().jobs(replace(resolved, mlm=how(**given, weight_decay=x)))) for x in (0.0, 0.01)
    )
    assert len(one) == len(other)
    for before, after in zip(one, other, strict=True):
        assert (before.identity == after.identity) == (before.probe == "zero-shot")
