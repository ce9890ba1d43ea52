"""The texts that a study trains on: languages put together and treated, as chunks of tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xlbench.contracts.treatment import MIXTURE
from xlbench.errors import DataError, JobError, XlbenchError, said_of
from xlbench.lab import matched
from xlbench.lab.chunks import measured_chunks

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from xlbench.contracts import FinetuningSettings, Resolved, Treatment
    from xlbench.lab.encoder import Encoder
    from xlbench.lab.matched import Amounts, Budget

    Phase = Callable[[str], AbstractContextManager[object]]
    Chunks = tuple[NDArray[np.int32], Amounts]


class Texts:
    """Text of a study as tokens, kept."""

    def __init__(self, resolved: Resolved, encoder: Encoder, phase: Phase) -> None:
        """`phase` times what it names."""
        self._resolved, self._encoder, self._phase = resolved, encoder, phase
        self._kept: dict[tuple[str, int, int, str, int], Chunks] = {}
        """By language, lines, length of a chunk, and treatment of lines with its seed."""
        self._last: tuple[tuple[object, ...], Chunks] | None = None
        """What was trained on last."""
        self._functions: dict[str, Callable[..., Any]] = {}

    def chunks(self, language: str, lines: int, chunk: int) -> NDArray[np.int32]:
        """The study's text of a language as tokens, shape (chunks, length)."""
        return self.measured(language, lines, chunk)[0]

    def measured(
        self, language: str, lines: int, chunk: int, treatment: Treatment | None = None, seed: int = 0
    ) -> Chunks:
        """As `chunks`, with what each chunk holds. `treatment`: of lines."""
        treated = (treatment.name, seed if treatment.draws else 0) if treatment else ("", 0)
        key = (language, lines, min(chunk, self._encoder.longest), *treated)
        if key not in self._kept:
            with self._phase("tokenize"):
                found = self._resolved.corpus.lines(language, lines)
                if treatment is not None:
                    found = self._lines(treatment, found, language, seed)
                self._kept[key] = measured_chunks(found, self._encoder.tokenizer, key[2])
                self._kept[key][0].flags.writeable = False  # probes share it
        return self._kept[key]

    def trained_on(self, text: str, treatment: str, how: FinetuningSettings, seed: int) -> Chunks:
        """A text, of one language or several, as it is trained on, and what each chunk holds: of treated
        tokens, as before they were treated. Raises StudyError for a treatment that is not registered,
        DataError for texts that cannot be put together, JobError for a treatment that fails.
        """
        key = (text, treatment, how.lines, min(how.chunk, self._encoder.longest), seed)
        if self._last is None or self._last[0] != key:
            self._last = None  # one is large enough
            self._last = key, self._treated(text, treatment, how, seed)
        return self._last[1]

    def _treated(self, text: str, treatment: str, how: FinetuningSettings, seed: int) -> Chunks:
        one = self._resolved.treatment(treatment)
        shares = self._resolved.text_shares(text, treatment)
        of_lines = one if one.stage == "lines" else None
        each = [self.measured(x, how.lines, how.chunk, of_lines, seed) for x in shares]
        (chunks, amounts), *others = each
        if others or one.stage == "languages":
            mixing = one if one.stage == "languages" else self._resolved.treatment(MIXTURE)
            chunks, amounts = self._together(mixing, each, shares, seed)
        if one.stage == "tokens":
            chunks = self._tokens(one, chunks, seed)
        return chunks, amounts

    def budget_of(self, text: str, treatment: str, how: FinetuningSettings, seed: int) -> Budget | None:
        """What steps on a text hold; None where each has as many chunks as any other."""
        amount, reference = self._resolved.matched, self._resolved.study.reference
        if amount is None:
            return None
        if reference is None:
            raise DataError(f"match {amount}: no reference language; name one with --reference")
        mine = self.trained_on(text, treatment, how, seed)[1]
        other = self.measured(reference, how.lines, how.chunk)[1]
        tokens = how.batch_size * min(how.chunk, self._encoder.longest)
        return matched.budget(amount, mine, other, tokens, (text, reference))

    def _lines(self, one: Treatment, lines: Sequence[str], language: str, seed: int) -> Sequence[str]:
        found = self._do(one, list(lines), language, seed)
        if not isinstance(found, list | tuple):
            raise self._at_fault(one, f"gives {type(found).__name__}, not a list of texts")
        for line in found:
            if not isinstance(line, str):
                raise self._at_fault(one, f"gives {line!r:.40} among its lines, which is no text")
        if not any(x.strip() for x in found):
            raise self._at_fault(one, f"leaves nothing of the text in {language}")
        return found

    def _tokens(self, one: Treatment, chunks: NDArray[np.int32], seed: int) -> NDArray[np.int32]:
        found = self._do(one, chunks, self._encoder.tokenizer.all_special_ids, seed)
        if not _is_of_integers(found) or found.shape != chunks.shape:
            what = type(found).__name__
            if isinstance(found, np.ndarray):
                what = f"shape {found.shape}" if _is_of_integers(found) else "fractions"
            raise self._at_fault(one, f"gives {what}, not whole numbers of shape {chunks.shape}")
        vocabulary = self._encoder.model.config.vocab_size
        if int(found.min()) < 0 or int(found.max()) >= vocabulary:
            raise self._at_fault(one, f"gives numbers that are no tokens of the {vocabulary} that there are")
        return np.asarray(found, np.int32)

    def _together(
        self, one: Treatment, each: Sequence[Chunks], shares: dict[str, float], seed: int
    ) -> Chunks:
        texts = [chunks for chunks, _ in each]
        lengths = {chunks.shape[1] for chunks in texts}
        if len(lengths) > 1:
            short = min(shares, key=lambda x: texts[list(shares).index(x)].shape[1])
            raise DataError(f"text in {short} is shorter than a chunk of {max(lengths)}; lower mlm.chunk")
        found = self._do(one, texts, list(shares.values()), seed)
        if not isinstance(found, list | tuple) or len(found) != len(texts):
            raise self._at_fault(
                one, f"gives {type(found).__name__}, not numbers of chunks for each language"
            )
        rows = [self._rows(one, some, len(chunks)) for chunks, some in zip(texts, found, strict=True)]
        if not sum(map(len, rows)):
            raise self._at_fault(one, "takes no chunk at all")
        counts = [amounts.counts[some] for (_, amounts), some in zip(each, rows, strict=True)]
        together = matched.Amounts(
            np.concatenate(counts), each[0][1].length, all(amounts.spaced for _, amounts in each)
        )
        return np.concatenate([x[some] for x, some in zip(texts, rows, strict=True)]), together

    def _rows(self, one: Treatment, some: Any, count: int) -> NDArray[np.int64]:
        """Numbers of chunks of a text of so many."""
        numbers = np.asarray(some)
        if numbers.size == 0:
            return np.empty(0, np.int64)
        fits = _is_of_integers(numbers) and numbers.ndim == 1 and ((numbers >= 0) & (numbers < count)).all()
        if not fits:
            raise self._at_fault(one, f"gives numbers that are no chunks of the {count} there are")
        return numbers.astype(np.int64)

    def _do(self, one: Treatment, *given: Any) -> Any:
        """What a treatment makes of something. Raises JobError, one line, for what it raises."""
        try:
            if one.name not in self._functions:
                self._functions[one.name] = one.load()
            return self._functions[one.name](*given)
        except (JobError, XlbenchError):
            raise
        except Exception as error:
            raise self._at_fault(one, f"fails: {said_of(error)}") from error

    def _at_fault(self, one: Treatment, what: str) -> JobError:
        return JobError(f"{self._resolved.method.named('treatment', one.name)} {what}")


def _is_of_integers(found: object) -> bool:
    return isinstance(found, np.ndarray) and np.issubdtype(found.dtype, np.integer)
