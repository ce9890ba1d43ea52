"""What is known of the artificial languages comes back when `tiny` is measured with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xlbench import Study, plugins
from xlbench.contracts import Composition, Resolved
from xlbench.lab import Lab
from xlbench.resolve import resolve
from xlbench_models.tiny import PRETRAINING_LANGUAGES

UNSEEN = ("qag", "qah")
"""Toruk and Turoki: sisters in one script, neither in the pretraining."""
OTHERS = ("qaa", "qam")
"""Arvel and Kirulan: of other families, in other scripts."""


def study(**changes: object) -> Resolved:
    asked = Study(probes=("transfer",), transfer=("qaa",), **changes)  # type: ignore[arg-type]
    return resolve(asked, plugins.load())


def gains(lab: Lab, text: str, steps: int, variant: str = "plain") -> dict[str, float]:
    """Bits per character that targets gain in likelihood with a text."""
    cells, metric = lab.resolved.cells("lm"), lab.resolved.tasks["lm"].metric

    def scores() -> dict[str, float]:
        found = lab.evaluate(cells)
        return {x.cell.target: float(metric.score(x.counts.sum(0, dtype=np.float64))) for x in found}

    lab.restore()
    before = scores()
    lab.finetune(text, steps=steps, seed=0, variant="shuffled" if variant == "shuffled" else "plain")
    return {g: x - before[g] for g, x in scores().items()}


def lab_of(found: Resolved, folder: Path) -> Lab:
    return Lab(found, found.model.checkpoint, folder, device="cpu", threads=1)


def test_a_few_steps_on_own_text_gain_most_then_on_the_sisters_and_nothing_on_others(tmp_path: Path) -> None:
    lab = lab_of(study(tasks=("lm",), targets=("qah",), limit=12, mlm={"lines": 300}), tmp_path)
    found = {text: gains(lab, text, 15)["qah"] for text in (*UNSEEN, "qam")}
    assert found["qah"] > found["qag"] + 0.1
    assert found["qag"] > found["qam"] + 0.5
    assert abs(found["qam"]) < 0.2


@pytest.mark.slow
def test_own_text_gains_most_then_the_sister_in_the_same_script_then_others(tmp_path: Path) -> None:
    """For both, once the run has seen as much text as tells two sisters apart."""
    lab = lab_of(study(tasks=("lm",), targets=UNSEEN, limit=50), tmp_path)
    by_text = {text: gains(lab, text, 300) for text in (*UNSEEN, *OTHERS)}
    for target, sister in (UNSEEN, UNSEEN[::-1]):
        own, related = by_text[target][target], by_text[sister][target]
        assert own > related + 0.03
        assert related > max(by_text[x][target] for x in OTHERS) + 1


@pytest.mark.slow
def test_retrained_task_adapters_show_who_helps_where_those_put_back_do_not(tmp_path: Path) -> None:
    """Two seeds of fine-tuning, a task adapter of all ten languages of the pretraining, parts of speech."""
    found = study(
        tasks=("pos",), targets=UNSEEN, limit=300, train_languages=tuple(sorted(PRETRAINING_LANGUAGES)),
        adapter={"examples": 2000, "limit": 2000}, mlm={"learning_rate": 2e-4},
    )  # fmt: skip
    lab, cells, metric = lab_of(found, tmp_path), found.cells("pos"), found.tasks["pos"].metric

    def scores() -> dict[str, float]:
        return {x.cell.target: float(metric.score(x.counts.sum(0) * 1.0)) for x in lab.evaluate(cells)}

    lab.task_adapter("pos")
    before = scores()
    effect: dict[tuple[str, str], float] = {}
    gain: dict[tuple[str, str], float] = {}
    for text, variant in (("qag", "plain"), ("qah", "plain"), ("qam", "plain"), ("qah", "shuffled")):
        name = text if variant == "plain" else "shuffled"
        for seed in (0, 1):
            lab.task_adapter("pos")
            lab.finetune(text, steps=100, seed=seed, variant="shuffled" if name == "shuffled" else "plain")
            put_back = scores()
            lab.retrain("pos")
            for g, after in scores().items():
                effect[name, g] = effect.get((name, g), 0) + (put_back[g] - before[g]) / 2
                gain[name, g] = gain.get((name, g), 0) + (after - before[g]) / 2
    for target in UNSEEN:
        assert min(gain["qag", target], gain["qah", target]) > 1
        assert min(gain["qag", target], gain["qah", target]) > gain["qam", target] + 1
        assert abs(gain["qam", target]) < 1.5
        assert effect["shuffled", target] < -4
        assert gain["shuffled", target] > effect["shuffled", target] + 4
        assert gain["shuffled", target] < gain["qah", target]
    assert effect["qah", "qah"] < -1 < gain["qah", "qah"]


@pytest.mark.slow
def test_an_own_adapter_costs_a_training_language_less_where_the_task_adapter_has_seen_one(
    tmp_path: Path,
) -> None:
    """And one that it has not seen nearly as much: the loss of an unseen language is not of the order."""
    languages = ("qaa", "qae", "qam")
    found = study(
        tasks=("pos",), targets=(*languages, "qah"), limit=150, train_languages=languages,
        language_training={"steps": 200},
    )  # fmt: skip
    lab, metric = lab_of(found, tmp_path), found.tasks["pos"].metric
    lab.task_adapter("pos")
    cells = found.cells("pos")
    before = {x.cell.target: float(metric.score(x.counts.sum(0) * 1.0)) for x in lab.evaluate(cells)}
    cost: dict[str, dict[str, float]] = {"plain": {}, "mad-x": {}}
    for order, own in cost.items():
        for seed in (0, 1):
            ordered = found.ordered("mad-x" if order == "mad-x" else "plain", seed)
            lab.task_adapter("pos", ordered.training["pos"])
            for cell in cells:
                under = Composition((found.language_adapter(cell.target, seed),))
                (after,) = lab.evaluate([cell], under)
                score = float(metric.score(after.counts.sum(0) * 1.0))
                own[cell.target] = own.get(cell.target, 0) + (score - before[cell.target]) / 2
    plain, ordered_ = (np.mean([own[x] for x in languages]) for own in cost.values())
    assert plain < -0.5 < ordered_
    assert max(cost["plain"]["qah"], cost["mad-x"]["qah"]) < -8
