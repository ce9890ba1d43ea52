"""One evaluation of one checkpoint on all targets of dependency parsing.

The slow tokenizer, twice a sentence; sentences and words padded to 256; scores of every relation between all
pairs of positions; words merged in a loop (the library's head does it); greedy heads.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from adapters import AutoAdapterModel
from torch.utils.data import DataLoader
from transformers import AutoTokenizer
from transformers.utils import logging

BATCH = 8
LENGTH = 256


def encode(words: list[str], heads: list[int], relations: list[int], tokenizer: Any, pad: int) -> Any:
    """One sentence, or None where it does not fit."""
    pieces = [tokenizer.tokenize(word) for word in words]
    ids = tokenizer.convert_tokens_to_ids([p for ps in pieces for p in ps])
    if len(ids) > LENGTH - 2 or not all(pieces):
        return None
    whole = tokenizer.prepare_for_model(
        ids, max_length=LENGTH, padding="max_length", truncation=True, return_attention_mask=True
    )
    tokenizer.encode(" ".join(words), max_length=LENGTH, truncation=True)
    starts = np.cumsum([1, *(len(ps) for ps in pieces)]).tolist()
    return {
        "input_ids": whole["input_ids"],
        "attention_mask": whole["attention_mask"],
        "word_starts": starts + [pad] * (LENGTH + 1 - len(starts)),
        "labels_arcs": heads + [pad] * (LENGTH - len(heads)),
        "labels_rels": relations + [pad] * (LENGTH - len(relations)),
    }


def main() -> None:
    """Do it."""
    said = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    torch.set_num_threads(said["threads"])
    logging.set_verbosity_error()
    number = {x: i for i, x in enumerate(said["labels"])}
    tokenizer = AutoTokenizer.from_pretrained(said["model"], use_fast=False)
    model = AutoAdapterModel.from_pretrained(said["model"])
    model.load_adapter(said["adapter"], load_as="task", with_head=True, use_safetensors=True)
    model.set_active_adapters("task")
    model.active_head = "task"
    model.config.pad_token_id = pad = -1
    model.eval()
    rows, kept = [], {}
    spent = [time.process_time()]
    for target in said["targets"]:
        given = json.loads((Path(said["test"]) / f"{target}.json").read_text("utf-8"))
        sentences = [
            encode(words, heads, [number[x] for x in relations], tokenizer, pad)
            for words, heads, relations in zip(
                given["words"], given["heads"], given["relations"], strict=True
            )
        ]
        whole = [x for x in sentences if x is not None]
        right, labelled, total, found = 0, 0, 0, []
        for batch in DataLoader(whole, batch_size=BATCH, collate_fn=together):  # type: ignore[arg-type]
            with torch.no_grad():
                output = model(**batch)
            arcs = output.arc_preds.argmax(-1)
            relations = output.rel_preds.argmax(-1)
            gold = batch["labels_arcs"]
            scored = gold != pad
            at_gold = relations.gather(-1, gold.clamp(min=0).unsqueeze(-1)).squeeze(-1)
            hit = (arcs == gold) & scored
            right += int(hit.sum())
            labelled += int((hit & (at_gold == batch["labels_rels"])).sum())
            total += int(scored.sum())
            found += [a[s].tolist() for a, s in zip(arcs, scored, strict=True)]
        rows.append(f"{target},{100 * right / total},{100 * labelled / total}")
        kept[target] = found
        spent.append(time.process_time())
    Path(said["out"], "scores.csv").write_text("\n".join(rows) + "\n", "utf-8")
    Path(said["out"], "seconds.json").write_text(json.dumps(spent), "utf-8")
    Path(said["out"], "heads.json").write_text(json.dumps(kept), "utf-8")


def together(batch: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
    """A batch of sentences, all of one length already."""
    return {key: torch.tensor([x[key] for x in batch]) for key in batch[0]}


if __name__ == "__main__":
    main()
