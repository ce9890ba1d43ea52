"""Task adapters trained over language adapters: in the Lab, in plans, on pages, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from composed import TARGETS, TRANSFER, drawn, jobs_of, names, over
from made import study_over

from xlbench import Study, api, plugins
from xlbench.contracts import Beneath, Composition, Evaluation, Job, LanguageTraining, Number, Resolved, Table
from xlbench.errors import JobError, StudyError
from xlbench.lab import Lab, task_adapters
from xlbench.spec.study import parse
from xlbench.studies.resolve import resolve
from xlbench_probes.interference import Interference
from xlbench_probes.stacking import Stacking
from xlbench_probes.zero_shot import ZeroShot

QUICK = LanguageTraining(
    learning_rate=5e-3, reduction_factor=4, steps=10, chunk=16, batch_size=8, lines=60, held_out=0.2, checks=2
)
BOTH = ("plain", "mad-x")


@pytest.fixture
def two(checkpoint: Path) -> Resolved:
    """A study whose task adapters are trained on two languages of different sizes."""
    found = study_over(checkpoint, ("tags", "pairs", "trees", "questions"))
    study = replace(found.study, train_languages=("qaa", "qab"), adapter_orders=BOTH, seeds=(0,))
    training = {x: replace(how, learning_rate=5e-3) for x, how in found.training.items()}
    return replace(found, study=study, training=training, language_training=QUICK)


@pytest.fixture
def build(checkpoint: Path, tmp_path: Path) -> Callable[..., Lab]:
    def made(study: Resolved, folder: str = "adapters") -> Lab:
        return Lab(study, str(checkpoint), tmp_path / folder, device="cpu", threads=1)

    return made


def weights(lab: Lab, name: str) -> dict[str, torch.Tensor]:
    named = lab.encoder.model.named_parameters()
    own = {
        n: p.detach().clone() for n, p in named if f"adapters.{name}." in n or n.startswith(f"heads.{name}.")
    }
    assert own
    return own


def counts(found: list[Evaluation]) -> list[list[list[float]]]:
    return [x.counts.tolist() for x in found]


# In the Lab


@pytest.mark.parametrize("task", ["tags", "trees", "questions"])
def test_over_adapters_that_do_nothing_it_is_the_plain_training(
    build: Callable[..., Lab], two: Resolved, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same batches, same steps: only what lies beneath differs, and nothing where that is the identity."""
    lab = build(two)
    # No dropout, and an optimizer that makes no step of a rounding error.
    monkeypatch.setattr(torch.nn.Module, "train", lambda self, mode=True: self)
    monkeypatch.setattr(torch.nn.functional, "dropout", lambda vectors, *_, **__: vectors)
    monkeypatch.setattr(torch.optim, "AdamW", lambda parameters, lr, **_: torch.optim.SGD(parameters, lr))
    for name in ("one", "other"):
        lab.attached.adding(LanguageTraining(reduction_factor=4))(name)
    sets = [lab.encoded(task, x, "train") for x in ("qaa", "qab")]
    how = replace(two.training[task], learning_rate=0.2, epochs=1)
    names = ("one", "other")
    found = []
    for beneath, scale in (((), 0.0), (names, 0.0), (names, 1.0)):
        for name, parameter in lab.encoder.model.named_parameters():
            if "adapter_up" in name:
                torch.nn.init.normal_(parameter, std=scale)
        before = {**weights(lab, "one"), **weights(lab, "other")}
        one = two.tasks[task]
        kind, add = lab.inputs.kind(one), lab.attached.adding(how)
        loss = task_adapters.train(lab.encoder, one, kind, sets, how, lambda fraction: None, add, beneath)
        assert all(torch.equal(before[x], y) for x, y in lab.encoder.model.named_parameters() if x in before)
        found.append((loss, weights(lab, task)))
        lab.encoder.delete_task_adapter(task)
    (plain, own), (nothing, same), (something, _) = found
    assert nothing == pytest.approx(plain, abs=1e-5)
    assert all(torch.allclose(own[x], y, atol=1e-4) for x, y in same.items())
    assert abs(something - plain) > 1e-2


