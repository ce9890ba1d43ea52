"""Write the table of languages of README.md: python make_card.py PRETRAINING_TEXT OTHER_TEXT.

Both are folders of <iso>.txt with one sentence per line. Of each language in the first, the first 100 lines
were never trained on; languages that only the second has are unseen, and their first 100 lines are read.
15% of the tokens are masked, with a fixed seed. Needs xlbench and this package; a minute on one CPU.
"""

import json
import math
import re
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import torch
from transformers import BertForMaskedLM, PreTrainedTokenizerFast

from xlbench_babel import CHECKPOINT, LINES

UNSEEN = (
    "bam",
    "ben",
    "bre",
    "ewe",
    "fao",
    "gle",
    "grn",
    "hau",
    "ibo",
    "lug",
    "mlt",
    "mos",
    "pcm",
    "tel",
    "wol",
    "yor",
)
HELD_OUT, LENGTH = 100, 128


def first_lines(path: Path) -> list[str]:
    """The first 100 lines that are not empty."""
    with path.open(encoding="utf-8") as file:
        return list(islice(filter(None, (x.rstrip("\n") for x in file)), HELD_OUT))


def row(code: str, lines: list[str], model: BertForMaskedLM, tokenizer: PreTrainedTokenizerFast) -> str:
    """A row of the table: loss and unigram entropy in nats per masked token, tokens per word."""
    read = tokenizer(lines, padding=True, truncation=True, max_length=LENGTH, return_tensors="pt")
    ids = read["input_ids"]
    words = ids > max(tokenizer.all_special_ids)
    masked = words & (torch.rand(ids.shape, generator=torch.Generator().manual_seed(0)) < 0.15)
    with torch.inference_mode():
        shown = ids.masked_fill(masked, tokenizer.mask_token_id)
        logits = model(input_ids=shown, attention_mask=read["attention_mask"]).logits[masked]
    loss = torch.nn.functional.cross_entropy(logits, ids[masked]).item()
    counts = Counter(ids[words].tolist())
    total = sum(counts.values())
    unigram = -sum(n / total * math.log(n / total) for n in counts.values())
    fertility = total / sum(len(x.split()) for x in lines)
    known = f"seen, {LINES[code]:,} lines" if code in LINES else "unseen"
    return f"| {code} | {known} | {loss:.2f} | {unigram:.2f} | {fertility:.2f} |"


def main(seen: Path, other: Path) -> None:
    """Write the table, between its two marks."""
    model = BertForMaskedLM.from_pretrained(CHECKPOINT).float().eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(CHECKPOINT)
    torch.set_num_threads(1)
    about = json.loads((CHECKPOINT / "pretraining.json").read_text("utf-8"))
    folders = {**dict.fromkeys(sorted(LINES), seen), **dict.fromkeys(UNSEEN, other)}
    rows = [row(x, first_lines(folder / f"{x}.txt"), model, tokenizer) for x, folder in folders.items()]
    size = f"{about['steps']:,} steps, {about['tokens'] / 1e6:.1f} M tokens"
    head = "| language | in pretraining | loss | unigram | tokens per word |\n|---|---|---|---|---|"
    card = Path(__file__).with_name("README.md")
    text = re.sub(
        r"(?s)<!-- table -->.*<!-- end -->",
        lambda _: "\n".join(
            (
                "<!-- table -->",
                f"Pretraining: {size}, {about['hours']:.1f} hours on one core.",
                "",
                head,
                *rows,
                "<!-- end -->",
            )
        ),
        card.read_text("utf-8"),
    )
    card.write_text(text, "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
