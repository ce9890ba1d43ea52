"""Ratings of pairs and retrieval of translations, against computations of another kind."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from architectures import write
from made import Made, study_over
from scipy.stats import spearmanr

from xlbench.contracts import Example, Rated, Resolved, Split, Translated
from xlbench.lab import Lab
from xlbench.metrics import score_of
from xlbench.models.architectures import family_of

Make = Callable[[Resolved], Lab]


@pytest.fixture
def make(checkpoint: Path, tmp_path: Path) -> Make:
    return lambda study: Lab(study, str(checkpoint), tmp_path / "adapters", device="cpu", threads=1)


def vectors(lab: Lab, texts: list[str]) -> np.ndarray:
    """Means of the last hidden states at the tokens of each text, read alone, special tokens left out."""
    found = []
    for text in texts:
        (encoding,) = lab.encoder.tokenizer([text], truncation=True, max_length=48).encodings
        with torch.no_grad():
            hidden = lab.encoder.body(input_ids=torch.tensor([encoding.ids])).last_hidden_state[0]
        own = [i for i, special in enumerate(encoding.special_tokens_mask) if not special]
        found.append(hidden.double().numpy()[own].mean(axis=0))
    return np.stack(found)


ROUNDING = 1e-6
"""Of a cosine of vectors in float32. Fine-tuned vectors lie so close together that the two best translations
of a text may differ by less: which of them is found is then a matter of what else is in its batch."""


def brute(lab: Lab, examples: list[Translated]) -> list[dict[str, float]]:
    """The cosine of each text with each translation, one pair at a time."""
    queries = vectors(lab, [x.text for x in examples])
    pool = vectors(lab, [x.translation for x in examples])
    return [
        {
            y.translation: float(query @ x / np.sqrt((query @ query) * (x @ x)))
            for x, y in zip(pool, examples, strict=True)
        }
        for query in queries
    ]


def test_retrieval_is_the_nearest_translation_by_brute_force(make: Make, checkpoint: Path) -> None:
    """On the pretrained and on fine-tuned weights, without an adapter."""
    study = study_over(checkpoint, ("translations", "tags"))
    study = dataclasses.replace(study, mlm=dataclasses.replace(study.mlm, learning_rate=1e-2))
    lab = make(study)
    lab.task_adapter("tags")  # one that is in memory changes nothing
    cells = study.cells("translations")
    scores, before, beaten = [], vectors(lab, ["ana beka"]), 0
    for finetuned in (False, True):
        if finetuned:
            lab.finetune("qab", steps=8, seed=0)
        for cell, evaluation, predicted in zip(cells, lab.evaluate(cells), lab.predict(cells), strict=True):
            examples: Any = list(study.examples("translations", cell.target, "test"))
            for (found,), cosines in zip(predicted, brute(lab, examples), strict=True):
                assert cosines[found] == pytest.approx(max(cosines.values()), abs=ROUNDING)
                beaten += sum(x < cosines[found] - ROUNDING for x in cosines.values())
            right = [x == y.translation for (x,), y in zip(predicted, examples, strict=True)]
            scores.append(float(score_of(study.tasks["translations"].metric.score, evaluation.counts)))
            assert scores[-1] == pytest.approx(100 * np.mean(right))
            assert evaluation.counts[:, 0].tolist() == right
    assert beaten > 0.95 * 4 * 25 * 23  # ties are few
    assert min(scores) < 100  # not trivial
    assert np.mean(scores) > 3 * 100 / 25  # nor chance
    assert np.abs(vectors(lab, ["ana beka"]) - before).max() > 0.01
    assert not lab.resolved.has_adapter("translations")


class Repeated(Made):
    """The pool has one text twice."""

    def examples(self, language: str, split: Split, limit: int | None = None) -> list[Example]:
        first, *rest = super().examples(language, split, limit)
        assert isinstance(first, Translated)
        return [first, *rest, dataclasses.replace(first, text=first.translation)]


def test_equal_texts_of_the_pool_are_one_answer(make: Make, checkpoint: Path) -> None:
    study = study_over(checkpoint, ("translations",))
    study = dataclasses.replace(study, data={"translations": Repeated("translations")})
    lab = make(study)
    (cell, _), (evaluation, _) = study.cells("translations"), lab.evaluate(study.cells("translations"))
    assert evaluation.counts[-1].tolist() == [1, 1]  # the text itself, whichever of its two rows
    assert lab.majority([cell]) == [pytest.approx(100 * 2 / len(evaluation.counts))]


def test_ratings_are_learned_and_scored_as_scipy_does(make: Make, checkpoint: Path) -> None:
    study = study_over(checkpoint, ("ratings",))
    how = dataclasses.replace(study.training["ratings"], epochs=25, learning_rate=1e-2)
    study = dataclasses.replace(study, training={"ratings": how})
    lab = make(study)
    folder = lab.task_adapter("ratings")
    cells = study.cells("ratings")
    metric = study.tasks["ratings"].metric
    for cell, evaluation, predicted in zip(cells, lab.evaluate(cells), lab.predict(cells), strict=True):
        examples: Any = list(study.examples("ratings", cell.target, "test"))
        alone = []
        for x in examples:
            batch = lab.encoder.tokenizer(*x.texts, truncation=True, max_length=48, return_tensors="pt")
            with torch.no_grad():
                output = lab.encoder.model(
                    input_ids=batch["input_ids"], token_type_ids=batch["token_type_ids"]
                )
            alone.append(float(output.logits))
        assert [x for (x,) in predicted] == pytest.approx(alone, abs=1e-4)
        expected = 100 * spearmanr([x.rating for x in examples], [x for (x,) in predicted]).statistic
        assert float(score_of(metric.score, evaluation.counts)) == pytest.approx(expected)
        assert expected > 30
    assert lab.majority(cells) == [0.0, 0.0]
    again = make(study)
    assert again.task_adapter("ratings") == folder
    assert "train adapter" not in again.take_seconds()
    assert again.predict(cells) == lab.predict(cells)


def test_the_loss_of_ratings_is_the_mean_squared_error(make: Make, checkpoint: Path) -> None:
    study = study_over(checkpoint, ("ratings",))
    lab, task = make(study), study.tasks["ratings"]
    lab.task_adapter("ratings")
    (cell, _) = study.cells("ratings")
    kind, encoded = lab.inputs.kind(task), lab.encoded("ratings", cell.target, "test")
    _, batches = lab.stream((cell,))
    targets = kind.targets(task, [encoded])
    (predicted,) = lab.predict([cell])
    lab.encoder.train_task_adapter("ratings")
    lab.encoder.model.eval()
    for batch in batches:
        loss = kind.loss(lab.encoder, task, batch, targets)
        gold = np.array([encoded.gold[i][0] for i in batch.members])
        said = np.array([predicted[i][0] for i in batch.members])
        assert loss.item() == pytest.approx(np.mean((gold - said) ** 2), rel=1e-5)
        assert kind.places(batch, targets) == len(batch.members)


@pytest.mark.parametrize("name", ["llama", "mt5"])
def test_models_of_every_family_have_both(name: str, tmp_path: Path) -> None:
    """Read at the right tokens whatever else is in the batch; a head that is kept is found again."""
    checkpoint = write(name, tmp_path / "checkpoint")
    study = study_over(checkpoint, ("ratings", "translations"))
    family = family_of(json.loads((checkpoint / "config.json").read_text()))
    study = dataclasses.replace(study, family=family)
    wide, narrow = (
        Lab(study, str(checkpoint), tmp_path / "adapters", device="cpu", threads=1, batch_tokens=x)
        for x in (5000, 1)
    )
    wide.task_adapter("ratings")
    narrow.task_adapter("ratings")
    for task in ("ratings", "translations"):
        cells = study.cells(task)
        ours, theirs = ([x for cell in lab.predict(cells) for (x,) in cell] for lab in (wide, narrow))
        assert ours == (pytest.approx(theirs, abs=1e-4) if task == "ratings" else theirs)
        assert len(set(ours)) > 5


def test_what_is_no_rated_pair_is_told() -> None:
    task: Any = None
    assert Rated(("a", "b"), 0.5).fault(task) == ""
    assert Rated(("a", "b"), float("nan")).fault(task) == "the rating nan, which is no finite number"
    assert Rated(("a",), 1.0).fault(task) == "1 texts where 2 are due"  # type: ignore[arg-type]
