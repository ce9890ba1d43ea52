"""How probable a language model finds a text, read by its own head.

Of a decoder it is the log-likelihood, in one pass: the sum over tokens of log p(token | all before it), the
first one given the token that stands before texts (its start or, of models that have none, its end).

Of an encoder it is the pseudo-log-likelihood of Salazar et al. (2020, "Masked Language Model Scoring", ACL):
the sum over tokens of log p(token | all others), with one pass of the model per token. Here a text's words
are divided into at most `PATTERNS` groups, and each pass masks one of them whole:

    PLL(W) = sum over groups G of  sum over tokens t in G of  log p(w_t | W without G)

Every token is masked exactly once, the words of a text always in the same groups. Words are masked whole,
since a masked token whose neighbours in the word stay visible is easy to guess, the more so the finer a
tokenizer cuts (Kauf and Ivanova 2023, "A Better Way to Do Masked Language Model Scoring", ACL).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from xlbench.contracts import Likelihood
from xlbench.lab.encode import Encoded
from xlbench.lab.kinds.kind import Predicted, check_finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from xlbench.contracts import Line, Task
    from xlbench.lab.batches import Batch
    from xlbench.lab.encode import Tokenization
    from xlbench.lab.encoder import Encoder

PATTERNS = 5
"""Groups of a text's words, hence passes: a fifth of the words is masked in each."""
LONGEST = 8
"""Tokens of a word that are masked together at most; a longer one, as scripts without spaces have, is cut."""
MASKS = 0
"""Seed of the division into groups, the same for all models, states and texts."""
LOGITS = 2**25
"""Numbers in the vocabulary's logits that are in memory at a time, roughly."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Masked(Encoded):
    """Texts, each as one input per group of its words, or as one; an input's places are the tokens that are
    predicted.
    """

    example: NDArray[np.int64]
    characters: NDArray[np.int64]
    """Characters of each text that its scored tokens stand for."""
    vocabulary: int
    """Tokens that the tokenizer has."""


class LanguageModel:
    """Minus the log-likelihood of each text, and what it is the likelihood of."""

    def encode(self, examples: Sequence[Line], how: Tokenization) -> Masked:
        """A text with one group of its words to be masked is an input; for a decoder, a text.

        Unknown tokens are seen but not scored, and their characters do not count: a model whose tokenizer
        does not know a script would find it easy. `truncated` has those, and the characters cut off.
        """
        tokenizer, causal = how.tokenizer, how.family == "decoder"
        start = _start(tokenizer) if causal else []
        batch = tokenizer(
            [x.text for x in examples], truncation=True, max_length=how.max_length - len(start),
            add_special_tokens=not causal, return_attention_mask=False, return_token_type_ids=False,
        )  # fmt: skip
        ids: list[NDArray[np.int32]] = []
        places: list[NDArray[np.int32]] = []
        owners: list[int] = []
        characters = np.zeros(len(examples), np.int64)
        for number, (line, encoding) in enumerate(zip(examples, batch.encodings, strict=True)):
            scored = [i for i, word in enumerate(encoding.word_ids) if word is not None]
            covered = encoding.offsets[scored[-1]][1] if encoding.overflowing and scored else len(line.text)
            unknown = {i for i in scored if encoding.ids[i] == tokenizer.unk_token_id}
            if causal and not start:  # nothing is before the first token
                unknown |= {*scored[:1]}
            covered -= sum(right - left for left, right in (encoding.offsets[i] for i in unknown))
            kept = [i for i in scored if i not in unknown]
            if causal:
                groups = [np.array(kept, np.int32) + len(start)] if kept else []
            else:
                groups = _groups([(i, encoding.word_ids[i]) for i in kept])
            characters[number] = covered if groups else 0
            pieces = np.asarray([*start, *encoding.ids], np.int32)
            ids += [pieces] * len(groups)
            places += groups
            owners += [number] * len(groups)
        return Masked(
            ids, None, places, [x.text for x in examples],
            sum(len(x.text) for x in examples) - int(characters.sum()),
            example=np.array(owners, np.int64), characters=characters, vocabulary=len(tokenizer),
        )  # fmt: skip

    def answers(self, encoder: Encoder, task: Task, batch: Batch) -> Sequence[NDArray[Any]]:
        """Nats and tokens of each input's places, shape (2,)."""
        nats = self._nats(encoder, batch)
        check_finite(task, nats)
        each = batch.split(nats.double().cpu().numpy())
        return [np.array([x.sum(), len(x)]) for x in each]

    def loss(self, encoder: Encoder, task: Task, batch: Batch, targets: NDArray[Any]) -> Tensor:
        """Mean over the tokens that are predicted."""
        return self._nats(encoder, batch).mean()

    def places(self, batch: Batch, targets: NDArray[Any]) -> int:
        """Tokens that are predicted."""
        return len(batch.slots)

    def _nats(self, encoder: Encoder, batch: Batch) -> Tensor:
        """Of each place, shape (places,)."""
        masked = batch.ids.long()
        gold = masked[batch.rows, batch.columns]
        if encoder.family == "decoder":
            vectors = encoder.hidden(batch)[batch.rows, batch.columns - 1]
        else:
            masked[batch.rows, batch.columns] = encoder.tokenizer.mask_token_id
            vectors = encoder.hidden(replace(batch, ids=masked))[batch.rows, batch.columns]
        size = max(1, LOGITS // encoder.model.config.vocab_size)
        return torch.cat(
            [
                cross_entropy(encoder.vocabulary_logits(few), true, reduction="none")
                for few, true in zip(torch.split(vectors, size), torch.split(gold, size), strict=True)
            ]
        )

    def predicted(self, task: Task, encoded: Encoded, answers: Sequence[NDArray[Any]]) -> list[Predicted]:
        """The sum over the inputs of each text."""
        assert isinstance(encoded, Masked)  # noqa: S101 - what `encode` made
        sums = encoded.by_example(np.reshape(answers, (-1, 2)))
        return [
            Likelihood(float(nats), int(n), int(tokens))
            for (nats, tokens), n in zip(sums, encoded.characters, strict=True)
        ]

    def baseline(self, task: Task, train: Sequence[Encoded], test: Encoded) -> list[Predicted]:
        """Every token of the vocabulary equally probable."""
        assert isinstance(test, Masked)  # noqa: S101 - what `encode` made
        tokens = np.bincount(test.example, [len(x) for x in test.places], len(test.characters))
        return [
            Likelihood(float(n) * math.log(test.vocabulary), int(characters), int(n))
            for n, characters in zip(tokens, test.characters, strict=True)
        ]


def _start(tokenizer: Any) -> list[int]:
    """The token before a text, where there is one."""
    found = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    return [] if found is None else [found]


def _groups(tokens: Sequence[tuple[int, int]]) -> list[NDArray[np.int32]]:
    """Positions of tokens, given with the number of their word, in groups of whole words, none empty."""
    words: list[list[int]] = []
    last = None
    for position, word in tokens:
        if word != last or len(words[-1]) == LONGEST:
            words.append([])
        words[-1].append(position)
        last = word
    order = np.random.default_rng([MASKS, len(words)]).permutation(len(words))
    return [
        np.array(sorted(i for word in order[group::PATTERNS] for i in words[word]), np.int32)
        for group in range(min(PATTERNS, len(words)))
    ]
