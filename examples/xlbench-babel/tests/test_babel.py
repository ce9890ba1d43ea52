"""The model meets every contract of xlbench, is what its card says, and has learned its languages."""

import json
import runpy
from pathlib import Path

import torch
from transformers import BertForMaskedLM, PreTrainedTokenizerFast

from xlbench.testing import contract_tests
from xlbench_babel import CHECKPOINT, LINES

test_contract = contract_tests("babel")

SENTENCES = (
    "I went to the house of my brother and we had a long talk about the war.",
    "Das ist ein Buch, und das ist nicht mein Haus.",
    "La ville est dans le nord du pays, et la mer est au sud.",
)


def test_the_card_names_the_languages_that_it_was_pretrained_on() -> None:
    about = json.loads((CHECKPOINT / "pretraining.json").read_text("utf-8"))
    card = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    assert sorted(LINES) == sorted(about["languages"])
    assert all(f"| {code} | seen, {lines:,} lines |" in card for code, lines in LINES.items())
    assert f"Pretraining: {about['steps']:,} steps, {about['tokens'] / 1e6:.1f} M tokens" in card


def test_the_package_is_small_enough_to_publish() -> None:
    assert sum(x.stat().st_size for x in CHECKPOINT.iterdir()) <= 12e6


def test_the_recipe_starts_at_frequencies_and_with_heads_that_read_neighbours() -> None:
    recipe = runpy.run_path(str(Path(__file__).parents[1] / "pretrain.py"))
    frequencies = torch.arange(1.0, 14_001.0)
    model = recipe["new_model"](frequencies / frequencies.sum()).eval()
    ids = torch.randint(5, 14_000, (2, 128), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        read = model(input_ids=ids, output_attentions=True)
    for attention, offsets in zip(read.attentions, recipe["NEIGHBOURS"], strict=False):
        for head, offset in enumerate(offsets):
            assert attention[:, head].diagonal(offset, dim1=1, dim2=2).mean() > 0.9
    order = read.logits.softmax(-1).mean((0, 1)).argsort()
    assert torch.corrcoef(torch.stack((order.float(), torch.arange(14_000.0))))[0, 1] > 0.9


def test_hidden_tokens_are_found_from_their_context() -> None:
    """Each token hidden in turn: what stands around it says more in its order than in another."""
    model = BertForMaskedLM.from_pretrained(CHECKPOINT).float().eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(CHECKPOINT)

    def loss(ids: torch.Tensor) -> float:
        inner = range(1, len(ids) - 1)
        shown = ids.repeat(len(inner), 1)
        shown[range(len(inner)), inner] = tokenizer.mask_token_id
        with torch.inference_mode():
            logits = model(input_ids=shown).logits[range(len(inner)), inner]
        return torch.nn.functional.cross_entropy(logits, ids[1:-1]).item()

    for sentence in SENTENCES:
        ids = tokenizer(sentence, return_tensors="pt")["input_ids"][0]
        shuffled = ids.clone()
        order = torch.randperm(len(ids) - 2, generator=torch.Generator().manual_seed(0))
        shuffled[1:-1] = ids[1:-1][order]
        assert loss(ids) < loss(shuffled)
