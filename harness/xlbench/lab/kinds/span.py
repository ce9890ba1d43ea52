"""Answers that are spans of a context, read through windows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy, log_softmax

from xlbench.errors import JobError
from xlbench.lab.encode import Encoded
from xlbench.lab.kinds.kind import Predicted, check_finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from xlbench.contracts import Answered, Task
    from xlbench.lab.batches import Batch
    from xlbench.lab.encode import Tokenization
    from xlbench.lab.encoder import Encoder

QUESTION = 64
"""Pieces of a question at most, and half the input at most; what is beyond is cut off."""
OVERLAP = 128
"""Pieces that a window shares with the one before, and half the room for the context at most."""
ANSWER = 30
"""Pieces of a predicted answer at most."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Windows(Encoded):
    """Questions with windows of their contexts; a window is an input."""

    contexts: list[str]
    """Of each example."""
    example: NDArray[np.int64]
    offsets: list[NDArray[np.int32]]
    """Start and end of each piece of a window in its context, in characters, shape (pieces, 2)."""
    spans: NDArray[np.int64]
    """First and last piece of the first answer in each window, shape (windows, 2)."""
    absent: NDArray[np.int64]
    """Where each window points that has not the answer, shape (windows,)."""


class Span:
    """The first and the last piece of an answer, by a linear head (Devlin et al. 2019, section 4.2).

    A distribution over the pieces of the context in a window and the one at which a text is read (its first,
    or its last), which stands for "not in here", so that spans of several windows can be compared by their
    probability.
    """

    def encode(self, examples: Sequence[Answered], how: Tokenization) -> Windows:
        """A question and a window of its context are an input."""
        tokenizer, max_length = how.tokenizer, how.max_length
        end = _end(how)
        max_length -= len(end)
        special = tokenizer.num_special_tokens_to_add(pair=True)
        longest = min(QUESTION, max_length // 2)
        questions, cut = _cut([x.question for x in examples], tokenizer, longest)
        if how.second([""]) != [""]:
            questions = [f"{x}\n" for x in questions]
        batch = tokenizer(
            questions, [x.context for x in examples], truncation="only_second", max_length=max_length,
            stride=min(OVERLAP, (max_length - longest - special) // 2), return_overflowing_tokens=True,
            return_attention_mask=False,
        )  # fmt: skip
        owners = np.array(batch["overflow_to_sample_mapping"], np.int64)
        typed = "token_type_ids" in tokenizer.model_input_names
        offsets = [np.array(e.offsets, np.int32).reshape(-1, 2) for e in batch.encodings]
        places = [np.flatnonzero([x == 1 for x in e.sequence_ids]).astype(np.int32) for e in batch.encodings]
        ids = [np.asarray([*e.ids, *end], np.int32) for e in batch.encodings]
        types = [np.asarray([*e.type_ids, *[0] * len(end)], np.int32) for e in batch.encodings]
        absent = [how.text_place(x) for x in ids]
        return Windows(
            ids,
            types if typed else None,
            places,
            [x.answers for x in examples],
            cut,
            contexts=[x.context for x in examples],
            example=owners,
            absent=np.array(absent, np.int64),
            offsets=offsets,
            spans=np.array(
                [
                    _find(examples[owner], where, pieces, nowhere)
                    for owner, where, pieces, nowhere in zip(owners, offsets, places, absent, strict=True)
                ],
                np.int64,
            ).reshape(-1, 2),
        )

    def add_head(self, model: Any, task: Task) -> None:
        """Linear, two scores a piece."""
        model.add_qa_head(task.name)

    def targets(self, task: Task, sets: Sequence[Encoded]) -> NDArray[np.int64]:
        """First and last piece in every window."""
        return np.concatenate([one.spans for one in sets if isinstance(one, Windows)])

    def loss(self, encoder: Encoder, task: Task, batch: Batch, targets: NDArray[np.int64]) -> Tensor:
        """Mean cross entropy of first and last piece."""
        gold = torch.from_numpy(targets[batch.members]).to(encoder.device)
        starts, ends = self._logits(encoder, task, batch)
        return (cross_entropy(starts, gold[:, 0]) + cross_entropy(ends, gold[:, 1])) / 2

    def places(self, batch: Batch, targets: NDArray[np.int64]) -> int:
        """Windows."""
        return len(batch.members)

    def answers_and_loss(
        self, encoder: Encoder, task: Task, batch: Batch, targets: NDArray[np.int64]
    ) -> tuple[Sequence[NDArray[Any]], NDArray[np.float64]]:
        """First piece, last piece and log probability (nats) of the best span of each window. Where the first
        gold answer begins and where it ends are two decisions in each window; where it has the answer not,
        "not in here" is right.
        """
        both = self._logits(encoder, task, batch)
        gold = torch.from_numpy(targets[batch.members]).to(encoder.device)
        first_, last_ = (cross_entropy(x.float(), gold[:, i], reduction="none") for i, x in enumerate(both))
        starts, ends = (log_softmax(x, -1) for x in both)
        absent = torch.arange(len(starts), device=starts.device), encoder.text_places(batch)
        starts[absent] = ends[absent] = -torch.inf
        width = starts.shape[1]
        longest = min(ANSWER, width)
        # Shape (lengths, batch, width): the span of each length that starts at each piece.
        spans = torch.full((longest, *starts.shape), -torch.inf, device=starts.device)
        for more in range(longest):
            spans[more, :, : width - more] = starts[:, : width - more] + ends[:, more:]
        score, flat = spans.transpose(0, 1).flatten(1).max(-1)
        first, more_ = flat % width, flat // width
        answers = list(torch.stack([first, first + more_, score], 1).cpu().double().numpy())
        return answers, np.stack(
            [(first_ + last_).cpu().double().numpy(), np.full(len(answers), 2.0)], axis=1
        )

    def predicted(self, task: Task, encoded: Encoded, answers: Sequence[NDArray[Any]]) -> list[Predicted]:
        """Of each example the most probable span of all its windows, as the context has it."""
        assert isinstance(encoded, Windows)  # noqa: S101 - what `encode` made
        best: list[tuple[float, str]] = [(-np.inf, "")] * len(encoded.contexts)
        for owner, offsets, (first, last, score) in zip(
            encoded.example, encoded.offsets, answers, strict=True
        ):
            if score > best[owner][0]:
                best[owner] = score, _text(encoded.contexts[owner], offsets, int(first), int(last))
        return [(text,) for _, text in best]

    def baseline(self, task: Task, train: Sequence[Encoded], test: Encoded) -> list[Predicted]:
        """The first pieces of the context, as many as training answers most often have."""
        assert isinstance(test, Windows)  # noqa: S101 - what `encode` made
        lengths = Counter(
            int(last - first)
            for one in train
            if isinstance(one, Windows)
            for (first, last), absent in zip(one.spans, one.absent, strict=True)
            if last != absent
        )
        more = min(lengths, key=lambda x: (-lengths[x], x), default=0)
        found = []
        for number, window in enumerate(np.searchsorted(test.example, np.arange(len(test.contexts)))):
            places = test.places[window][: more + 1]
            context, offsets = test.contexts[number], test.offsets[window]
            found.append((_text(context, offsets, places[0], places[-1]) if len(places) else "",))
        return found

    def _logits(self, encoder: Encoder, task: Task, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of first and last piece, shape (batch, length); minus infinity where no answer can be."""
        output = encoder.outputs(batch)
        allowed = torch.zeros(batch.ids.shape, dtype=torch.bool, device=encoder.device)
        allowed[batch.rows, batch.columns] = True
        allowed[torch.arange(len(allowed), device=encoder.device), encoder.text_places(batch)] = True
        both = []
        for scores in (output.start_logits, output.end_logits):
            check_finite(task, scores[allowed])
            both.append(scores.masked_fill(~allowed, -torch.inf))
        return both[0], both[1]


def _cut(questions: Sequence[str], tokenizer: Any, longest: int) -> tuple[list[str], int]:
    """Questions of at most so many pieces, and how many had to be cut."""
    batch = tokenizer(list(questions), add_special_tokens=False, truncation=True, max_length=longest,
                      return_attention_mask=False)  # fmt: skip
    kept, cut = [], 0
    for question, encoding in zip(questions, batch.encodings, strict=True):
        over = bool(encoding.overflowing)
        kept.append(question[: encoding.offsets[-1][1]] if over else question)
        cut += over
    return kept, cut


def _end(how: Tokenization) -> list[int]:
    """What is put behind a window, so that its last piece is none of the context. Raises JobError where the
    tokenizer has nothing for it.
    """
    if how.texts_at == "first" or how.tokenizer("", add_special_tokens=True)["input_ids"][-1:] == [
        how.tokenizer.eos_token_id
    ]:
        return []
    token = how.tokenizer.eos_token_id
    if token is None:
        token = how.tokenizer.bos_token_id
    if token is None:
        raise JobError("spans cannot be read by a model whose tokenizer has no end and no start of a text")
    return [token]


def _find(
    example: Answered, offsets: NDArray[np.int32], places: NDArray[np.int32], absent: int
) -> tuple[int, int]:
    """First and last piece of the first answer, or `absent`, where a window points that has it not, or not
    whole.
    """
    answer = example.answers[0]
    start = example.starts[0] + len(answer) - len(answer.lstrip())
    end = start + len(answer.strip())
    begins, ends = offsets[places].T
    within = np.flatnonzero((begins < end) & (ends > start))
    if not len(within) or begins[0] > start or ends[-1] < end:
        return absent, absent
    return int(places[within[0]]), int(places[within[-1]])


def _text(context: str, offsets: NDArray[np.int32], first: int, last: int) -> str:
    """A span without the space around it, which some tokenizers count to a piece."""
    return context[offsets[first][0] : offsets[last][1]].strip()
