"""How close the engine comes to a bare loop over ready batches of the same model, in the same run.

    python benchmarks/engine.py [--model NAME_OR_FOLDER] [--rounds 5] [--threads 1]

Two ratios: evaluation (tokenized, length-sorted, labels collected) against plain forward passes of the
same encoder over batches built beforehand; masked-LM finetuning against plain steps over inputs built
beforehand. Both sides are interleaved round by round; medians are quoted. Tokens are pieces without
padding.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from xlbench.contracts import Resolved, Study
from xlbench.lab import Lab
from xlbench.lab.masked_lm import chunks, masked_batches
from xlbench.plugins import load
from xlbench.resolve import resolve


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def bare_evaluation(lab: Lab, resolved: Resolved, task: str) -> Callable[[], None]:
    """Forward passes alone, over the very batches that the lab uses."""
    _, batches = lab.stream(resolved.cells(task))
    inputs = [{"input_ids": b.ids.long(), "attention_mask": b.attention} for b in batches]

    def work() -> None:
        lab.encoder.use_task_adapter(task)
        with torch.inference_mode():
            for each in inputs:
                lab.encoder.model(**each)

    return work


def bare_finetuning(lab: Lab, resolved: Resolved, language: str, steps: int) -> Callable[[], None]:
    """Forward, backward and optimizer step, over inputs built beforehand."""
    encoder, mlm = lab.encoder, resolved.mlm
    lines, length = resolved.corpus.lines(language, mlm.lines), min(mlm.chunk, encoder.longest)
    text = chunks(lines, encoder.tokenizer, length)
    made = [
        (torch.from_numpy(b.ids), torch.from_numpy(b.where), torch.from_numpy(b.gold))
        for b in masked_batches(text, encoder.tokenizer, encoder.model.config.vocab_size, mlm, steps, 0)
    ]

    def work() -> None:
        parameters = encoder.trainable_base()
        optimizer = torch.optim.AdamW(parameters, lr=mlm.learning_rate, weight_decay=0.0, fused=True)
        encoder.body.train()
        for ids, where, gold in made:
            loss = cross_entropy(encoder.masked_logits(ids, torch.ones_like(ids), where), gold)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimizer.step()
        encoder.body.eval()

    return work


def main() -> None:
    """Measure, print a table, and write it as JSON with --json."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--model", default="tiny", help="registered name or checkpoint folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--limit", type=int, default=100, help="test examples a target language")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    tiny = Study(
        model=options.model, tasks=("pos",), transfer=("qaa",), targets=("qaa", "qab", "qac", "qad"),
        train_languages=("qaa",), data={"pos": ("artificial",)}, text="artificial", limit=options.limit,
        adapter={"epochs": 1, "limit": 100}, mlm={"chunk": 64, "lines": 2000}, reference="qaa",
    )  # fmt: skip
    resolved = resolve(tiny, load())
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(resolved, resolved.model.checkpoint, Path(folder), device="cpu", threads=options.threads)
        lab.task_adapter("pos")
        cells = resolved.cells("pos")
        sides: dict[str, dict[str, Callable[[], object]]] = {
            "evaluation": {
                "engine": lambda: lab.evaluate(cells),
                "bare": bare_evaluation(lab, resolved, "pos"),
            },
            "masked-LM finetuning": {
                "engine": lambda: lab.finetune("qaa", steps=options.steps, seed=0),
                "bare": bare_finetuning(lab, resolved, "qaa", options.steps),
            },
        }
        lab.evaluate(cells)
        pieces = {
            "evaluation": sum(len(x) for c in cells for x in lab.encoded("pos", c.target, "test").ids),
            "masked-LM finetuning": options.steps * resolved.mlm.batch_size * min(64, lab.encoder.longest),
        }
        table = {}
        for name, pair in sides.items():
            times: dict[str, list[float]] = {side: [] for side in pair}
            for number in range(options.rounds + 1):
                for side, work in pair.items():
                    lab.restore()
                    taken = seconds(work)
                    if number:  # the first round warms up
                        times[side].append(taken)
            lab.encoder.restore()
            median = {side: statistics.median(t) for side, t in times.items()}
            table[name] = {
                "engine_tokens_per_second": round(pieces[name] / median["engine"]),
                "bare_tokens_per_second": round(pieces[name] / median["bare"]),
                "ratio": round(median["bare"] / median["engine"], 3),
            }
    cpu = platform.processor() or platform.machine()
    machine = f"{cpu}, {os.cpu_count()} cores, torch {torch.__version__}"
    print(f"{options.model}, {options.threads} thread(s), median of {options.rounds} rounds; {machine}")
    for name, row in table.items():
        print(f"{name:22} engine {row['engine_tokens_per_second']:>8} tokens/s   bare loop "
              f"{row['bare_tokens_per_second']:>8} tokens/s   ratio {row['ratio']:.3f}")  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps({"machine": machine, **table}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
