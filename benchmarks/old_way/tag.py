"""One evaluation of one checkpoint on all targets of a tagging task: batches of 8 in file order."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from adapters import AdapterTrainer, AutoAdapterModel
from datasets import Dataset, disable_progress_bars, load_from_disk
from seqeval.metrics import accuracy_score, f1_score
from transformers import AutoTokenizer, DataCollatorForTokenClassification, TrainingArguments
from transformers.utils import logging

BATCH = 8
LENGTH = 256


def main() -> None:
    """Do it."""
    said = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    torch.set_num_threads(said["threads"])
    disable_progress_bars()
    logging.set_verbosity_error()
    split = load_from_disk(said["train"]).train_test_split(0.05, seed=42)  # for the list of labels alone
    seen = {x for part in split.values() for tags in part["tags"] for x in tags}
    names = said["labels"]  # in the order of the head
    if unknown := seen.difference(names):
        raise ValueError(f"labels unknown to the head: {unknown}")
    number = {x: i for i, x in enumerate(names)}
    tokenizer = AutoTokenizer.from_pretrained(said["model"])
    model = AutoAdapterModel.from_pretrained(said["model"])
    model.load_adapter(said["adapter"], load_as="task", with_head=True, use_safetensors=True)
    model.set_active_adapters("task")
    model.active_head = "task"

    def encode(examples: dict[str, Any]) -> Any:
        encoded = tokenizer(
            examples["words"], is_split_into_words=True, truncation=True, max_length=LENGTH, padding=False
        )
        encoded["labels"] = []
        for i, tags in enumerate(examples["tags"]):
            before, found = None, []
            for word in encoded.word_ids(i):
                found.append(-100 if word is None or word == before else number[tags[word]])
                before = word
            encoded["labels"].append(found)
        return encoded

    trainer = AdapterTrainer(
        model=model,
        args=TrainingArguments(
            said["out"], per_device_eval_batch_size=BATCH, use_cpu=True, report_to="none", disable_tqdm=True
        ),
        data_collator=DataCollatorForTokenClassification(tokenizer),
        processing_class=tokenizer,
        compute_metrics=lambda x: scores(x.predictions, x.label_ids, names),
    )
    rows, kept = [], {}
    for target in said["targets"]:
        given = json.loads((Path(said["test"]) / f"{target}.json").read_text("utf-8"))
        data = Dataset.from_dict(given)
        encoded = data.map(encode, batched=True, remove_columns=data.column_names)
        logits, labels, metrics = trainer.predict(encoded, metric_key_prefix="predict")
        decoded(logits.argmax(-1), labels, names)  # the released code does it once more
        rows.append(f"{target},{metrics['predict_f1']},{metrics['predict_accuracy']}")
        scored = labels != -100
        best = np.sort(logits[scored], axis=-1)
        kept[f"{target}.label"] = logits[scored].argmax(-1).astype(np.int16)
        kept[f"{target}.gap"] = best[:, -1] - best[:, -2]
        kept[f"{target}.words"] = scored.sum(-1)
    Path(said["out"], "scores.csv").write_text("\n".join(rows) + "\n", "utf-8")
    np.savez(Path(said["out"], "labels.npz"), **kept)


def decoded(predicted: Any, labels: Any, names: list[str]) -> tuple[list[list[str]], list[list[str]]]:
    """Names of predicted and gold labels of each sentence."""
    found = [
        [names[p] for p, x in zip(ps, xs, strict=True) if x != -100]
        for ps, xs in zip(predicted, labels, strict=True)
    ]
    gold = [[names[x] for x in xs if x != -100] for xs in labels]
    return found, gold


def scores(logits: Any, labels: Any, names: list[str]) -> dict[str, float]:
    """As seqeval has them."""
    found, gold = decoded(logits.argmax(-1), labels, names)
    return {"f1": float(f1_score(gold, found)), "accuracy": float(accuracy_score(gold, found))}


if __name__ == "__main__":
    main()
