"""The embedded model: what is in the package, and that its card is right."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from xlbench.contracts import BaseModel, FinetuningSettings
from xlbench_models import pretrain_tiny, tiny
from xlbench_models.tiny_architectures import ARCHITECTURES, LONGEST, Architecture
from xlbench_tasks.artificial.data import ArtificialData, ArtificialText
from xlbench_tasks.artificial.tree import LEAVES

MODELS: dict[str, BaseModel] = {x.name: x for x in tiny.xlbench_models()}
MODEL = MODELS["tiny"]
UNSEEN = set(LEAVES) - tiny.PRETRAINING_LANGUAGES
BYTES = {"tiny": 2_100_000, "tiny-decoder": 2_000_000, "tiny-t5": 2_000_000}


class Embedded(NamedTuple):
    """A checkpoint as anyone loads it."""

    name: str
    folder: Path
    architecture: Architecture
    tokenizer: Any
    model: Any
    loading: dict[str, Any]


@pytest.fixture(scope="module", params=[name for name, x in ARCHITECTURES.items() if x.model in MODELS])
def embedded(request: pytest.FixtureRequest) -> Embedded:
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM, AutoTokenizer

    architecture = ARCHITECTURES[request.param]
    folder = Path(MODELS[architecture.model].checkpoint)
    kinds = {"bert": AutoModelForMaskedLM, "llama": AutoModelForCausalLM, "mt5": AutoModelForSeq2SeqLM}
    model, info = kinds[architecture.name].from_pretrained(
        folder, local_files_only=True, use_safetensors=True, output_loading_info=True
    )
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return Embedded(architecture.model, folder, architecture, tokenizer, model.eval(), info)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(MODEL.checkpoint, local_files_only=True)


def test_it_is_small_and_safe(embedded: Embedded) -> None:
    assert embedded.model.num_parameters() <= 1_000_000
    files = [x for x in embedded.folder.rglob("*") if x.is_file()]
    assert sum(x.stat().st_size for x in files) <= BYTES[embedded.name]
    assert {x.suffix for x in files} <= {".json", ".md", ".safetensors", ".txt"}


def test_the_whole_checkpoint_is_used(embedded: Embedded) -> None:
    assert not any(embedded.loading.values())


def test_it_is_of_the_class_that_is_named(embedded: Embedded) -> None:
    named = {"tiny": "BertForMaskedLM", "tiny-decoder": "LlamaForCausalLM",
             "tiny-t5": "MT5ForConditionalGeneration"}  # fmt: skip
    assert type(embedded.model).__name__ == named[embedded.name]
    assert embedded.architecture.title[2:].split()[0].strip() in MODELS[embedded.name].summary


def test_siblings_read_the_same_tokens(embedded: Embedded, tokenizer: Any) -> None:
    lines = [x for code in LEAVES for x in ArtificialText().lines(code, 5)]
    assert pretrain_tiny.encode(embedded.tokenizer, lines) == pretrain_tiny.encode(tokenizer, lines)
    assert embedded.tokenizer.model_max_length == LONGEST


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


def test_the_card_says_what_is_measured(embedded: Embedded) -> None:
    card = (embedded.folder / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| (q\w\w) .*\| ([\d.]+) \| ([\d.]+) \| [\d.]+ \|$", card, re.MULTILINE)
    rows = {code: (float(loss), float(unigram)) for code, loss, unigram in found}
    assert set(rows) == set(LEAVES)
    seed = int(re.search(r"--seed (\d+)", card)[1])  # type: ignore[index]
    for code in ("qaa", "qah"):
        measured = pretrain_tiny.held_out_loss(
            embedded.architecture, embedded.model, embedded.tokenizer, code, seed
        )
        assert measured == pytest.approx(rows[code], abs=0.02)
    share = 0.7 if embedded.architecture.name == "mt5" else 0.5
    assert all(rows[x][0] < rows[x][1] * share for x in tiny.PRETRAINING_LANGUAGES)
    assert max(rows[x][0] for x in tiny.PRETRAINING_LANGUAGES) < min(rows[x][0] for x in UNSEEN)
    assert "apache-2.0" in card
    assert f"# {embedded.name}\n" in card
    assert f"{embedded.model.num_parameters():,} parameters" in card
    name = embedded.architecture.name
    assert f"python -m {pretrain_tiny.__name__} OUT --architecture {name} \\\n" in card


def test_what_it_knows_transfers(embedded: Embedded) -> None:
    """A linear probe for parts of speech, of two seen languages, reads others: neither nothing nor all."""
    import numpy as np
    import torch
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = embedded.model
    body = {"bert": "bert", "llama": "model", "mt5": "encoder"}[embedded.architecture.name]

    def vectors(code: str, split: Any) -> tuple[Any, list[str]]:
        """Of the last token of each word, and the words' tags."""
        examples: Any = ArtificialData("pos").examples(code, split, 150)
        words = [list(x.words) for x in examples]
        encoded = embedded.tokenizer(words, is_split_into_words=True, return_tensors="pt", padding=True)
        with torch.inference_mode():
            hidden = getattr(model, body)(**encoded).last_hidden_state.numpy()
        rows = []
        for row, sentence in enumerate(words):
            last = {word: place for place, word in enumerate(encoded.word_ids(row)) if word is not None}
            rows += [hidden[row, last[number]] for number in range(len(sentence))]
        return np.stack(rows), [tag for x in examples for tag in x.tags]

    (a, one), (b, two) = vectors("qaa", "train"), vectors("qag", "train")
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300)).fit(
        np.concatenate([a, b]), one + two
    )
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
    FinetuningSettings(**study.mlm)  # type: ignore[arg-type]
