"""The embedded model: what is in the package, and that its card is right."""

import math
import re
from pathlib import Path
from typing import Any

import pytest

from xlbench.contracts import BaseModel, MaskedLM
from xlbench_models import pretrain_tiny, tiny
from xlbench_models.tiny_architectures import ARCHITECTURES, LONGEST
from xlbench_tasks.artificial.data import ArtificialData, ArtificialText
from xlbench_tasks.artificial.tree import LEAVES

MODEL: BaseModel = next(iter(tiny.xlbench_models()))
FOLDER = Path(MODEL.checkpoint)
UNSEEN = set(LEAVES) - tiny.PRETRAINING_LANGUAGES


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)


@pytest.fixture(scope="module")
def model() -> Any:
    from transformers import AutoModelForMaskedLM

    return AutoModelForMaskedLM.from_pretrained(FOLDER, local_files_only=True, use_safetensors=True).eval()


def test_it_is_small_and_safe(model: Any) -> None:
    assert model.num_parameters() <= 2_000_000
    files = [x for x in FOLDER.rglob("*") if x.is_file()]
    assert sum(x.stat().st_size for x in files) <= 8_000_000
    assert {x.suffix for x in files} == {".json", ".md", ".safetensors", ".txt"}


def test_the_whole_checkpoint_is_used() -> None:
    from transformers import AutoModelForMaskedLM

    _, info = AutoModelForMaskedLM.from_pretrained(FOLDER, local_files_only=True, output_loading_info=True)
    assert not any(info.values())


def test_at_least_four_languages_are_unseen_in_several_families() -> None:
    assert MODEL.pretraining_languages is not None
    assert set(LEAVES) > MODEL.pretraining_languages
    assert len(UNSEEN) >= 4
    assert len({LEAVES[x].family.name for x in UNSEEN}) == 4
    # Some unseen languages have a seen sister, others have none; and every script was seen.
    sister_seen = {
        any(LEAVES[y].lineage[0] is LEAVES[x].lineage[0] for y in tiny.PRETRAINING_LANGUAGES) for x in UNSEEN
    }
    assert sister_seen == {True, False}
    scripts = {LEAVES[x].script for x in tiny.PRETRAINING_LANGUAGES}
    assert scripts == {x.script for x in LEAVES.values()}


@pytest.mark.parametrize("code", LEAVES)
def test_no_letter_is_unknown_and_nearly_nothing_too_long(code: str, tokenizer: Any) -> None:
    lines = [*ArtificialText().lines(code, 500)]
    pairs = [x.texts for x in ArtificialData("nli").examples(code, "test")]  # type: ignore[union-attr]
    tokens = [*tokenizer(lines)["input_ids"], *tokenizer([tuple(x) for x in pairs])["input_ids"]]
    assert not any(tokenizer.unk_token_id in x for x in tokens)
    assert tokenizer.model_max_length == LONGEST
    assert sum(len(x) > tokenizer.model_max_length for x in tokens) < 0.05 * len(tokens)


def test_the_card_says_what_is_measured(model: Any, tokenizer: Any) -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (q\w\w) .*\| ([\d.]+) \| [\d.]+ \| [\d.]+ \|$", card, re.MULTILINE))
    assert set(rows) == set(LEAVES)
    seed = int(re.search(r"--seed (\d+)", card)[1])  # type: ignore[index]
    for code in ("qaa", "qah"):
        found, _ = pretrain_tiny.held_out_loss(ARCHITECTURES["bert"], model, tokenizer, code, seed)
        assert found == pytest.approx(float(rows[code]), abs=0.02)
    seen = [float(rows[x]) for x in tiny.PRETRAINING_LANGUAGES]
    unseen = [float(rows[x]) for x in UNSEEN]
    assert max(seen) < min(unseen)
    assert max(seen) < math.log(len(tokenizer)) / 2
    assert "apache-2.0" in card
    assert f"python -m {pretrain_tiny.__name__} OUT --architecture bert \\\n" in card


def test_what_it_knows_transfers(model: Any, tokenizer: Any) -> None:
    """A linear probe for parts of speech, of two seen languages, reads others: neither nothing nor all."""
    import numpy as np
    import torch
    from sklearn.linear_model import LogisticRegression

    def vectors(code: str, split: Any) -> tuple[Any, list[str]]:
        rows, tags = [], []
        for x in ArtificialData("pos").examples(code, split, 150):
            encoded = tokenizer(list(x.words), is_split_into_words=True, return_tensors="pt")  # type: ignore[union-attr]
            with torch.inference_mode():
                hidden = model.bert(**encoded).last_hidden_state[0]
            words = encoded.word_ids()
            rows += [hidden[words.index(i)].numpy() for i in range(len(x.words))]  # type: ignore[union-attr]
            tags += x.tags  # type: ignore[union-attr]
        return np.stack(rows), tags

    (a, one), (b, two) = vectors("qaa", "train"), vectors("qag", "train")
    probe = LogisticRegression(max_iter=200).fit(np.concatenate([a, b]), one + two)
    scores = {x: probe.score(*vectors(x, "test")) for x in ("qaa", "qab", "qah", "qap")}
    assert scores["qaa"] > 0.85
    assert 0.4 < scores["qab"] < 0.995
    assert 0.35 < scores["qah"] < 0.99
    assert 0.2 < scores["qap"] < 0.95


def test_the_default_study_can_show_who_helps_whom() -> None:
    """Two unseen sisters, an unrelated language, both readings, and what all checks of a page need."""
    study = MODEL.defaults
    assert study.tasks == ("pos", "lm")
    assert set(study.data) == {"pos", "ner", "nli", "lm"}, "others have data where they are asked for"
    assert study.text == "artificial"
    one, two, other = (LEAVES[x] for x in study.transfer)
    assert one.lineage[0] is two.lineage[0]
    assert other.family is not one.family
    assert {one.code, two.code} <= UNSEEN
    assert set(study.transfer) <= set(study.targets)
    assert set(study.targets) & tiny.PRETRAINING_LANGUAGES
    assert set(study.train_languages) == tiny.PRETRAINING_LANGUAGES
    assert len(study.seeds) == len(study.adapter_seeds) == 3
    assert study.readings == ("put-back", "retrained")
    assert study.controls == ("reference", "shuffled")
    assert study.reference in study.transfer, "the reference costs no run of its own"
    MaskedLM(**study.mlm)  # type: ignore[arg-type]
