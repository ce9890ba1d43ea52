"""Question answering: SQuAD's JSON, what is wrong with it, and the real sets."""

import json
from pathlib import Path
from typing import Any

import pytest
from manifest import sizes

from xlbench.contracts import Answered
from xlbench.errors import DataError
from xlbench.readers.squad import read_squad
from xlbench_tasks import qa

CONTEXT = "Łódź liegt in Polen. 𝔓olen hat Łódź."
GOOD: dict[str, Any] = {
    "id": "q1",
    "question": "Wo?",
    "answers": [{"text": "Polen", "answer_start": 14}, {"text": "in Polen", "answer_start": 11}],
}


def squad(*questions: dict[str, Any], context: Any = CONTEXT) -> str:
    paragraph = {"context": context, "qas": list(questions)}
    return json.dumps({"version": "1.1", "data": [{"title": "t", "paragraphs": [paragraph]}]})


def read(path: Path, text: str, limit: int | None = None) -> list[Answered]:
    path.write_text(text, "utf-8")
    return read_squad(path, limit)


def test_the_task() -> None:
    task, other = qa.xlbench_tasks()
    assert (other.name, other.adapter, other.kind) == ("qa-xquad", "qa", task.kind)
    assert (task.kind, task.labels, task.metric.name) == ("span", (), "F1")


def test_offsets_are_characters(tmp_path: Path) -> None:
    other = {**GOOD, "id": "q2", "answers": [{"text": "Łódź", "answer_start": 31}]}
    found = read(tmp_path / "a", squad(GOOD, other))
    assert found[0] == Answered("Wo?", CONTEXT, ("Polen", "in Polen"), (14, 11))
    assert found[1].starts == (31,)
    assert read(tmp_path / "a", squad(GOOD, other), 1) == found[:1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            squad({**GOOD, "answers": [{"text": "Polen", "answer_start": 15}]}),
            r"a: article 1 paragraph 1 question q1: answer_start 15 does not match .* 'Polen'; it is at 14",
        ),
        (
            squad({**GOOD, "answers": [{"text": "Prag", "answer_start": 0}]}),
            r"question q1: answer_start 0 does not match the answer 'Prag'; the context has it nowhere;",
        ),
        (
            squad({**GOOD, "answers": [{"text": "Polen", "answer_start": -6}]}),
            r"answer_start -6 does not match",
        ),
        (squad({**GOOD, "answers": [{"text": "Polen"}]}), r"answer_start None does not match"),
        (squad({**GOOD, "answers": [{"text": " ", "answer_start": 4}]}), r"question q1: an empty answer"),
        (squad({**GOOD, "answers": []}), r"question q1: no answer \(SQuAD 2.0"),
        (squad({**GOOD, "question": " "}), r"question q1: an empty question"),
        (squad({"id": "q1", "question": "Wo?"}), r"question q1: 'answers' has to be a list"),
        (squad({"question": "Wo?"}), r"a: article 1 paragraph 1: 'id' has to be a text"),
        (squad(GOOD, context=3), r"a: article 1 paragraph 1: 'context' has to be a text"),
        ("[]", r"a: 'data' has to be a list, as in SQuAD 1.1"),
        (squad(), r"a: no question in it"),
        ('{"data": [\n  }', r"a:2: column 3: not JSON"),
        ("", r"a: empty file"),
    ],
)
def test_bad_files_are_refused_with_their_question(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as error:
        read(tmp_path / "a", text)
    assert "\n" not in str(error.value)


def test_all_real_sets(shared_data: Path) -> None:
    data = next(qa.xlbench_tasks()).folder([shared_data / "qa"])
    found = {}
    for split in ("train", "test"):
        for language in data.languages(split):
            examples = data.examples(language, split)
            found[language, split] = len(examples)
            for one in examples:
                assert isinstance(one, Answered)
                for answer, start in zip(one.answers, one.starts, strict=True):
                    assert one.context[start : start + len(answer)] == answer
    expected = {key: n for key, n in sizes(shared_data, "qa/").items() if n}
    assert found == expected
