"""The architecture computes what its docstring says, and the model meets every contract of xlbench."""

from pathlib import Path

import pytest
import torch

import xlbench_nearby
from xlbench.testing import contract_tests
from xlbench_nearby.modeling import NearbyConfig, NearbyForMaskedLM, NearbyModel

CHECKPOINT = Path(xlbench_nearby.__file__).with_name("checkpoint")

test_contract = contract_tests("nearby")


@pytest.fixture
def body() -> NearbyModel:
    torch.manual_seed(0)
    return NearbyModel(NearbyConfig(vocab_size=50, hidden_size=16, num_attention_heads=2)).eval()


def test_attention_is_softmax_of_products_less_a_slope_times_the_distance(body: NearbyModel) -> None:
    attention, vectors = body.layers[0].attention, torch.randn(1, 5, 16)
    heads = []
    for head, slope in enumerate((2.0**-4, 2.0**-8)):
        part = slice(8 * head, 8 * head + 8)
        query, key, value = (
            x(vectors)[0, :, part] for x in (attention.query, attention.key, attention.value)
        )
        scores = torch.stack(
            [
                torch.stack([query[i] @ key[j] / 8**0.5 - slope * abs(i - j) for j in range(5)])
                for i in range(5)
            ]
        )
        heads.append(scores.softmax(-1) @ value)
    expected = attention.output(torch.cat(heads, -1))
    found, _ = attention(vectors, body.bias(torch.ones(1, 5), torch.float32))
    assert torch.allclose(found[0], expected, atol=1e-5)


def test_padding_changes_nothing(body: NearbyModel) -> None:
    ids = torch.tensor([[7, 8, 9, 0, 0]])
    alone = body(ids[:, :3], torch.ones(1, 3)).last_hidden_state
    padded = body(ids, torch.tensor([[1, 1, 1, 0, 0]])).last_hidden_state[:, :3]
    assert torch.allclose(alone, padded, atol=1e-6)


def test_the_checkpoint_is_a_pretrained_model() -> None:
    from transformers import PreTrainedTokenizerFast

    model = NearbyForMaskedLM.from_pretrained(CHECKPOINT).float().eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(CHECKPOINT)
    from xlbench_tasks.artificial.data import ArtificialText

    lines = ArtificialText(purpose="test").lines("qaa", 200)
    read = tokenizer(list(lines), padding=True, truncation=True, max_length=48, return_tensors="pt")
    ids = read["input_ids"].clone()
    torch.manual_seed(0)
    masked = (torch.rand(ids.shape) < 0.15) & (ids > 4)
    with torch.no_grad():
        logits = model(input_ids=ids.masked_fill(masked, 4), attention_mask=read["attention_mask"]).logits
    right = (logits[masked].argmax(-1) == ids[masked]).float().mean()
    often = ids[ids > 4].bincount().max() / (ids > 4).sum()
    assert right > 2 * often
