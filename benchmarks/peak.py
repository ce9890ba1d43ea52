"""A process whose peak of memory is measured: only the libraries, a bare finetuning, or the engine's."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from benchmarks import made
from xlbench.contracts import FinetuningSettings
from xlbench.lab import Lab, chunks
from xlbench.lab.objectives import masked
from xlbench.plugins import load


def bare(model: str, settings: FinetuningSettings, steps: int) -> None:
    """Weights, gradients, optimizer state and batches, each once; logits at masked positions alone."""
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    tokenizer, loaded = AutoTokenizer.from_pretrained(model), AutoModelForMaskedLM.from_pretrained(model)
    lines = load().corpora["artificial"].lines("qaa", settings.lines)
    text = chunks.chunks(lines, tokenizer, settings.chunk)
    optimizer = torch.optim.AdamW(loaded.parameters(), lr=1e-5, weight_decay=0.0, fused=True)
    batches = masked.masked_batches(text, tokenizer, loaded.config.vocab_size, settings, 0)
    loaded.train()
    for batch in itertools.islice(batches, steps):
        hidden = loaded.base_model(input_ids=torch.from_numpy(batch.ids))[0]
        picked = hidden.reshape(-1, hidden.shape[-1])[torch.from_numpy(batch.where)]
        loss = cross_entropy(loaded.cls(picked), torch.from_numpy(batch.gold))
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()


def engine(model: str, mlm: dict[str, int], steps: int, adapters: Path) -> None:
    """The Lab: finetuned twice, so that the weights were put back in between."""
    asked = made.study(model, ("pos",), targets=("qaa",), mlm=mlm, steps=(steps,), limit=8)
    lab = Lab(made.resolved(asked), model, adapters, device="cpu")
    for seed in (0, 1):
        lab.finetune("qaa", steps=steps, seed=seed)


def main() -> None:
    """What the JSON file on the command line says."""
    said = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    if said["side"] == "bare":
        bare(said["model"], FinetuningSettings(**said["mlm"]), said["steps"])
    elif said["side"] == "engine":
        engine(said["model"], said["mlm"], said["steps"], Path(said["adapters"]))
    else:
        import adapters  # noqa: F401 - with all that the other sides import
        import transformers.models.bert.modeling_bert  # noqa: F401

        made.resolved(made.study("tiny", ("pos",)))


if __name__ == "__main__":
    main()
