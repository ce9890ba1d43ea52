"""Whose settings are in force: the user's, the task's, the model's, the project's, in this order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from xlbench import plugins
from xlbench.contracts import AdapterTraining, BaseModel, Resolved, Study
from xlbench.plugins import Registry
from xlbench.spec.study import as_json, parse
from xlbench.studies.resolve import resolve

LANGUAGES = {"transfer": ("qaa",), "targets": ("qaa", "qab"), "train_languages": ("qaa",)}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return plugins.load()


def known(
    registry: Registry, defaults: Study, training: AdapterTraining, limit: int | None = None
) -> Registry:
    """With a third party's task `mine` on the artificial data of `pos`, and its model `theirs`."""
    pos, tiny = registry.tasks["pos"], registry.models["tiny"]
    mine = replace(pos, name="mine", training=training, limit=limit, default_data="artificial")
    theirs = BaseModel("theirs", "", tiny.checkpoint, defaults=defaults)
    provided = dict(registry.provided)
    provided["task"] = {**registry.tasks, "mine": mine}
    provided["model"] = {**registry.models, "theirs": theirs}
    provided["data"] = {**registry.data, "mine:artificial": registry.data["pos:artificial"]}
    return replace(registry, provided=provided)


def asked(registry: Registry, model: str, tasks: tuple[str, ...], **said: object) -> Resolved:
    data = {"pos": ("artificial",)} if "pos" in tasks else {}
    study = Study(model=model, tasks=tasks, data=data, text="artificial", **LANGUAGES, **said)  # type: ignore[arg-type]
    found = resolve(study, registry)
    again = resolve(parse(as_json(found.study)), registry)  # what each worker process does
    assert again.training == found.training
    assert again.limits == found.limits
    assert again.study == found.study
    return found


def test_a_task_s_own_training_wins_over_a_model_s(registry: Registry) -> None:
    own = AdapterTraining(learning_rate=2e-4, epochs=5, batch_size=8)
    defaults = Study(adapter={"learning_rate": 5e-3, "epochs": 1, "limit": 10})
    found = asked(known(registry, defaults, own), "theirs", ("pos", "mine"))
    assert found.training["mine"] == own
    assert found.training["pos"] == AdapterTraining(learning_rate=5e-3, epochs=1, limit=10)


def test_a_task_that_keeps_the_defaults_takes_a_model_s(registry: Registry) -> None:
    defaults = Study(adapter={"epochs": 1, "mine.limit": 7})
    found = asked(known(registry, defaults, AdapterTraining()), "theirs", ("mine",))
    assert found.training["mine"] == AdapterTraining(epochs=1, limit=7)


def test_what_a_model_says_of_one_task_holds_there(registry: Registry) -> None:
    own = AdapterTraining(learning_rate=2e-4, batch_size=8)
    found = asked(known(registry, Study(adapter={"mine.epochs": 2}), own), "theirs", ("pos", "mine"))
    assert found.training["mine"] == replace(own, epochs=2)
    assert found.training["pos"] == registry.tasks["pos"].training


@pytest.mark.parametrize("said", [{"epochs": 9}, {"mine.epochs": 9}, {"epochs": 4, "mine.epochs": 9}])
def test_the_user_wins_over_everyone(registry: Registry, said: dict[str, int]) -> None:
    own = AdapterTraining(learning_rate=2e-4, epochs=3)
    defaults = Study(adapter={"epochs": 1, "mine.epochs": 2})
    found = asked(known(registry, defaults, own), "theirs", ("mine",), adapter=said)
    assert found.training["mine"] == replace(own, epochs=9)


def test_the_embedded_model_keeps_a_third_party_s_settings(registry: Registry) -> None:
    for own in (AdapterTraining(), AdapterTraining(learning_rate=5e-5, epochs=2)):
        found = asked(known(registry, Study(), own), "tiny", ("mine", "pos"))
        assert found.training["mine"] == own
        assert found.training["pos"] == AdapterTraining(5e-3, 32, 3, limit=1000, examples=2000)


