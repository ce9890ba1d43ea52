"""How far finetuning moves a model: against independent computations, and without changing anything."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from made import study_over
from numpy.typing import NDArray

from xlbench.contracts import Evaluation, Resolved
from xlbench.lab import Lab
from xlbench.lab.movement import SENTENCES, linear_cka, spread_over
from xlbench_probes.transfer import Transfer


@pytest.fixture
def make(resolved: Resolved, checkpoint: Path, tmp_path: Path) -> Callable[..., Lab]:
    def build(study: Resolved = resolved, folder: str = "adapters") -> Lab:
        return Lab(study, str(checkpoint), tmp_path / folder, device="cpu", threads=1)

    return build


def counts(found: list[Evaluation]) -> list[list[list[int]]]:
    return [x.counts.tolist() for x in found]


def gram_cka(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """By the definition over examples (HSIC of centred Gram matrices), not over features."""
    n = len(x)
    centre = np.eye(n) - 1 / n
    k, m = centre @ x @ x.T @ centre, centre @ y @ y.T @ centre
    return float((k * m).sum() / np.sqrt((k * k).sum() * (m * m).sum()))


def test_cka_is_the_definition_and_blind_to_rotation_and_scale() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)), rng.normal(size=(40, 9))
    assert linear_cka(x, y) == pytest.approx(gram_cka(x, y))
    turn, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    assert linear_cka(x, 3 * x @ turn + 7) == pytest.approx(1)
    assert linear_cka(x, np.ones((40, 6))) == 0


@pytest.mark.parametrize("languages", [1, 3, 7, SENTENCES, 2 * SENTENCES])
def test_the_sample_is_shared_out_evenly(languages: int) -> None:
    found = spread_over(languages)
    assert (len(found), sum(found)) == (languages, SENTENCES)
    assert max(found) - min(found) <= 1


@pytest.mark.parametrize("task", ["tags", "pairs", "trees", "questions"])
def test_both_numbers_are_those_of_an_independent_computation(
    make: Callable[..., Lab], checkpoint: Path, task: str
) -> None:
    study = study_over(checkpoint, [task])
    study = dataclasses.replace(study, mlm=dataclasses.replace(study.mlm, learning_rate=0.01))
    lab = make(study)
    assert lab.moved(task) == {}, "nothing has moved"
    before = lab.encoder.weights()
    batches = lab.inputs.sample(task, study)

    def vectors() -> NDArray[np.float64]:
        lab.encoder.use_no_adapter()
        with torch.no_grad():
            rows = [lab.encoder.hidden(x)[row, : int(x.attention[row].sum())]
                    for x in batches for row in range(len(x.ids))]  # fmt: skip
        return torch.cat(rows).double().numpy()

    old = vectors()
    lab.finetune("qaa", steps=3, seed=0)
    after = lab.encoder.weights()
    change = np.concatenate([(after[n] - before[n]).numpy().ravel() for n in before])
    start = np.concatenate([x.numpy().ravel() for x in before.values()])
    new = vectors()
    found = lab.moved(task)
    assert np.array_equal(vectors(), new), "measuring leaves the model as it was"
    assert found["weights_moved"] == pytest.approx(np.linalg.norm(change) / np.linalg.norm(start), rel=1e-5)
    assert found["cka"] == pytest.approx(gram_cka(old, new), rel=1e-6)
    assert 0 < found["cka"] < 0.9999
    assert sum(len(x.ids) for x in batches) >= SENTENCES


def test_measuring_changes_no_weight_and_no_score(make: Callable[..., Lab], resolved: Resolved) -> None:
    constant = dataclasses.replace(resolved, mlm=dataclasses.replace(resolved.mlm, schedule="constant"))

    def course(measure: bool) -> tuple[list[object], dict[str, torch.Tensor]]:
        lab, found = make(constant, str(measure)), list[object]()
        lab.task_adapter("tags")
        for steps in (2, 4):
            lab.finetune("qaa", steps=steps, seed=0)
            if measure:
                assert lab.moved("tags").keys() == {"weights_moved", "cka"}
                assert lab._is_untouched()
            found.append(counts(lab.evaluate(resolved.cells("tags"))))
        lab.retrain("tags")
        if measure:
            lab.moved("tags")
        return [*found, counts(lab.evaluate(resolved.cells("tags")))], lab.encoder.weights()

    (one, weights), (other, same) = course(False), course(True)
    assert one == other
    assert all(torch.equal(weights[x], same[x]) for x in weights)


def test_a_state_is_measured_once_and_every_state_anew(
    make: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = make()
    passes: list[int] = []
    real = lab.encoder.hidden
    monkeypatch.setattr(lab.encoder, "hidden", lambda batch: (passes.append(1), real(batch))[1])
    lab.finetune("qaa", steps=1, seed=0)
    first = lab.moved("tags")
    once = len(passes)
    assert lab.moved("tags") == first
    assert len(passes) == once > 0, "and the pretrained vectors once"
    lab.finetune("qaa", steps=3, seed=0)
    assert lab.moved("tags")["weights_moved"] > first["weights_moved"]
    lab.finetune("qaa", steps=1, seed=0)
    assert lab.moved("tags") == first


def test_a_transfer_job_stores_them_with_each_cell_and_keeps_its_identity(
    make: Callable[..., Lab], resolved: Resolved
) -> None:
    lab = make()
    job = next(x for x in Transfer().jobs(resolved) if x.probe == "transfer" and x.cells[0].task == "tags")
    identity = job.identity
    found = list(Transfer().run(job, lab))
    moved = lab.moved("tags")
    assert all(moved.items() <= x.extra.items() for x in found)
    assert job.identity == identity
    assert all(not moved.keys() & x.extra.keys() for x in lab.evaluate(job.cells))
