"""The script that makes `tiny` and its siblings: inputs, batches and loss of each architecture, and runs."""

import math
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlbench_models import pretrain_tiny, tiny
from xlbench_models.tiny_architectures import (
    ARCHITECTURES,
    MEAN_SPAN,
    SENTINELS,
    Input,
    corrupted,
    losses,
    noise,
    special_ids,
)
from xlbench_tasks.artificial.data import ArtificialText

FOLDER = Path(tiny.__file__).with_name("tiny_checkpoint")
FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md")


@pytest.fixture(scope="module")
def base() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)


@pytest.fixture(scope="module")
def tokenizers(base: Any) -> dict[str, Any]:
    return {name: x.tokenizer(base) for name, x in ARCHITECTURES.items()}


def run_script(out: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> dict[str, Any]:
    from safetensors.torch import load_file

    arguments = [str(out), "--lines", "60", "--steps", "4", "--tokens", "256", *options]
    monkeypatch.setattr(sys, "argv", ["pretrain_tiny", *arguments])
    pretrain_tiny.main()
    return load_file(out / "model.safetensors")


class CutOffError(Exception):
    pass


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_script_gives_the_same_again_also_when_cut_off(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    import torch

    monkeypatch.setattr(pretrain_tiny, "HELD_OUT", 5)
    monkeypatch.setattr(pretrain_tiny, "SAVED_EVERY", 2)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        one = run_script(tmp_path / "one", monkeypatch, "--architecture", name)
        real, calls = pretrain_tiny.losses, 0

        def cut(*given: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == 4:
                raise CutOffError
            return real(*given)

        with monkeypatch.context() as broken:
            broken.setattr(pretrain_tiny, "losses", cut)
            with pytest.raises(CutOffError):
                run_script(tmp_path / "two", monkeypatch, "--architecture", name)
        assert not (tmp_path / "two" / "model.safetensors").exists()
        two = run_script(tmp_path / "two", monkeypatch, "--architecture", name)
    finally:
        torch.set_num_threads(threads)
    assert "step 4 of 4" in capsys.readouterr().err
    assert all(torch.equal(one[x], two[x]) for x in one)
    assert {str(x.dtype) for x in one.values()} == {f"torch.{ARCHITECTURES[name].stored}"}
    for file in FILES:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert not [x.name for x in (tmp_path / "two").iterdir() if x.suffix in (".pt", ".new")]


def test_another_seed_gives_other_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(pretrain_tiny, "HELD_OUT", 5)
    one, other = (run_script(tmp_path / x, monkeypatch, "--seed", x) for x in ("0", "1"))
    assert not all(torch.equal(one[x], other[x]) for x in one)


def test_masking(base: Any) -> None:
    """15% of the tokens, of which 80% are masked, 10% replaced and 10% kept; never a special one."""
    import torch

    ids = [base.cls_token_id, *range(100, 150), base.sep_token_id]
    made = [Input(ids, [0] * len(ids))] * 400
    made += [Input(ids[:5], [0] * 5)]
    batch = ARCHITECTURES["bert"].tensors(made, base, torch.Generator().manual_seed(1), 0.15)
    original = torch.tensor([x.tokens + [base.pad_token_id] * (len(ids) - len(x.tokens)) for x in made])
    chosen = batch["labels"] != -100
    assert torch.equal(batch["labels"][chosen], original[chosen])
    assert torch.equal(batch["input_ids"][~chosen], original[~chosen])
    assert not torch.isin(batch["labels"], torch.tensor(base.all_special_ids)).any()
    assert chosen.sum().item() / (400 * 50) == pytest.approx(0.15, abs=0.01)
    hidden = batch["input_ids"][chosen] == base.mask_token_id
    kept = batch["input_ids"][chosen] == original[chosen]
    assert hidden.float().mean().item() == pytest.approx(0.8, abs=0.03)
    assert kept.float().mean().item() == pytest.approx(0.1, abs=0.03)
    assert batch["attention_mask"][-1].sum() == 5


def some_inputs(tokenizer: Any) -> tuple[pretrain_tiny.Text, list[Input]]:
    text = ArtificialText()
    lines, into = text.lines("qai", 80), text.translated("qai", "qaa", 80)
    both = pretrain_tiny.Text(pretrain_tiny.encode(tokenizer, lines), pretrain_tiny.encode(tokenizer, into))
    return both, pretrain_tiny.inputs(random.Random(0), both, tokenizer)


def test_inputs_are_lines_alone_followed_or_translated(base: Any) -> None:
    text, made = some_inputs(base)
    start, stop = base.cls_token_id, base.sep_token_id
    kinds = Counter[str]()
    for index, (line, translation) in enumerate(zip(text.lines, text.translations, strict=True)):
        first = [start, *line, stop]
        one = next(x for x in made if x.tokens[: len(first)] == first)
        made.remove(one)
        rest = one.tokens[len(first) :]
        assert one.segments == [0] * len(first) + [1] * len(rest)
        assert len(one.tokens) <= base.model_max_length
        followed = [token for x in text.lines[index + 1 :] for token in x]
        if rest == [*translation, stop]:
            kinds["translated"] += 1
        elif rest:
            assert rest[-1] == stop
            assert rest[:-1] == followed[: len(rest) - 1]
            kinds["followed"] += 1
        else:
            kinds["alone"] += 1
    assert set(kinds) == {"alone", "followed", "translated"}


def test_all_architectures_read_the_same_inputs(tokenizers: dict[str, Any]) -> None:
    """One vocabulary, one number a token; T5's sentinels come after it, the first one last."""
    bert, llama, mt5 = (tokenizers[x] for x in ("bert", "llama", "mt5"))
    assert some_inputs(bert) == some_inputs(llama) == some_inputs(mt5)
    assert bert.get_vocab() == llama.get_vocab()
    assert mt5.get_vocab() == bert.get_vocab() | {
        x: len(mt5) - 1 - number for number, x in enumerate(SENTINELS)
    }
    assert mt5.vocab_size + len(SENTINELS) == len(mt5)
    (one, two), plain = ArtificialText().lines("qak", 2), pretrain_tiny.encode(bert, ["x"])
    assert plain == pretrain_tiny.encode(mt5, ["x"])
    first, second = pretrain_tiny.encode(bert, [one, two])
    start, end = bert.cls_token_id, bert.sep_token_id
    assert llama(one, two)["input_ids"] == [start, *first, end, *second, end]
    assert mt5(one, two)["input_ids"] == [*first, end, *second, end]
    assert mt5(one)["input_ids"] == [*first, end]
    assert (llama.bos_token_id, llama.eos_token_id, llama.pad_token_id) == (start, end, bert.pad_token_id)
    assert (mt5.eos_token_id, mt5.pad_token_id) == (end, bert.pad_token_id)
    assert set(llama(one)) == set(mt5(one)) == {"input_ids", "attention_mask"}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_loss_is_that_of_the_library(name: str, tokenizers: dict[str, Any]) -> None:
    """Of the model's own `forward` with labels, of right-padded inputs of several lengths."""
    import torch

    architecture, tokenizer = ARCHITECTURES[name], tokenizers[name]
    torch.manual_seed(0)
    model = architecture.new_model(tokenizer).eval()
    _, made = some_inputs(tokenizer)
    batch = architecture.tensors(made[:12], tokenizer, torch.Generator().manual_seed(0), 0.25)
    with torch.inference_mode():
        found = losses(architecture, model, batch)
        if name == "llama":
            rows = [torch.tensor([x.tokens]) for x in made[:12]]
            every = [(model(input_ids=x, labels=x).loss.item(), x.shape[1] - 1) for x in rows]
            expected = sum(loss * count for loss, count in every) / sum(count for _, count in every)
            assert len(found) == sum(count for _, count in every)
        else:
            whole = {x: y for x, y in batch.items() if x != "decoder_input_ids"}  # the library's own shift
            expected = model(**whole).loss.item()
    assert found.mean().item() == pytest.approx(expected, abs=1e-5)


def put_back(kept: Sequence[int], said: Sequence[int], sentinels: Sequence[int]) -> list[int]:
    """The original: each sentinel gives way to what was said of it."""
    spans: dict[int, list[int]] = {}
    for token in said:
        if token in sentinels:
            assert token not in spans
            spans[token] = []
            last = spans[token]
        else:
            last.append(token)
    assert list(spans) == list(sentinels[: len(spans)]), "in their order, from the first one on"
    assert [x for x in kept if x in sentinels] == list(spans)
    return [y for x in kept for y in spans.get(x, [x])]


@given(
    lengths=st.lists(st.integers(2, 60), min_size=1, max_size=2),
    share=st.sampled_from([0.15, 0.25, 0.5]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_corrupted_spans_can_be_put_back(
    tokenizers: dict[str, Any], lengths: list[int], share: float, seed: int
) -> None:
    import torch

    tokenizer = tokenizers["mt5"]
    end = tokenizer.eos_token_id
    tokens = [x for length in lengths for x in (*range(200, 200 + length), end)]
    generator = torch.Generator().manual_seed(seed)
    sentinels = tokenizer.convert_tokens_to_ids(list(SENTINELS))
    kept, said = corrupted(tokens, set(special_ids(tokenizer)), sentinels, generator, share)
    assert put_back(kept, said, sentinels) == tokens
    assert end not in said
    count = sum(lengths)
    hidden = min(max(round(count * share), 1), count - 1)
    assert sum(x not in sentinels for x in said) == hidden
    assert kept[0] == tokens[0]
    runs = sum(x in sentinels for x in said)
    wanted = min(max(round(hidden / MEAN_SPAN), 1), hidden, count - hidden)
    assert wanted <= runs <= wanted + len(lengths) - 1, "a span that goes on in the second line is two"


def test_spans_are_drawn_uniformly() -> None:
    """Of 8 tokens 4 are hidden, in 1 span; of 6 tokens 3 in one: where it stands has no choice. Of 12 tokens
    6 in 2 spans: 5 x 5 ways of cutting, each as likely.
    """
    import torch

    generator = torch.Generator().manual_seed(0)
    assert noise(6, 0.5, generator) == [3, 4, 5]
    assert noise(1, 0.5, generator) == []
    drawn = Counter(tuple(noise(12, 0.5, generator)) for _ in range(2500))
    assert len(drawn) == 25
    chi = sum((x - 100) ** 2 / 100 for x in drawn.values())
    assert chi < 24 + 4 * math.sqrt(48)


def test_unigram_is_the_entropy_of_the_held_out_tokens(base: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the mean log-likelihood of the tokens under their own frequencies."""
    import numpy as np

    monkeypatch.setattr(pretrain_tiny, "HELD_OUT", 12)
    model = ARCHITECTURES["bert"].new_model(base)
    _, unigram = pretrain_tiny.held_out_loss(ARCHITECTURES["bert"], model, base, "qan", 3)
    lines = ArtificialText(3, "held out").lines("qan", 12)
    tokens = np.concatenate(base(list(lines), add_special_tokens=False)["input_ids"])
    assert unigram == pytest.approx(-np.mean([math.log((tokens == x).mean()) for x in tokens]))


def test_special_tokens_are_those_of_the_tokenizer(tokenizers: dict[str, Any]) -> None:
    assert sorted(special_ids(tokenizers["bert"])) == sorted(tokenizers["bert"].all_special_ids)
    assert set(tokenizers["llama"].all_special_ids) < set(special_ids(tokenizers["llama"]))
    assert set(tokenizers["mt5"].all_special_ids) <= set(special_ids(tokenizers["mt5"]))


def test_tokens_are_not_drowned_by_what_the_encoder_adds_to_them(tokenizers: dict[str, Any]) -> None:
    """T5 normalises nothing between its layers: embeddings that start small are lost in the sum."""
    import torch

    torch.manual_seed(0)
    model = ARCHITECTURES["mt5"].new_model(tokenizers["mt5"]).eval()
    ids = torch.arange(200, 260)[None]
    states: list[torch.Tensor] = []
    model.encoder.block[-1].register_forward_hook(lambda module, given, made: states.append(made[0]))
    with torch.inference_mode():
        model.encoder(input_ids=ids)
        ratio = model.shared(ids).pow(2).mean().sqrt() / states[0].pow(2).mean().sqrt()
    assert ratio > 0.3
