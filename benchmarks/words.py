"""Tokens of words, and test sentences in text, over a folder of treebanks in CoNLL-U.

    python -m benchmarks.words tokens FOLDER eng,deu,fin,tur,rus
    python -m benchmarks.words leaks FOLDER

`tokens` trains tokenizers with the settings of published ones on training text of the named languages, and
compares words' tokens in the test sets with those of plain text: tokens per word, and the types in common as
a share of the types of either; for words tokenized one by one, and as xlbench does it. `leaks` says how many
of a test set's own sentences (`# text`) cleaning leaves in text that is made of them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from published_tokenizers import MAKERS

from xlbench.contracts import Tagged
from xlbench.data.clean_text import CleanText
from xlbench.lab import running_text
from xlbench_tasks import pos

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from xlbench.contracts import Split, TaskData

SAID = "# text = "
SIZE = 8000
"""Types of each tokenizer."""


@dataclass(frozen=True)
class Sentences:
    """A Corpus: a language's sentences as a file's comments have them, and a line of another kind."""

    language: str
    file: Path
    name: str = "sentences"
    source: str = "comments of a treebank"

    def languages(self) -> Collection[str]:
        """Just one."""
        return (self.language,)

    def fingerprint(self, language: str) -> str:
        """Of no use here."""
        return ""

    def lines(self, language: str, limit: int) -> Sequence[str]:
        """All of them, each once."""
        lines = self.file.read_text(encoding="utf-8").split("\n")
        return [*dict.fromkeys(x.removeprefix(SAID) for x in lines if x.startswith(SAID)), "xlbench"][:limit]


def tokens(data: TaskData, languages: Sequence[str]) -> None:
    """Print a line per tokenizer."""
    lines, sentences = [*_tagged(data, languages, "train")], [*_tagged(data, languages, "test")]
    words = sum(len(x.words) for x in sentences)
    print(f"{len(sentences)} sentences, {words} words")
    print("tokenizer            tokens per word: text, one by one, now    types in common: one by one, now")
    for name, make in MAKERS.items():
        tokenizer = make([x.text for x in lines], SIZE)
        given = [list(x.words) for x in sentences]
        alone = tokenizer.backend_tokenizer.encode_batch(
            given, is_pretokenized=True, add_special_tokens=False
        )
        read = running_text.tokenize(sentences, tokenizer, add_special_tokens=False)
        plain = tokenizer([x.text for x in sentences], add_special_tokens=False)["input_ids"]
        text, one, now = (
            [i for ids in found for i in ids]
            for found in (plain, [x.ids for x in alone], [x.encoding.ids for x in read])
        )
        rates = "  ".join(f"{len(x) / words:.2f}" for x in (text, one, now))
        kinds = "  ".join(f"{_common({*x}, {*text}):.1%}" for x in (one, now))
        print(f"{name:20} {rates}    {kinds}")


def _tagged(data: TaskData, languages: Sequence[str], split: Split) -> Iterator[Tagged]:
    for language in languages:
        yield from (x for x in data.examples(language, split) if isinstance(x, Tagged))


def _common(one: set[int], other: set[int]) -> float:
    return len(one & other) / len(one | other)


def leaks(data: TaskData) -> None:
    """Print a line per language."""
    print("language  sentences  stay  share")
    for language in data.languages("test"):
        corpus = Sentences(language, Path(data.files[language, "test"]))  # type: ignore[attr-defined]
        text = CleanText(corpus, {"pos": (data, (language,))})
        total = len(corpus.lines(language, sys.maxsize)) - 1
        stay = len(text.lines(language, sys.maxsize)) - 1
        print(f"{language:8}  {total:9}  {stay:4}  {100 * stay / total:4.1f}%")


def main() -> None:
    """See the module."""
    what, folder, *languages = sys.argv[1:]
    data = pos.folder([Path(folder)])
    if what == "tokens":
        tokens(data, languages[0].split(","))
    else:
        leaks(data)


if __name__ == "__main__":
    main()
