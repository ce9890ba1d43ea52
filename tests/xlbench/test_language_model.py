"""The likelihood of text in the Lab, against transformers' own masked language model, one input at a time."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from made import Made, MadeText, sentence, study_over

from xlbench.contracts import Line, Resolved, Task
from xlbench.lab import Lab
from xlbench.lab.kinds import language_model
from xlbench.metrics import log_likelihood
from xlbench_probes.zero_shot import ZeroShot

UNKNOWN = "ŵŵ"


def line(number: int) -> Line:
    """Lines of 1 to 7 words; every fifth has a word that the tokenizer does not know."""
    text = " ".join(sentence(number, 1 + number % 7).words)
    return Line(f"{text} {UNKNOWN}" if number % 5 == 0 else text)


class Lines(Made):
    def examples(self, language: str, split: str, limit: int | None = None) -> list[Line]:  # type: ignore[override]
        start = 0 if language == "qaa" else 500
        return [line(start + i) for i in range(12)][:limit]


@pytest.fixture(scope="module")
def study(checkpoint: Path) -> Resolved:
    made = study_over(checkpoint, ("tags",))
    task = Task(
        "text", 1, "", "language-model", (), log_likelihood(), None, 48, "made", lambda x: Lines("text")
    )
    return replace(
        made,
        tasks={**made.tasks, "text": task},
        data={**made.data, "text": Lines("text")},
        targets={**made.targets, "text": ("qaa", "qab")},
    )


@pytest.fixture
def lab(study: Resolved, checkpoint: Path, tmp_path: Path) -> Lab:
    return Lab(study, str(checkpoint), tmp_path / "adapters", device="cpu", threads=1)


def plain(checkpoint: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    model = AutoModelForMaskedLM.from_pretrained(checkpoint).eval()
    return model, AutoTokenizer.from_pretrained(checkpoint)


def known_at(tokenizer: Any, text: str, position: int) -> bool:
    """Whether the token there is neither special nor unknown."""
    return tokenizer(text)["input_ids"][position] not in tokenizer.all_special_ids


def test_every_known_token_is_masked_once_and_words_are_masked_whole(lab: Lab) -> None:
    found = lab.encoded("text", "qaa", "test")
    tokenizer = lab.encoder.tokenizer
    assert isinstance(found, language_model.Masked)
    for number in range(12):
        text = line(number).text
        encoding = tokenizer(text)
        inputs = [i for i, owner in enumerate(found.example) if owner == number]
        known = {
            encoding.word_ids()[p] for p in range(len(encoding["input_ids"])) if known_at(tokenizer, text, p)
        }
        assert len(inputs) == min(5, len(known))
        assert all(found.ids[i].tolist() == encoding["input_ids"] for i in inputs)
        masked = Counter(int(p) for i in inputs for p in found.places[i])
        assert masked == {p: 1 for p in range(len(encoding["input_ids"])) if known_at(tokenizer, text, p)}
        together = [{encoding.word_ids()[p] for p in found.places[i]} for i in inputs]
        assert sum(len(x) for x in together) == len(set().union(*together))
        assert max(map(len, together)) - min(map(len, together)) <= 1


def test_the_likelihood_is_that_of_transformers(lab: Lab, checkpoint: Path) -> None:
    model, tokenizer = plain(checkpoint)
    cells = lab.resolved.cells("text")
    for cell, predicted in zip(cells, lab.predict(cells), strict=True):
        encoded = lab.encoded("text", cell.target, "test")
        expected = np.zeros(12)
        for ids, places, owner in zip(encoded.ids, encoded.places, encoded.example, strict=True):  # type: ignore[attr-defined]
            masked = torch.tensor(ids.astype(np.int64))[None]
            masked[0, places] = tokenizer.mask_token_id
            with torch.no_grad():
                logs = torch.log_softmax(model(input_ids=masked).logits[0], -1)
            expected[owner] -= sum(float(logs[p, ids[p]]) for p in places)
        np.testing.assert_allclose([x.nats for x in predicted], expected, rtol=1e-4)
        for number, one in enumerate(predicted):
            text = encoded.gold[number]
            assert one.characters == len(text) - (len(UNKNOWN) if UNKNOWN in text else 0)
            known = [x for x in tokenizer(text)["input_ids"] if x not in tokenizer.all_special_ids]
            assert one.tokens == len(known)


def test_scores_are_bits_per_character_and_the_baseline_knows_the_vocabulary_alone(lab: Lab) -> None:
    cells = lab.resolved.cells("text")
    metric = lab.resolved.tasks["text"].metric
    for evaluation, predicted, majority in zip(
        lab.evaluate(cells), lab.predict(cells), lab.majority(cells), strict=True
    ):
        nats, tokens = sum(x.nats for x in predicted), sum(x.tokens for x in predicted)
        characters = sum(x.characters for x in predicted)
        sums = evaluation.counts.sum(0, dtype=np.float64)
        assert float(metric.score(sums)) == pytest.approx(-nats / math.log(2) / characters, rel=1e-5)
        size = len(lab.encoder.tokenizer)
        assert majority == pytest.approx(-math.log2(size) * tokens / characters, rel=1e-5)
        ((name, per_token),) = metric.others
        assert float(per_token(sums)) == pytest.approx(-nats / tokens, rel=1e-5), name
        assert evaluation.truncated == len(UNKNOWN) * sum(UNKNOWN in x.text for x in map(line, range(12)))


def test_what_is_cut_off_is_neither_scored_nor_counted(
    study: Resolved, checkpoint: Path, tmp_path: Path
) -> None:
    short = replace(study, tasks={**study.tasks, "text": replace(study.tasks["text"], max_length=10)})
    lab = Lab(short, str(checkpoint), tmp_path, device="cpu", threads=1)
    tokenizer = lab.encoder.tokenizer
    cells = lab.resolved.cells("text")[:1]
    (evaluation,), (predicted,) = lab.evaluate(cells), lab.predict(cells)
    lost = 0
    for number, one in enumerate(predicted):
        text = line(number).text
        encoding = tokenizer(text, truncation=True, max_length=10, return_offsets_mapping=True)
        ends = [end for _, end in encoding["offset_mapping"]]
        kept = text[: max(ends)] if len(tokenizer(text)["input_ids"]) > 10 else text
        assert one.characters == len(kept.replace(UNKNOWN, ""))
        lost += len(text) - one.characters
    assert evaluation.truncated == lost > 0


@given(st.lists(st.integers(1, 20), max_size=40))
def test_groups_divide_any_text(lengths: list[int]) -> None:
    words = [word for word, n in enumerate(lengths) for _ in range(n)]
    tokens = list(enumerate(words, 1))
    found = language_model._groups(tokens)
    assert sorted(int(p) for x in found for p in x) == [p for p, _ in tokens]
    assert len(found) <= language_model.PATTERNS
    assert all(len(x) for x in found)
    masked = {int(p): number for number, x in enumerate(found) for p in x}
    for n, word in zip(lengths, range(len(lengths)), strict=True):
        if n <= language_model.LONGEST:
            assert len({masked[p] for p, w in tokens if w == word}) == 1


def test_batches_and_blocks_of_the_vocabulary_change_nothing_but_rounding(
    study: Resolved, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = study.cells("text")
    many = Lab(study, str(checkpoint), tmp_path, device="cpu", threads=1).predict(cells)
    monkeypatch.setattr(language_model, "LOGITS", 150)  # two tokens at a time
    one = Lab(study, str(checkpoint), tmp_path, device="cpu", threads=1, batch_tokens=1).predict(cells)
    for a, b in zip(many, one, strict=True):
        np.testing.assert_allclose([x.nats for x in a], [x.nats for x in b], rtol=1e-4)


def test_no_adapter_takes_part(lab: Lab, study: Resolved) -> None:
    """The likelihood is the same after another task's adapter has been used, and it needs none."""
    cells = study.cells("text")
    before = lab.predict(cells)
    assert lab.task_adapter("text") is None
    lab.task_adapter("tags")
    lab.evaluate(study.cells("tags"))
    assert lab.predict(cells) == before
    lab.finetune("qaa", steps=3, seed=0)
    assert lab.predict(cells) != before
    lab.restore()
    assert lab.predict(cells) == before


