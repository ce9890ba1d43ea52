"""How much text transfer languages get in equal steps, and with amounts matched; nothing is trained.

    python -m benchmarks.donors TEXT CHECKPOINT REFERENCE SEEN UNSEEN [STEPS]

TEXT is a folder or corpus as for `--text`; of CHECKPOINT the tokenizer alone is loaded. SEEN and UNSEEN are
languages with commas between. Prints what fine-tunings of STEPS (10) steps read, in batches of 8 x 512 tokens
as in arXiv 2403.20088, counted in the very batches; and the mean of the seen over that of the unseen.
"""

from __future__ import annotations

import sys
from itertools import islice

import numpy as np

from xlbench import plugins
from xlbench.contracts import FinetuningSettings, Match
from xlbench.lab import loading, matched
from xlbench.lab.chunks import measured_chunks
from xlbench.lab.objectives.masked import masked_batches
from xlbench.studies.lookup import find_corpus

KINDS: tuple[Match, ...] = ("steps", "tokens", "words", "bytes")


def main() -> None:
    """See the module."""
    text, checkpoint, reference, *sides = sys.argv[1:6]
    steps = int(sys.argv[6]) if len(sys.argv) > 6 else 10
    seen, unseen = (x.split(",") for x in sides)
    corpus = find_corpus(text, plugins.load(), {})
    tokenizer, mlm = loading.tokenizer(checkpoint, "encoder"), FinetuningSettings()
    texts = {
        x: measured_chunks(list(dict.fromkeys(corpus.lines(x, mlm.lines))), tokenizer, mlm.chunk)
        for x in dict.fromkeys((*seen, *unseen, reference))
    }
    print(f"{steps} steps; words per line and tokens per word are of the text; read: words/bytes (chunks)")
    heads = "  ".join(f"{'match ' + x:>24}" for x in KINDS)
    print(f"language  seen  words per line  tokens per word  {heads}")
    read: dict[tuple[str, str], dict[str, float]] = {}
    for x in (*seen, *unseen):
        ids, amounts = texts[x]
        cells = []
        for kind in KINDS:
            step = None
            if kind != "steps":
                tokens = mlm.batch_size * mlm.chunk
                step = matched.budget(kind, amounts, texts[reference][1], tokens, (x, reference))
            batches = islice(masked_batches(ids, tokenizer, len(tokenizer), mlm, 0, step), steps)
            rows = np.concatenate([batch.chunks for batch in batches])
            found = read[kind, x] = amounts.read(rows)
            words = f"{found['words_read']:,.0f}" if amounts.spaced else "-"
            cells.append(f"{words + '/' + format(found['bytes_read'], ',.0f'):>18} ({len(rows):3})")
        tokens_all, words_all, _ = amounts.counts.sum(axis=0)
        lines = len(dict.fromkeys(corpus.lines(x, mlm.lines)))
        rates = f"{words_all / lines:14.1f}  {tokens_all / words_all:15.2f}"
        print(f"{x:8}  {'yes' if x in seen else 'no':4}  {rates}  {'  '.join(cells)}")
    for kind in KINDS:
        means = {
            what: [np.mean([read[kind, x][f"{what}_read"] for x in side]) for side in (seen, unseen)]
            for what in ("tokens", "words", "bytes")
        }
        ratios = ", ".join(f"{what} {one / other:.2f}" for what, (one, other) in means.items())
        print(f"seen over unseen, match {kind}: {ratios}")


if __name__ == "__main__":
    main()
