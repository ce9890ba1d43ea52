"""What the benchmarks count with: operations of a model, and seconds of a process that is held."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertForMaskedLM

from benchmarks import foresight, made, recommend, roof
from benchmarks.gpu import agreement, carry, paper
from benchmarks.gpu.material import TASK, Material, Size
from benchmarks.gpu.speed import Costs
from benchmarks.machine import Held
from benchmarks.parsing import _is_tree
from xlbench.contracts import Study
from xlbench.errors import StudyError
from xlbench.lab import Lab
from xlbench.scores.predict import Predictor


def test_operations_are_those_that_torch_counts() -> None:
    shape = made.Shape(2, 32, 100)
    config = BertConfig(
        vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
        attn_implementation="eager",
    )  # fmt: skip
    model = BertForMaskedLM(config)
    ids, picked = torch.ones(3, 20, dtype=torch.long), 7
    with FlopCounterMode(display=False) as counted:
        hidden = model.bert(input_ids=ids)[0]
    assert counted.get_total_flops() == roof.forward(shape, 3, 20)
    with FlopCounterMode(display=False) as head:
        model.cls(hidden.reshape(-1, 32)[:picked])
    assert roof.finetuning(shape, 3, 20, picked) == 3 * (counted.get_total_flops() + head.get_total_flops())


def test_a_held_process_is_charged_for_what_it_ran() -> None:
    work = "import time\nwhile time.process_time() < 0.5: pass"
    start = time.perf_counter()
    held = Held([sys.executable, "-c", work], threads=1)
    held.hold()
    time.sleep(0.3)
    assert held.usage is None
    held.go_on(float("inf"))
    assert held.usage is not None
    assert 0.4 < held.usage.cpu < 5
    assert held.usage.wall < time.perf_counter() - start - 0.25


def test_trees() -> None:
    assert _is_tree([0, 1, 1, 3])
    assert not _is_tree([0, 0, 1])  # two roots
    assert not _is_tree([0, 3, 2])  # a cycle
    assert not _is_tree([1, 1])  # none at the root


def test_the_paper_sized_study_is_the_sum_of_its_parts() -> None:
    costs = Costs(start=0.5, step=0.02, sentence=0.0001)
    said = paper.extrapolated(costs, overhead=0.001)
    # Section 5 of the protocol: 1,520 fine-tunings of 38 languages; 462 cells each.
    hours = {
        "starts": 1520 * 0.5 / 3600,
        "steps": 38 * 10 * 1111 * 0.02 / 3600,
        "evaluation": 1520 * 462 * (142_730 / 114) * 0.0001 / 3600,
        "bookkeeping": 1520 * 462 * 0.001 / 3600,
    }
    for name, value in hours.items():
        assert said[name].endswith(f" = {value:.1f} h")
    assert float(said["in all"].removesuffix(" h")) == pytest.approx(sum(hours.values()), abs=0.06)
    without = paper.extrapolated(costs, overhead=None)
    assert "bookkeeping" not in without
    (total,) = (value for name, value in without.items() if name.startswith("in all, without bookkeeping"))
    assert float(total.removesuffix(" h")) == pytest.approx(
        sum(hours.values()) - hours["bookkeeping"], abs=0.06
    )


def test_two_devices_are_compared_word_by_word_and_target_by_target() -> None:
    one = agreement.Found(["A", "B", None, "A"], np.array([50.0, 75.0]))
    other = agreement.Found(["A", "A", None, "A"], np.array([50.5, 74.0]))
    said = agreement.compared(one, other)
    assert said.startswith("1 of 4 labels differ (25.0000%)")
    assert "0.750 points in the mean, 1.00 at most" in said
    with pytest.raises(ValueError, match="shorter"):
        agreement.compared(one, agreement.Found(["A"], other.scores))


def test_a_carried_checkpoint_is_the_same_in_half_precision(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "model"
    folder.mkdir()
    weights = {"a": torch.randn(40, 30), "b": torch.randn(7)}
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text("{}", "utf-8")
    carry.halved(folder, tmp_path / "half")
    back = load_file(tmp_path / "half" / "model.safetensors")
    assert {x.dtype for x in back.values()} == {torch.float16}
    assert all(torch.equal(back[name], x.half()) for name, x in weights.items())
    assert (tmp_path / "half" / "config.json").read_text("utf-8") == "{}"
    assert carry.size(tmp_path / "half") < 0.6 * carry.size(folder)


def test_what_is_compared_are_accuracies_in_points(tmp_path: Path) -> None:
    material = Material.at_random(tmp_path, made.Shape(1, 16, 300), 4)
    asked = material.study(Size(limit=4, chunk=16, steps=1, train=8))
    lab = Lab(made.resolved(asked), asked.model, tmp_path / "adapters", device="cpu", threads=1)
    lab.task_adapter(TASK)
    ((state, said),) = agreement.found(lab, [agreement.State(1, 0)], material.language)
    assert state.steps == 1
    gold = [[x for one in lab.encoded(TASK, target, "test").gold for x in one] for target in material.targets]
    labels = iter(said.labels)
    right = [[next(labels) == tag for tag in tags] for tags in gold]
    assert said.scores == pytest.approx([100 * np.mean(x) for x in right])


def test_recommendations_are_tried_on_every_published_layout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = {"en": "eng", "de": "deu", "fi": "fin", "tr": "tur", "sw": "swa", "hi": "hin"}
    rng = np.random.default_rng(2)
    score = {(f, g): round(float(rng.uniform(20, 90)), 2) for f in codes for g in codes}
    files = {
        "xpos.csv": [
            "lang_train,lang_pred,model_id,score",
            *(f"{f},{g},m,{x}" for (f, g), x in score.items()),
        ],
        "nnrank.csv": [
            "accuracy,f1,eval_file,train_file",
            *(f"1,{x},{g}_test,{f}_train" for (f, g), x in score.items()),
            "1,2,qte_tect-ud-test,en_train",
        ],
        "blood.csv": [
            "," + ",".join(codes),
            *(",".join([f, *(str(score[f, g]) for g in codes)]) for f in codes),
        ],
        "atlas.csv": [
            "Target," + ",".join(codes),
            *(",".join([g, *(str(score[f, g]) for f in codes)]) for g in codes),
        ],
    }
    paths = []
    for name, lines in files.items():
        (tmp_path / name).write_text("\n".join(lines), "utf-8")
        paths.append(str(tmp_path / name) + ("@sources" if name == "blood.csv" else ""))
    assert recommend.main(paths) == 0
    said = capsys.readouterr().out
    best = {g: max(score[f, g] for f in codes if f != g) for g in codes}
    lost = np.mean(
        [best[g] - score["en", g] if g != "en" else best[g] - np.mean([score[f, g] for f in codes if f != g])
         for g in codes]
    )  # fmt: skip
    assert said.count(f"| English | {lost:.3g} |") == 4, "English by hand, at random where it is the target"
    assert said.count("| xlbench |") == said.count("Shortlists: ") == 4
    assert "no languages: qte_tect-ud-test" in said
    assert recommend.main([paths[2].removesuffix("@sources")]) == 2
    assert "say --rows sources" in capsys.readouterr().err


def test_made_up_matrices_have_the_shares_that_they_say() -> None:
    world = recommend.World("a world", 60, 80, 0.7, 0.2, 0.0)
    panel, new = recommend.made(world, 0, 3)
    assert {g for _, g in new} == {"u00", "u01", "u02"}
    assert recommend._additive(panel) == pytest.approx(70, abs=6)
    sure, _ = recommend.made(recommend.World("no noise", 5, 10, 0.9, 0.1, 0.0), 0)
    assert sure.effects == pytest.approx({pair: 50 + sure.knowable[pair] for pair in sure.effects})
    predictor = Predictor(sure.effects, sure.features, sure.apart)
    truth = recommend.rules(sure, predictor)[recommend.TRUTH]
    assert not recommend.cost(sure, list(predictor.left_out), truth).lost.any()
    small = recommend.World("small", 5, 10, 0.8, 0.1, 0.0)
    assert recommend.trials(small, 2).startswith("| small | 5 x 10 | ")
    assert recommend.coverage(small, 1).count("|") == 6


def test_agreement_is_over_pairs_of_different_languages_and_has_an_interval_over_languages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(foresight, "DRAWS", 50)
    rng = np.random.default_rng(1)
    table = foresight.Table.of(("aaa", "aab", "aac+aad", "aae", "aaf"), ("aaa", "aad", "aae", "aag"))
    one, other = (rng.normal(size=(5, 4)) for _ in range(2))
    own = {(0, 0), (2, 1), (3, 2)}
    pairs = [(f, g) for f in range(5) for g in range(4) if (f, g) not in own]

    def correlation(of: list[tuple[int, int]]) -> float:
        return float(spearmanr([one[x] for x in of], [other[x] for x in of]).statistic)

    wanted = correlation(pairs), np.mean([correlation([x for x in pairs if x[1] == g]) for g in range(4)])
    assert table.agreement(one, other) == pytest.approx(wanted)
    assert table.said(other, other) == "1.00 [1.00, 1.00] / 1.00 [1.00, 1.00]"
    low, high = map(float, re.findall(r"-?\d\.\d\d", table.said(one, other))[1:3])
    assert low < wanted[0] < high


def test_foresight_is_measured_for_any_study_of_one_task() -> None:
    found = foresight.study(Study(tasks=("ner",), targets=("qab", "qac")))
    assert (*found.tasks, found.study.steps, found.targets["ner"]) == ("ner", (1, 10, 100), ("qab", "qac"))
    assert found.mlm.learning_rate == 5e-4
    assert found.study.readings == ("put-back",)
    with pytest.raises(StudyError, match="one task"):
        foresight.study(Study(tasks=("ner", "pos")))