def test_language_adapters_come_first_and_each_lies_beneath_its_own_language(
    build: Callable[..., Lab], two: Resolved
) -> None:
    lab, ordered = build(two), two.ordered("mad-x", 0)
    how = ordered.training["tags"]
    assert how.over is not None
    own = how.over.adapters
    assert [(x.kind, x.language) for x in own] == [("trained", "qaa"), ("trained", "qab")]
    lab.task_adapter("tags", how)
    kept = {x.name for x in Path(lab.attached.folder).iterdir()}
    assert kept == {ordered.task_adapter_name("tags"), *(two.language_adapter_name(x) for x in own)}
    assert kept == lab.adapters_used().keys()
    first = weights(lab, "tags")
    # By hand in another Lab, and the other way round.
    other = build(two, "other")
    for beneath, same in ((own, True), (own[::-1], False)):
        loaded = [other.attached.load(x) for x in beneath]
        sets = [other.encoded("tags", x, "train") for x in ("qaa", "qab")]
        plain, task = two.training["tags"], two.tasks["tags"]
        kind, add = other.inputs.kind(task), other.attached.adding(plain)
        task_adapters.train(other.encoder, task, kind, sets, plain, lambda fraction: None, add, loaded)
        assert all(torch.equal(first[x], y) for x, y in weights(other, "tags").items()) is same
        other.encoder.delete_task_adapter("tags")
    # The one of the other order is another, and both are there side by side.
    lab.task_adapter("tags")
    assert any(not torch.equal(first[x], y) for x, y in weights(lab, "tags").items())
    lab.task_adapter("tags", how)
    assert all(torch.equal(first[x], y) for x, y in weights(lab, "tags").items())
    lab.finetune("qaa", steps=1, seed=0)
    lab.retrain("tags", how)  # over the same language adapters, on weights that have moved
    assert any(not torch.equal(first[x], y) for x, y in weights(lab, "tags").items())
    other = replace(how, over=replace(how.over, adapters=tuple(replace(x, seed=9) for x in own)))
    with pytest.raises(JobError, match="training it would take the place of the fine-tuned weights"):
        lab.retrain("tags", other)


def test_a_job_of_each_order_measures_that_order(build: Callable[..., Lab], two: Resolved) -> None:
    """In one Lab, one after the other and back, as by hand in a Lab of its own."""
    jobs = [x for x in Stacking().jobs(two) if x.probe == "stacking" and names(x) == ("qaa",)]
    plain, ordered = (x for x in jobs if x.cells[0].task == "tags")
    lab, other = build(two), build(two, "other")
    found = [counts(list(Stacking().run(x, lab))) for x in (plain, ordered, plain)]
    expected = []
    for how in (two, two.ordered("mad-x", 0)):
        under = Composition((two.language_adapter("qaa", 0),))
        other.task_adapter("tags", how.training["tags"])
        expected.append(counts(other.evaluate(two.cells("tags"), under)))
    assert found == [*expected, expected[0]]
    assert expected[0] != expected[1]


# In plans


def stacked(jobs: list[Job], mad_x: bool) -> list[Job]:
    return [x for x in jobs if x.probe != "zero-shot" and ("over" in x.condition["adapter"]) is mad_x]  # type: ignore[operator]


@pytest.mark.parametrize("probe", [Stacking(), Interference()])
def test_plain_keeps_its_identities_and_the_other_order_has_its_own(probe: Any) -> None:
    alone, both = (
        jobs_of(over((probe.name,)), probe),
        jobs_of(over((probe.name,), adapter_orders=BOTH), probe),
    )
    plain, ordered = stacked(both, False), stacked(both, True)
    assert [x.identity for x in plain] == [x.identity for x in alone if x.probe != "zero-shot"]
    assert len(ordered) == len(plain)
    baselines = {x.cells[0].task: x.condition_key for x in both if x.probe == "zero-shot"}
    for one, other in zip(plain, ordered, strict=True):
        assert other.cells == one.cells
        assert other.condition["under"] == one.condition["under"]
        adapter: Any = other.condition["adapter"]
        assert {k: v for k, v in adapter.items() if k != "over"} == one.condition["adapter"]
        (beneath,) = adapter["over"]["adapters"]
        under: Any = one.condition["under"]
        assert (beneath["language"], beneath["seed"]) == ("qae", max(x["seed"] for x in under["adapters"]))
        if other.probe == "stacking":
            assert other.needs == (baselines[one.cells[0].task],)
        # Its training language has an adapter, which is paid for once.
        (trained,) = (x for x in other.shares if x.startswith("qae-"))
        assert other.shares[trained].adapt_tokens > 0
        assert not any(x.startswith("qae-") for x in one.shares)
    only = jobs_of(over((probe.name,), adapter_orders=("mad-x",)), probe)
    assert [x.identity for x in stacked(only, True)] == [x.identity for x in ordered]
    assert not stacked(only, False)


def test_the_training_of_a_condition_is_that_of_its_identity() -> None:
    found = over(("stacking",), adapter_orders=BOTH, given=["qae"])
    for one in (found, replace(found, given={})):
        ordered = one.ordered("mad-x", 1, invertible=False)
        identity = ordered.adapter_identity("tags")
        how = one.adapter_training(identity)
        assert how is not None
        again = one.with_training({"tags": how})
        assert again.adapter_identity("tags") == identity
        assert isinstance(how.over, Beneath)
    assert ZeroShot().job(found, "tags").condition_key == ZeroShot().job(over(), "tags").condition_key