def test_jobs_share_no_adapter_and_its_identity_is_its_own(study: Resolved) -> None:
    job = ZeroShot().job(study, "text")
    assert not job.shares
    assert job.condition["adapter"] == {"task": "text", "task_version": 1, "max_length": 48}
    assert job.cost.evaluate_examples == 24
    changed = replace(study.tasks["text"], max_length=20)
    other = ZeroShot().job(replace(study, tasks={**study.tasks, "text": changed}), "text")
    assert other.condition_key != job.condition_key
    assert isinstance(study.corpus, MadeText)


def test_its_loss_has_the_gradient_of_nats_per_token(study: Resolved, lab: Lab) -> None:
    """By a central difference along one direction of the weights."""
    cells = study.cells("text")

    def loss() -> np.ndarray:
        sums = [x.counts.sum(axis=0) for x in lab.evaluate(cells)]
        return np.array([nats / tokens for nats, _, tokens in sums])

    rng = torch.Generator().manual_seed(0)
    steps = [torch.randn(p.shape, generator=rng) * 2e-3 for p in lab.encoder.own]
    found = []
    for sign in (1, -1):
        with torch.no_grad():
            for p, step in zip(lab.encoder.own, steps, strict=True):
                p.add_(sign * step)
        found += [loss(), lab.along(cells)]
        lab.encoder.restore()
    up, said, down, _ = found
    assert np.abs(said).min() > 1e-3
    assert said == pytest.approx((up - down) / 2, rel=0.02)
