"""Files of a checkpoint, mutated: planning says one line or accepts, and never anything else.

A few seconds by default. `XLBENCH_FUZZ_SECONDS=600 pytest tests/fuzz/test_checkpoints.py` goes on for longer.
"""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from made import find_adapter

from xlbench.contracts import BaseModel
from xlbench.errors import ModelError
from xlbench.models.checkpoints import locate

SECONDS = float(os.environ.get("XLBENCH_FUZZ_SECONDS", "2"))
FILES = ("config.json", "tokenizer_config.json", "tokenizer.json", "model.safetensors")
SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**13), 10**13) | st.floats() | st.text(max_size=9)
    | st.sampled_from(["a/b", "a/b@r:f", "sdpa|a/b", "bert", "a/b--c.D", 10**400, 0, 1, -1, 32, 1e308])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=9), x, max_size=3),
    max_leaves=6,
)


@st.composite
def changed(draw: st.DrawFn, content: bytes, tree: Any) -> bytes:
    """Bytes cut, flipped or inserted; of JSON also keys and values of the tree put elsewhere."""
    how = draw(st.sampled_from(["cut", "flip", "insert", *(["key"] * 5 if tree is not None else [])]))
    place = draw(st.integers(0, len(content) - 1))
    if how == "cut":
        return content[:place] + content[place + draw(st.integers(1, 50)) :]
    if how == "flip":
        return (
            content[:place] + bytes([content[place] ^ (1 << draw(st.integers(0, 7)))]) + content[place + 1 :]
        )
    if how == "insert":
        return content[:place] + draw(st.binary(min_size=1, max_size=9)) + content[place:]
    whole = json.loads(json.dumps(tree))
    node = whole
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and node[key] and draw(st.booleans()):
            node = node[key]
            continue
        node[key] = draw(VALUES)
        if isinstance(node, dict) and draw(st.booleans()):
            node[draw(st.text(max_size=9))] = draw(VALUES)
        return json.dumps(whole).encode()


def tree_of(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def repeat(values: st.SearchStrategy[bytes], check: Callable[[bytes], None]) -> None:
    """Batches of examples, each with a seed of its own, until the time is up."""
    number, until = 0, time.monotonic() + SECONDS / len(FILES)
    few = settings(max_examples=30, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    while number == 0 or time.monotonic() < until:
        seed(number)(few(given(values)(check)))()
        number += 1


def one_line(error: ModelError) -> None:
    text = str(error)
    assert "\n" not in text
    assert len(text) < 2000
    text.encode("utf-8")


@pytest.mark.parametrize("name", FILES)
def test_a_mutated_file_is_one_line_or_accepted(checkpoint: Path, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(checkpoint, tmp_path / "copy"))
    content = (folder / name).read_bytes()

    def check(mutated: bytes) -> None:
        (folder / name).write_bytes(mutated)
        try:
            locate(BaseModel("it", "", str(folder)))
        except ModelError as error:
            one_line(error)

    repeat(changed(content, tree_of(content)), check)


def test_a_mutated_header_of_weights_is_one_line_or_accepted(checkpoint: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(checkpoint, tmp_path / "copy"))
    content = (folder / "model.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header, rest = content[8 : 8 + length], content[8 + length :]

    def check(mutated: bytes) -> None:
        (folder / "model.safetensors").write_bytes(len(mutated).to_bytes(8, "little") + mutated + rest)
        try:
            locate(BaseModel("it", "", str(folder)))
        except ModelError as error:
            one_line(error)

    repeat(changed(header, tree_of(header)), check)


def test_a_mutated_configuration_of_an_adapter_is_one_line_or_accepted(
    checkpoint: Path, tmp_path: Path
) -> None:
    from adapters import AutoAdapterModel

    model = AutoAdapterModel.from_pretrained(checkpoint)
    model.add_adapter("lang", config="seq_bn_inv")
    model.save_adapter(str(tmp_path / "one"), "lang", use_safetensors=True)
    path = tmp_path / "one" / "adapter_config.json"
    content = path.read_bytes()
    base = json.loads((checkpoint / "config.json").read_text())

    def check(mutated: bytes) -> None:
        path.write_bytes(mutated)
        try:
            find_adapter(str(tmp_path / "one"), base)
        except ModelError as error:
            one_line(error)

    repeat(changed(content, tree_of(content)), check)