def test_a_given_adapter_of_a_training_language_is_taken_and_costs_nothing() -> None:
    found = over(("stacking",), adapter_orders=("mad-x",), given=["qae"])
    jobs = stacked(jobs_of(found, Stacking()), True)
    for job in jobs:
        adapter: Any = job.condition["adapter"]
        assert [x["kind"] for x in adapter["over"]["adapters"]] == ["given"]
        assert not any(cost.adapt_tokens for name, cost in job.shares.items() if name.startswith("qae-"))


# On pages


def test_both_orders_are_beside_each_other_and_each_title_says_which() -> None:
    study = drawn(over(("stacking",), adapter_orders=BOTH), Stacking())
    (page, _) = Stacking().pages(study.records())
    assert page.title == "Stacking: tags in both orders"
    both = page.parts[0]
    assert isinstance(both, Table)
    rows = {str(x[0])[-4:-1]: x for x in both.rows}
    assert both.columns[2:] == ("No adapter", "Plain", "MAD-X", "MAD-X minus Plain")
    for g in (x for x in TARGETS if x in TRANSFER):
        chosen = study.chosen("tags", g)
        before = study.mean(g, "tags")
        plain, ordered = (
            sum(study.score(x, g) for x in stacked(chosen, which)) / 2 - before for which in (False, True)
        )
        found = [x.value for x in rows[g] if isinstance(x, Number)]
        assert found == pytest.approx([before, plain, ordered, ordered - plain])
    titles = [x.title for x in page.parts[1:]]
    assert len(set(titles)) == len(titles) == 8
    assert all(x.endswith(("plain order", "MAD-X's order")) for x in titles)
    only = drawn(over(("stacking",), adapter_orders=("mad-x",)), Stacking())
    assert Stacking().pages(only.records())[0].title == "Stacking: tags, MAD-X's order"
    plain_only = Stacking().pages(drawn(over(("stacking",)), Stacking()).records())[0]
    assert plain_only.title == "Stacking: tags"
    assert not any("order" in x.title for x in plain_only.parts)


def test_interference_has_both_orders_too() -> None:
    options = {"mixes": ["average"], "sets": ["qaa+qab"]}
    study = drawn(over(options=options, adapter_orders=BOTH))
    (page, _) = Interference().pages(study.records())
    assert page.title == "Interference: tags in both orders"
    both = page.parts[0]
    assert isinstance(both, Table)
    ((_, _, *cells),) = both.rows
    values = [x.value for x in cells if isinstance(x, Number)]

    def company(mad_x: bool) -> float:
        changes = []
        for g in ("qaa", "qab"):
            alone, mixed = (
                stacked(study.chosen("tags", *x, mix=mix), mad_x)
                for x, mix in (((g,), "single"), (("qaa", "qab"), "average"))
            )
            changes.append(
                sum(study.score(x, g) for x in mixed) / 2 - sum(study.score(x, g) for x in alone) / 2
            )
        return sum(changes) / 2

    plain, ordered = company(False), company(True)
    assert values == pytest.approx([plain, ordered, ordered - plain])


# What is refused


def asked(**fields: Any) -> Study:
    said = {"tasks": ("pos",), "transfer": ("qah",), "targets": ("qah",), "train_languages": ("qaa",),
            "probes": ("stacking",), "adapter_orders": ("mad-x",), **fields}  # fmt: skip
    return Study(**said)


def test_what_cannot_be_done_is_one_clear_line(tmp_path: Path) -> None:
    registry = plugins.load()
    with pytest.raises(StudyError, match="unknown order of adapters 'madx'; did you mean 'mad-x'"):
        parse({"adapter_orders": ["madx"]})
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "qah.txt").write_text("ona\n" * 30, "utf-8")
    with pytest.raises(StudyError, match="has no text in qaa; give text, its adapter") as error:
        resolve(asked(text=str(tmp_path / "text")), registry)
    assert str(error.value).count("adapter_orders") == 1
    with pytest.raises(StudyError, match="qaa is not among the transfer languages"):
        resolve(asked(adapter_orders=("plain",), language_adapters={"qaa": str(tmp_path)}), registry)
    with pytest.raises(StudyError, match=r"no probe of this study \(transfer\) trains task adapters over"):
        api.plan(asked(probes=("transfer",), steps=(1,), seeds=(0,)), results=tmp_path / "results")


def test_text_beneath_task_adapters_is_text_of_the_study() -> None:
    """So that it is read while planning, and found to be the same by every process."""
    for orders, expected in ((("plain",), ("qah",)), (BOTH, ("qah", "qaa", "qae"))):
        study = asked(
            train_languages=("qaa", "qae"), adapter_orders=orders, controls=("reference",), reference="qaa"
        )
        assert resolve(study, plugins.load()).text_languages() == expected
