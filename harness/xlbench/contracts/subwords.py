"""What a model's tokenizer makes of languages."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subwords:
    """What the tokenizer makes of a study's text and of the test inputs of one task; no label is read.

    Subword fertility is the mean number of pieces per word (Rust et al. 2021), special tokens left out. Words
    are those of the data; of running text, what stands between spaces, and of scripts that have none the
    fertility is not known.
    """

    text: Mapping[str, float]
    """By transfer language: fertility of its text."""
    tests: Mapping[str, float]
    """By target: fertility of its test inputs."""
    overlap: Mapping[tuple[str, str], float]
    """By (transfer, target), from 0 to 1: of the running pieces of the target's test inputs, the share that
    the transfer language's text has too. The unknown piece is in no text; special tokens and pieces that
    carry no text, such as a lone "▁", do not count."""
