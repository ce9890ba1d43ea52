"""How an answer to a question compares with a gold one, in every script.

Both are made alike first, as SQuAD 1.1's script does it for every language of XQuAD and TyDiQA: lower case,
no ASCII punctuation, no English articles, single spaces.

F1 is over the words between spaces. In scripts that put none between words it is over characters, as MLQA's
script has it for Chinese ("mixed segmentation", Lewis et al. 2020): each character of such a script is a word
of its own, and what stands between them is split at spaces. Which those are goes by the text, not by the
language: `UNSPACED`.
"""

from __future__ import annotations

import re
import string
from collections import Counter

ARTICLES = re.compile(r"\b(a|an|the)\b")
WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)
UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u0f00-\u0fff"  # Tibetan
    "\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff"  # Myanmar
    "\u1780-\u17ff\u19e0-\u19ff"  # Khmer
    "\u1950-\u19df\u1a20-\u1aaf"  # Tai Le, New Tai Lue, Tai Tham
    "\ua980-\ua9df\u1b00-\u1b7f"  # Javanese, Balinese
    "\u2e80-\u312f\u3190-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han, kana
    "\uff00-\uffef"  # full and half width forms
    "]"
)
"""A character of a script that puts no space between words, or of its punctuation; Hangul is not of them."""


def normalize(answer: str) -> str:
    """The answer as SQuAD's script compares it."""
    return " ".join(ARTICLES.sub(" ", answer.lower().translate(WITHOUT_PUNCTUATION)).split())


def words(answer: str) -> list[str]:
    """What F1 counts of an answer."""
    return UNSPACED.sub(r" \g<0> ", normalize(answer)).split()


def exact(predicted: str, gold: str) -> bool:
    """Whether both are the same once made alike."""
    return normalize(predicted) == normalize(gold)


def f1(predicted: str, gold: str) -> float:
    """Harmonic mean of precision and recall over words, each as often as it occurs; 0 to 1.

    0 where either has no word, as in SQuAD 1.1.
    """
    said, true = words(predicted), words(gold)
    shared = sum((Counter(said) & Counter(true)).values())
    return 2 * shared / (len(said) + len(true)) if shared else 0.0
