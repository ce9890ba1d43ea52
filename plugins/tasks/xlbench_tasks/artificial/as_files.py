"""Artificial languages as files of the kind that a researcher begins with: the data of a tutorial.

    python -m xlbench_tasks.artificial.as_files FOLDER

writes treebanks in CoNLL-U (`ud/`) and text with one sentence per line (`text/`). One language, Toruk, is
written as a language of one's own: raw text in paragraphs (`raw/`), and a treebank under a code that xlbench
does not know.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xlbench_tasks.artificial.data import ArtificialData, ArtificialText
from xlbench_tasks.artificial.tree import LEAVES

if TYPE_CHECKING:
    from xlbench.contracts import Split
    from xlbench_tasks.artificial.sentence import Sentence

OWN, CODE = "qag", "qtb"
"""The language that is written as one's own, and its code there."""
SENTENCES: dict[Split, int] = {"train": 200, "dev": 50, "test": 150}
LINES = 2000
PARAGRAPH = 5
"""Sentences in a paragraph of raw text."""


def write(folder: Path) -> None:
    """Write the files of all languages; a folder that is there is written over."""
    data, text = ArtificialData("pos"), ArtificialText()
    for name in ("raw", "text", "ud"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for code in LEAVES:
        written = CODE if code == OWN else code
        treebank = folder / "ud" / f"{written}_made"
        treebank.mkdir(exist_ok=True)
        for split, count in SENTENCES.items():
            sentences = data.sentences(code, split, count)
            blocks = (conllu(x, f"{written}-{split}-{i}") for i, x in enumerate(sentences, start=1))
            (treebank / f"{split}.conllu").write_text("".join(blocks), "utf-8")
        lines = text.lines(code, LINES)
        if code == OWN:
            (folder / "raw" / "mine.txt").write_text("\n\n".join(paragraphs(lines)) + "\n", "utf-8")
        else:
            (folder / "text" / f"{code}.txt").write_text("\n".join(lines) + "\n", "utf-8")


def conllu(sentence: Sentence, name: str) -> str:
    """A sentence in CoNLL-U."""
    rows, rest = [f"# sent_id = {name}", f"# text = {sentence.text}"], sentence.text
    words = zip(sentence.words, sentence.upos, sentence.heads, sentence.relations, strict=True)
    for number, (form, upos, head, relation) in enumerate(words, start=1):
        rest = rest.removeprefix(form)
        space = "_" if rest.startswith(" ") or not rest else "SpaceAfter=No"
        rows.append("\t".join((str(number), form, "_", upos, "_", "_", str(head), relation, "_", space)))
        rest = rest.removeprefix(" ")
    return "\n".join(rows) + "\n\n"


def paragraphs(lines: Sequence[str]) -> Iterator[str]:
    """Sentences, several after one another."""
    for start in range(0, len(lines), PARAGRAPH):
        yield " ".join(lines[start : start + PARAGRAPH])


if __name__ == "__main__":
    write(Path(sys.argv[1]))
