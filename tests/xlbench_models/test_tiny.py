"""The embedded model: what is in the package, that its card is right, and that it can be made again."""

import math
import random
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from xlbench.contracts import BaseModel, MaskedLM
from xlbench_models import pretrain_tiny, tiny
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
    pieces = [*tokenizer(lines)["input_ids"], *tokenizer([tuple(x) for x in pairs])["input_ids"]]
    assert not any(tokenizer.unk_token_id in x for x in pieces)
    assert tokenizer.model_max_length == pretrain_tiny.LONGEST
    assert sum(len(x) > tokenizer.model_max_length for x in pieces) < 0.05 * len(pieces)


def test_the_card_says_what_is_measured(model: Any, tokenizer: Any) -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (q\w\w) .*\| ([\d.]+) \| [\d.]+ \|$", card, re.MULTILINE))
    assert set(rows) == set(LEAVES)
    seed = int(re.search(r"--seed (\d+)", card)[1])  # type: ignore[index]
    for code in ("qaa", "qah"):
        found = pretrain_tiny.held_out_loss(model, tokenizer, code, seed)
        assert found == pytest.approx(float(rows[code]), abs=0.02)
    seen = [float(rows[x]) for x in tiny.PRETRAINING_LANGUAGES]
    unseen = [float(rows[x]) for x in UNSEEN]
    assert max(seen) < min(unseen)
    assert max(seen) < math.log(len(tokenizer)) / 2
    assert "apache-2.0" in card
    assert f"python -m {pretrain_tiny.__name__} OUT --seed {seed} --lines" in card


def run_script(out: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> dict[str, Any]:
    from safetensors.torch import load_file

    arguments = [str(out), "--lines", "60", "--steps", "3", "--pieces", "256", *options]
    monkeypatch.setattr(sys, "argv", ["pretrain_tiny", *arguments])
    pretrain_tiny.main()
    return load_file(out / "model.safetensors")


def test_the_script_gives_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    import torch

    monkeypatch.setattr(pretrain_tiny, "HELD_OUT", 5)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    one, two, other = (
        run_script(tmp_path / name, monkeypatch, "--seed", seed)
        for name, seed in (("one", "0"), ("two", "0"), ("other", "1"))
    )
    torch.set_num_threads(threads)
    assert all(torch.equal(one[x], two[x]) for x in one)
    assert not all(torch.equal(one[x], other[x]) for x in one)
    for name in ("tokenizer.json", "README.md", "config.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert "s left" in capsys.readouterr().err
    assert set(MODEL_FILES) <= {x.name for x in (tmp_path / "one").iterdir()}


MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md")


def test_masking() -> None:
    """15% of the pieces, of which 80% are hidden, 10% replaced and 10% kept; never a special one."""
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    ids = [tokenizer.cls_token_id, *range(100, 150), tokenizer.sep_token_id]
    made = [pretrain_tiny.Input(ids, [0] * len(ids))] * 400
    made += [pretrain_tiny.Input(ids[:5], [0] * 5)]
    batch = pretrain_tiny.tensors(made, tokenizer, torch.Generator().manual_seed(1), 0.15)
    original = torch.tensor([x.pieces + [tokenizer.pad_token_id] * (len(ids) - len(x.pieces)) for x in made])
    chosen = batch["labels"] != -100
    assert torch.equal(batch["labels"][chosen], original[chosen])
    assert torch.equal(batch["input_ids"][~chosen], original[~chosen])
    assert not torch.isin(batch["labels"], torch.tensor(tokenizer.all_special_ids)).any()
    assert chosen.sum().item() / (400 * 50) == pytest.approx(0.15, abs=0.01)
    hidden = batch["input_ids"][chosen] == tokenizer.mask_token_id
    kept = batch["input_ids"][chosen] == original[chosen]
    assert hidden.float().mean().item() == pytest.approx(0.8, abs=0.03)
    assert kept.float().mean().item() == pytest.approx(0.1, abs=0.03)
    assert batch["attention_mask"][-1].sum() == 5


def some_inputs(tokenizer: Any) -> tuple[pretrain_tiny.Text, list[pretrain_tiny.Input]]:
    text = ArtificialText()
    lines, into = text.lines("qai", 80), text.translated("qai", "qaa", 80)
    both = pretrain_tiny.Text(pretrain_tiny.encode(tokenizer, lines), pretrain_tiny.encode(tokenizer, into))
    return both, pretrain_tiny.inputs(random.Random(0), both, tokenizer)


def test_inputs_are_lines_alone_followed_or_translated(tokenizer: Any) -> None:
    text, made = some_inputs(tokenizer)
    start, stop = tokenizer.cls_token_id, tokenizer.sep_token_id
    kinds = Counter[str]()
    for index, (line, translation) in enumerate(zip(text.lines, text.translations, strict=True)):
        first = [start, *line, stop]
        one = next(x for x in made if x.pieces[: len(first)] == first)
        made.remove(one)
        rest = one.pieces[len(first) :]
        assert one.segments == [0] * len(first) + [1] * len(rest)
        assert len(one.pieces) <= pretrain_tiny.LONGEST
        followed = [piece for x in text.lines[index + 1 :] for piece in x]
        if rest == [*translation, stop]:
            kinds["translated"] += 1
        elif rest:
            assert rest[-1] == stop
            assert rest[:-1] == followed[: len(rest) - 1]
            kinds["followed"] += 1
        else:
            kinds["alone"] += 1
    assert set(kinds) == {"alone", "followed", "translated"}


def test_loss_is_that_of_the_library(model: Any, tokenizer: Any) -> None:
    import torch

    _, made = some_inputs(tokenizer)
    batch = pretrain_tiny.tensors(made, tokenizer, torch.Generator().manual_seed(0), 0.15)
    with torch.inference_mode():
        found, expected = pretrain_tiny.losses(model, batch).mean(), model(**batch).loss
    assert found.item() == pytest.approx(expected.item(), abs=1e-5)


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
