"""Pretrain `babel` from text: python pretrain.py PRETRAINING_TEXT OTHER_TEXT CHECKPOINT.

Both kinds of text are folders of <iso>.txt with one sentence per line. The model is trained on the first
folder, but for the first 100 lines of each language; letters of the second are in the vocabulary as well, so
that languages which the model has not seen can be written. A call with the same CHECKPOINT goes on where the
last one was stopped.

Two beginnings, which a small model needs thousands of steps to find, are given to it: the output bias starts
at the logarithm of how frequent each token is, and in the first two layers four heads of six start as readers
of a neighbour (the token before, after, two or three away). From there on every weight is trained alike.
"""

import argparse
import collections
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

LEFT_OUT = {"zho", "jpn", "kor", "heb", "div"}
"""Languages that are not pretrained on."""
IDEOGRAPHIC = {"zho", "jpn", "kor", "mya", "cop"}
"""Their letters would fill the vocabulary."""
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
HELD_OUT, LENGTH, BATCH, VOCABULARY = 100, 128, 16, 14_000
WIDTH, LAYERS, HEAD = 192, 4, 32
NEIGHBOURS = ((-1, 1, -2, 2), (-1, 1, -3, 3))
"""Where the first heads of the first layers start to look, in tokens from their own."""


def tokenizer_of(texts: dict[str, list[str]], other: Path) -> PreTrainedTokenizerFast:
    """A unigram tokenizer, trained on 260 kB of each language."""
    letters: set[str] = set()
    for file in other.glob("*.txt"):
        if file.stem not in IDEOGRAPHIC:
            counts = collections.Counter(file.read_text("utf-8"))
            letters |= {x for x, n in counts.items() if n >= 3 and not x.isspace()}
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()

    def evenly() -> Iterator[str]:
        for lines in texts.values():
            sizes = itertools.accumulate(len(x.encode()) for x in lines[HELD_OUT:])
            yield from (x for x, size in zip(lines[HELD_OUT:], sizes, strict=True) if size <= 260_000)

    tokenizer.train_from_iterator(
        evenly(),
        trainers.UnigramTrainer(
            vocab_size=VOCABULARY,
            special_tokens=SPECIAL,
            unk_token=SPECIAL[3],
            initial_alphabet=sorted(letters),
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>"}
    names |= {"pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=256, **names)


def chunks(tokenizer: PreTrainedTokenizerFast, lines: list[str]) -> torch.Tensor:
    """The lines one after the other, cut into rows of 128 tokens: (rows, 128)."""
    ids = [x for line in tokenizer.backend_tokenizer.encode_batch(lines) for x in line.ids]
    whole = len(ids) // LENGTH * LENGTH
    return torch.tensor(ids[:whole]).reshape(-1, LENGTH)


def new_model(frequencies: torch.Tensor) -> BertForMaskedLM:
    """The model at its start. `frequencies` (tokens,) are shares of the text."""
    torch.manual_seed(0)
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=len(frequencies),
            hidden_size=WIDTH,
            num_hidden_layers=LAYERS,
            num_attention_heads=WIDTH // HEAD,
            intermediate_size=4 * WIDTH,
            max_position_embeddings=256,
            pad_token_id=1,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            attn_implementation="eager",
        )
    )
    with torch.no_grad():
        model.cls.predictions.bias.copy_(frequencies.log() - frequencies.log().mean())
        _read_neighbours(model)
    return model


def _read_neighbours(model: BertForMaskedLM) -> None:
    """Positions as 16 waves in the first 32 dimensions, and heads whose score is highest at a neighbour.

    The score of head d is proportional to sum over f of cos(f (j - i - d)): keys are the waves, queries the
    waves turned by f d (RoFormer's rotation, arXiv 2104.09864, between absolute positions).
    """
    waves = HEAD // 2
    frequency = torch.linspace(0.05, 1, waves) * torch.pi * 0.9
    angle = torch.arange(256)[:, None] * frequency
    embeddings = model.bert.embeddings
    embeddings.word_embeddings.weight[:, :HEAD] = 0
    embeddings.token_type_embeddings.weight.zero_()
    embeddings.position_embeddings.weight.zero_()
    amplitude = model.config.initializer_range * 2**0.5
    embeddings.position_embeddings.weight[:, :HEAD] = amplitude * torch.cat((angle.cos(), angle.sin()), dim=1)
    size = (6 / waves * HEAD**0.5) ** 0.5
    for layer, offsets in zip(model.bert.encoder.layer, NEIGHBOURS, strict=False):
        queries, keys = layer.attention.self.query.weight, layer.attention.self.key.weight
        for head, offset in enumerate(offsets):
            rows = slice(head * HEAD, (head + 1) * HEAD)
            cosine, sine = torch.diag((frequency * offset).cos()), torch.diag((frequency * offset).sin())
            turn = torch.cat((torch.cat((cosine, -sine), dim=1), torch.cat((sine, cosine), dim=1)))
            queries[rows], keys[rows] = 0, 0
            queries[rows, :HEAD], keys[rows, :HEAD] = size * turn, size * torch.eye(HEAD)


def loss_of(
    model: BertForMaskedLM, ids: torch.Tensor, generator: torch.Generator | None = None
) -> torch.Tensor:
    """Loss in nats per masked token: of 20% of the tokens, 80% are masked, 10% replaced and 10% kept."""
    draw, how = (torch.rand(ids.shape, generator=generator) for _ in range(2))
    chosen = (draw < 0.2) & (ids >= len(SPECIAL))
    shown = ids.clone()
    shown[chosen & (how < 0.8)] = SPECIAL.index("<mask>")
    replaced = chosen & (how >= 0.8) & (how < 0.9)
    shown[replaced] = torch.randint(len(SPECIAL), VOCABULARY, ids.shape, generator=generator)[replaced]
    with torch.autocast("cpu", torch.bfloat16):
        logits = model.cls(model.bert(input_ids=shown).last_hidden_state[chosen])
    return torch.nn.functional.cross_entropy(logits.float(), ids[chosen])


def save(
    model: BertForMaskedLM, held: dict[str, torch.Tensor], about: dict[str, object], folder: Path
) -> None:
    """Weights in float16, and what is known of them."""
    model.eval()
    with torch.inference_mode():
        losses = {
            x: round(loss_of(model, ids[:16], torch.Generator().manual_seed(1)).item(), 2)
            for x, ids in held.items()
        }
    about = {**about, "seed": 0, "batch": BATCH, "languages": sorted(held), "held_out_loss": losses}
    (folder / "pretraining.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    half = BertForMaskedLM(model.config)
    half.load_state_dict(model.state_dict())
    half.half().save_pretrained(folder)
    model.train()


def main(pretraining: Path, other: Path, folder: Path, steps: int, rate: float) -> None:
    """Train for so many steps in all; the state is kept beside the weights every 1,000 steps."""
    texts = {
        file.stem: [x for x in file.read_text("utf-8").split("\n") if x]
        for file in sorted(pretraining.glob("*.txt"))
        if file.stem not in LEFT_OUT
    }
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "tokenizer.json").exists():
        tokenizer_of(texts, other).save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    train = {x: chunks(tokenizer, lines[HELD_OUT:]) for x, lines in texts.items()}
    held = {x: chunks(tokenizer, lines[:HELD_OUT]) for x, lines in texts.items()}
    names = sorted(train)
    weights = torch.tensor([float(len(train[x])) for x in names]).sqrt()
    counts = torch.ones(VOCABULARY)
    for name, weight in zip(names, weights / weights.sum(), strict=True):
        rows = train[name]
        counts += 2e6 * weight * torch.bincount(rows.flatten(), minlength=VOCABULARY) / rows.numel()
    model = new_model(counts / counts.sum())
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    done, seconds = 0, 0.0
    state = folder / "state.pt"
    if state.exists():
        kept = torch.load(state, weights_only=True)
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        done, seconds = kept["done"], kept["seconds"]
    torch.manual_seed(done)
    model.train()
    while done < steps:
        start = time.monotonic()
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (done + 1) / 300) * max(0.02, 1 - done / steps)
        drawn = [names[i] for i in torch.multinomial(weights, BATCH, replacement=True).tolist()]
        batch = torch.stack([train[x][int(torch.randint(len(train[x]), ()))] for x in drawn])
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        done += 1
        seconds += time.monotonic() - start
        if done % 1000 == 0 or done == steps:
            left = (steps - done) * seconds / done / 60
            print(f"step {done:,} of {steps:,}, loss {loss.item():.2f}, {left:.0f} minutes left", flush=True)
            about = {
                "steps": done,
                "tokens": done * BATCH * LENGTH,
                "hours": round(seconds / 3600, 2),
                "learning_rate": rate,
            }
            save(model, held, about, folder)
            aside = folder / ".state.pt"
            torch.save(
                {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "done": done,
                    "seconds": seconds,
                },
                aside,
            )
            aside.replace(state)


if __name__ == "__main__":
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("pretraining", type=Path)
    options.add_argument("other", type=Path)
    options.add_argument("folder", type=Path)
    options.add_argument("--steps", type=int, default=20_000)
    options.add_argument("--rate", type=float, default=1e-3)
    given = options.parse_args()
    main(given.pretraining, given.other, given.folder, given.steps, given.rate)
