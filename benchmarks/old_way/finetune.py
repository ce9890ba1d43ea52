"""One masked-LM finetuning: load, tokenize, steps with all logits, perplexity of validation text, save."""

from __future__ import annotations

import itertools
import json
import math
import sys
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from datasets import Dataset, disable_progress_bars
from torch.utils.data import DataLoader
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    get_scheduler,
)

from xlbench.contracts import FinetuningSettings
from xlbench.lab.objectives.masked import masked_batches

VALIDATION = 20
"""One in so many lines, the first ones."""


def grouped(lines: list[str], tokenizer: Any, length: int) -> Dataset:
    """Chunks of `length` pieces, by way of the library's maps."""

    def join(examples: dict[str, list[list[int]]]) -> dict[str, list[list[int]]]:
        joined = {k: list(itertools.chain.from_iterable(v)) for k, v in examples.items()}
        total = len(joined["input_ids"])
        total = total // length * length if total >= length else total
        return {k: [v[i : i + length] for i in range(0, total, length)] for k, v in joined.items()}

    made = Dataset.from_dict({"text": lines}).map(
        lambda x: tokenizer(x["text"], return_special_tokens_mask=True), batched=True, remove_columns=["text"]
    )
    return made.map(join, batched=True, batch_size=len(made))


def main() -> None:
    """Do it."""
    said = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    torch.set_num_threads(said["threads"])
    disable_progress_bars()
    accelerator = Accelerator(cpu=True)
    tokenizer = AutoTokenizer.from_pretrained(said["model"])
    model = AutoModelForMaskedLM.from_pretrained(said["model"])
    lines = Path(said["text"]).read_text("utf-8").splitlines()
    settings = FinetuningSettings(**said["mlm"])
    length = min(settings.chunk, tokenizer.model_max_length)
    text = grouped(lines, tokenizer, length)
    held_out = grouped(lines[: len(lines) // VALIDATION], tokenizer, length)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=settings.mask_probability)
    validation = DataLoader(held_out, collate_fn=collator, batch_size=settings.batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=0.0)
    model, optimizer, validation = accelerator.prepare(model, optimizer, validation)
    steps, an_epoch = said["steps"], math.ceil(len(text) / settings.batch_size)
    scheduler = get_scheduler("linear", optimizer, num_warmup_steps=0, num_training_steps=steps)
    ids = text.with_format("numpy")["input_ids"][:]
    torch.manual_seed(said["seed"])
    batches = masked_batches(ids, tokenizer, model.config.vocab_size, settings, said["seed"])
    model.train()
    for step, batch in enumerate(itertools.islice(batches, steps), 1):
        labels = torch.full((batch.ids.size,), -100)
        labels[torch.from_numpy(batch.where)] = torch.from_numpy(batch.gold)
        inputs = torch.from_numpy(batch.ids)
        output = model(
            input_ids=inputs, attention_mask=torch.ones_like(inputs), labels=labels.view_as(inputs)
        )
        accelerator.backward(output.loss)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        if step % an_epoch == 0 or step == steps:
            state = torch.get_rng_state()
            perplexity(model, validation)
            torch.set_rng_state(state)
            model.train()
    model.save_pretrained(said["out"])
    tokenizer.save_pretrained(said["out"])


def perplexity(model: Any, validation: DataLoader[Any]) -> float:
    """Of the whole validation text, freshly masked."""
    model.eval()
    losses = []
    with torch.no_grad():
        losses = [model(**batch).loss.item() for batch in validation]
    return math.exp(min(100.0, sum(losses) / len(losses)))


if __name__ == "__main__":
    main()
