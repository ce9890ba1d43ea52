"""Which jobs the transfer probe asks for, and that what it measures is the effect as defined."""

from __future__ import annotations

import dataclasses
from collections import Counter
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from xlbench.contracts import Job, Resolved
from xlbench.errors import StudyError
from xlbench.lab import Lab
from xlbench.studies import plan
from xlbench.studies.order import in_order
from xlbench_probes.transfer import Transfer
from xlbench_probes.zero_shot import ZeroShot


def changed(resolved: Resolved, **fields: object) -> Resolved:
    return dataclasses.replace(resolved, study=dataclasses.replace(resolved.study, **fields))  # type: ignore[arg-type]


def runs(jobs: list[Job]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for job in jobs:
        if job.probe == "transfer":
            text = job.condition["text"]
            assert isinstance(text, dict)
            found[str(text["language"]), str(job.condition["variant"])] += 1
    return found


def test_every_run_serves_every_task_and_baselines_come_once(resolved: Resolved) -> None:
    jobs = list(Transfer().jobs(resolved))
    assert [j.probe for j in jobs].count("zero-shot") == 2
    # qaa plain and shuffled, and qab as the target control: times 2 tasks, 2 step counts, 2 seeds.
    assert runs(jobs) == {("qaa", "plain"): 8, ("qaa", "shuffled"): 8, ("qab", "plain"): 8}
    by_group = Counter(j.group for j in jobs if j.probe == "transfer")
    assert set(by_group.values()) == {2}
    charged = {name for j in jobs for name, cost in j.shares.items() if cost.finetune_tokens}
    assert len(charged) == len(by_group)
    assert len({j.condition_key for j in jobs}) == len(jobs)
    baselines = {j.condition_key for j in jobs if j.probe == "zero-shot"}
    assert all(set(j.needs) < baselines or set(j.needs) == baselines for j in jobs if j.probe == "transfer")


def test_at_a_constant_rate_one_run_serves_all_numbers_of_steps(resolved: Resolved) -> None:
    asked = changed(resolved, steps=(10, 1, 3), controls=())
    constant = dataclasses.replace(asked, mlm=dataclasses.replace(asked.mlm, schedule="constant"))
    linear = {j.condition_key for j in Transfer().jobs(asked) if j.probe == "transfer"}
    jobs = [j for j in Transfer().jobs(constant) if j.probe == "transfer"]
    assert linear.isdisjoint(j.condition_key for j in jobs)
    in_turn = in_order(Transfer().jobs(constant))
    for group, alike in groupby((j for j in in_turn if j.probe == "transfer"), key=lambda j: j.group):
        together = list(alike)
        assert [j.condition["steps"] for j in together] == [1, 1, 3, 3, 10, 10], group
        costs = [x.cost.finetune_tokens for x in plan._charged(together)]
        step = asked.mlm.batch_size * asked.mlm.chunk
        assert costs == [step, 0, 2 * step, 0, 7 * step, 0]
        # Where an earlier state is stored already, the way to a later one is the whole way.
        assert [x.cost.finetune_tokens for x in plan._charged(together[4:])] == [10 * step, 0]
    assert len({j.group for j in jobs}) == 2


def test_a_target_control_is_scored_on_its_own_target_alone(resolved: Resolved) -> None:
    for job in Transfer().jobs(resolved):
        text = job.condition.get("text")
        if isinstance(text, dict):
            targets = {c.target for c in job.cells}
            assert targets == ({"qab"} if text["language"] == "qab" else {"qaa", "qab"})


@pytest.mark.parametrize(
    ("controls", "expected"),
    [
        ((), {("qaa", "plain")}),
        (("shuffled",), {("qaa", "plain"), ("qaa", "shuffled")}),
        (("reference",), {("qaa", "plain"), ("qab", "plain")}),
        (("target", "reference"), {("qaa", "plain"), ("qab", "plain")}),
    ],
)
def test_controls(resolved: Resolved, controls: tuple[str, ...], expected: set[tuple[str, str]]) -> None:
    jobs = list(Transfer().jobs(changed(resolved, controls=controls, reference="qab")))
    assert set(runs(jobs)) == expected


@pytest.mark.parametrize("field", ["mlm", "training", "corpus", "model_fingerprint", "tasks"])
def test_whatever_can_change_the_numbers_changes_the_identity(resolved: Resolved, field: str) -> None:
    other = {
        "mlm": dataclasses.replace(resolved.mlm, learning_rate=1e-4),
        "training": {
            **resolved.training,
            "tags": dataclasses.replace(resolved.training["tags"], seed=1),
        },
        "corpus": type("Other", (type(resolved.corpus),), {"fingerprint": lambda self, x: "other"})(),
        "model_fingerprint": "another",
        "tasks": {**resolved.tasks, "tags": dataclasses.replace(resolved.tasks["tags"], version=2)},
    }
    before = {j.condition_key for j in Transfer().jobs(resolved) if j.cells[0].task == "tags"}
    after = {
        j.condition_key
        for j in Transfer().jobs(dataclasses.replace(resolved, **{field: other[field]}))  # type: ignore[arg-type]
        if j.cells[0].task == "tags" and (field not in {"corpus", "mlm"} or j.probe == "transfer")
    }
    assert not before & after


def test_a_study_without_transfer_languages_is_one_clear_line(resolved: Resolved) -> None:
    with pytest.raises(StudyError, match="--transfer deu,tur"):
        Transfer().jobs(changed(resolved, transfer=()))


def test_the_body_moves_and_the_task_adapter_stays(
    resolved: Resolved, checkpoint: Path, tmp_path: Path
) -> None:
    """The scores under a run equal those of the moved body with the adapter of the pretrained one."""
    lab = Lab(resolved, str(checkpoint), tmp_path, device="cpu", threads=1)
    jobs = [j for j in Transfer().jobs(resolved) if j.cells[0].task == "tags"]
    (baseline,) = [j for j in jobs if j.probe == "zero-shot"]
    zero_shot = ZeroShot().run(baseline, lab)
    assert [e.extra["majority"] for e in zero_shot] == lab.majority(baseline.cells)

    def adapter() -> dict[str, np.ndarray]:
        named = lab.encoder.model.named_parameters()
        return {n: p.detach().numpy().copy() for n, p in named if ".adapters." in n or n.startswith("heads.")}

    kept, body = adapter(), lab.encoder.weights()
    job = next(j for j in jobs if j.condition.get("steps") == 3)
    measured = Transfer().run(job, lab)
    assert kept
    for name, value in adapter().items():
        np.testing.assert_array_equal(value, kept[name])
    assert any(not np.array_equal(body[n], w) for n, w in lab.encoder.weights().items())
    again = Lab(resolved, str(checkpoint), tmp_path / "elsewhere", device="cpu", threads=1)
    for ours, theirs in zip(measured, Transfer().run(job, again), strict=True):
        np.testing.assert_array_equal(ours.counts, theirs.counts)


def test_an_adaptive_study_foresees_before_it_fine_tunes(resolved: Resolved) -> None:
    """Its rounds come one later, so that the first can follow what is foreseen; jobs stay the same."""
    rounds = {}
    for adaptive in (False, True):
        for probes in (("transfer",), ("transfer", "foresee")):
            asked = changed(resolved, adaptive=adaptive, probes=probes, seeds=(0, 4), controls=())
            jobs = [j for j in Transfer().jobs(asked) if j.probe == "transfer"]
            rounds[adaptive, len(probes)] = {j.condition_key: j.round for j in jobs}
    assert rounds[False, 1] == rounds[False, 2] == rounds[True, 1]
    assert set(rounds[True, 1].values()) == {0, 1}
    assert rounds[True, 2] == {key: x + 1 for key, x in rounds[True, 1].items()}