@pytest.mark.parametrize(
    ("user", "task", "model", "limit"),
    [(5, 20, 50, 5), (None, 20, 50, 20), (None, None, 50, 50), (None, None, None, None), (5, None, None, 5)],
)
def test_test_limits(
    registry: Registry, user: int | None, task: int | None, model: int | None, limit: int | None
) -> None:
    some = known(registry, Study(limit=model), AdapterTraining(), task)
    found = asked(some, "theirs", ("mine", "pos"), limit=user)
    assert {x.limit for x in found.cells("mine")} == {limit}
    assert {x.limit for x in found.cells("pos")} == {user or model}
    assert len(found.examples("mine", "qaa", "test")) == (limit or len(found.examples("pos", "qaa", "test")))


def test_what_is_in_force_says_who_set_it(registry: Registry) -> None:
    own = AdapterTraining(learning_rate=5e-5, batch_size=8)
    defaults = Study(
        limit=50, adapter={"epochs": 1, "mine.limit": 7}, mlm={"chunk": 24, "lines": 10_000},
    )  # fmt: skip
    found = asked(
        known(registry, defaults, own, 20), "theirs", ("pos", "mine"),
        adapter={"batch_size": 4}, mlm={"batch_size": 2},
    )  # fmt: skip
    assert [str(x) for x in found.in_force] == [
        "test set: examples per target at most 50 for pos (model theirs)",
        "test set: examples per target at most 20 for mine (task mine)",
        "task adapter: batch size 4 for pos, mine (the study)",
        "task adapter: epochs 1 for pos (model theirs)",
        "task adapter: learning rate 5e-5 for mine (task mine)",
        "task adapter: limit 7 for mine (model theirs)",
        "fine-tuning: chunk 24 (model theirs)",
        "fine-tuning: batch size 2 (the study)",
    ]


def test_plan_shows_what_is_in_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from xlbench.api import Request
    from xlbench.cli.planning import plan

    study = Study(
        model="tiny", probes=("zero-shot",), tasks=("nli",), targets=("qaa",), adapter={"epochs": 1},
    )  # fmt: skip
    plan(Request(study, tmp_path), device="cpu", workers=1)
    lines = capsys.readouterr().out.splitlines()
    assert "setting    task adapter: epochs 1 for nli (the study)" in lines
    assert "setting    task adapter: learning rate 0.005 for nli (model tiny)" in lines
    assert "setting    test set: examples per target at most 150 for nli (model tiny)" in lines


@pytest.mark.parametrize(
    ("said", "seeds"),
    [
        ({}, (0, 1, 2)),
        ({"seeds": (4, 7)}, (0, 1)),
        ({"seeds": (4, 7, 8, 9)}, (0, 1, 2)),
        ({"seeds": (4,)}, ()),
        ({"readings": ("put-back", "retrained"), "seeds": (4, 7, 8, 9)}, (0, 1, 2, 3)),
        ({"readings": ("retrained",), "seeds": (4,)}, ()),
        ({"readings": ("retrained",), "seeds": (4, 7), "adapter_seeds": (5,)}, (5,)),
        ({"adapter": {"pos.seed": 5}}, ()),
        ({"adaptive": True}, ()),
    ],
)
def test_task_adapters_are_as_many_as_the_model_says_but_no_more_than_fine_tunings(
    registry: Registry, said: dict[str, object], seeds: tuple[int, ...]
) -> None:
    """And as many as fine-tunings wherever they are retrained."""
    defaults = Study(seeds=(0, 1, 2), adapter_seeds=(0, 1, 2))
    found = asked(known(registry, defaults, AdapterTraining()), "theirs", ("pos",), **said)
    assert found.study.adapter_seeds == seeds
    assert found.training["pos"].seed == (seeds[0] if seeds else 5 if "adapter" in said else 0)


def test_without_a_word_from_the_model_only_retraining_takes_several_adapters(registry: Registry) -> None:
    one = known(registry, Study(seeds=(0, 1)), AdapterTraining())
    assert asked(one, "theirs", ("pos",)).study.adapter_seeds == ()
    assert asked(one, "theirs", ("pos",), readings=("put-back", "retrained")).study.adapter_seeds == (0, 1)
