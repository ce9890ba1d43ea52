"""What the benchmarks count with: operations of a model, and seconds of a process that is held."""

from __future__ import annotations

import sys
import time

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertForMaskedLM

from benchmarks import made, roof
from benchmarks.machine import Held
from benchmarks.parsing import _is_tree


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
