"""Reader of SQuAD 1.1's JSON: articles of paragraphs of questions with their answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xlbench.contracts import Answered
from xlbench.errors import DataError
from xlbench.readers.lines import read_text
from xlbench.readers.reading import Reading

if TYPE_CHECKING:
    from pathlib import Path


def read_squad(path: Path, limit: int | None) -> Reading[Answered]:
    """The first `limit` questions in file order. Raises DataError, naming file, paragraph and question."""
    try:
        whole = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}:{error.lineno}: column {error.colno}: not JSON ({error.msg}); fetch it again"
        ) from None
    except (RecursionError, ValueError) as error:  # too deep, or a number of thousands of digits
        raise DataError(f"{path}: not SQuAD 1.1's JSON ({type(error).__name__}); fetch it again") from None
    found: list[Answered] = []
    ids: list[str] = []
    for where, context, question in _questions(path, whole):
        if len(found) == limit:
            break
        ids.append(question["id"])
        answers = _list(question, "answers", where)
        texts = [_text(answer, "text", where) for answer in answers]
        starts = [answer.get("answer_start") for answer in answers]
        try:
            found.append(answered(_text(question, "question", where), context, texts, starts))
        except ValueError as error:
            raise DataError(f"{where}: {error}; repair or remove the question") from None
    if not found and limit != 0:
        raise DataError(f"{path}: no question in it; fetch it again, or remove it")
    return Reading(found, ids=ids)


def answered(question: str, context: str, answers: Sequence[str], starts: Sequence[Any]) -> Answered:
    """An example. Raises ValueError, one line, where an answer is not where it is said to be."""
    if not question.strip():
        raise ValueError("an empty question")
    if not answers:
        raise ValueError("no answer (SQuAD 2.0's unanswerable questions are not of this task)")
    for answer, start in zip(answers, starts, strict=True):
        if not answer.strip():
            raise ValueError("an empty answer")
        if type(start) is not int or start < 0 or not context.startswith(answer, start):
            there = context.find(answer)
            hint = f"it is at {there}" if there >= 0 else "the context has it nowhere"
            raise ValueError(f"answer_start {start} does not match the answer {answer!r}; {hint}")
    return Answered(question, context, tuple(answers), tuple(starts))


def _questions(path: Path, whole: Any) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Where it is, context and question, one after the other."""
    for number, article in enumerate(_list(whole, "data", str(path)), 1):
        named = f"{path}: article {number}"
        for position, paragraph in enumerate(_list(article, "paragraphs", named), 1):
            where = f"{named} paragraph {position}"
            context = _text(paragraph, "context", where)
            for question in _list(paragraph, "qas", where):
                if isinstance(question, dict) and type(question.get("id")) is int:
                    question["id"] = str(question["id"])  # GermanQuAD's are numbers
                yield f"{where} question {_text(question, 'id', where)}", context, question


def _list(value: Any, key: str, where: str) -> list[Any]:
    found: list[Any] = _get(value, key, list, "a list", where)
    return found


def _text(value: Any, key: str, where: str) -> str:
    found: str = _get(value, key, str, "a text", where)
    if any("\ud800" <= x <= "\udfff" for x in found):
        raise DataError(f"{where}: {key!r} has half of a surrogate pair, which is no text; repair the file")
    return found


def _get(value: Any, key: str, kind: type[Any], what: str, where: str) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get(key), kind):
        raise DataError(f"{where}: {key!r} has to be {what}, as in SQuAD 1.1; repair the file")
    return value[key]
