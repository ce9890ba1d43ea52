"""The task loss of each kind of task against a plain forward pass of the library, and of torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made import Made, study_over
from torch.nn.functional import cross_entropy

from xlbench.contracts import Answered, Example, KindOfTask, Resolved, Split
from xlbench.errors import JobError, PluginError
from xlbench.lab import Lab
from xlbench.lab.kinds.kind import Costed, Differentiable
from xlbench.lab.kinds.tagging import Tagging

KINDS = ("tags", "pairs", "trees", "questions")
Make = Callable[..., Lab]


@pytest.fixture
def study(checkpoint: Path) -> Resolved:
    found = study_over(checkpoint, KINDS)
    brief = {x: dataclasses.replace(how, epochs=3, learning_rate=5e-3) for x, how in found.training.items()}
    return dataclasses.replace(found, training=brief)


@pytest.fixture
def make(study: Resolved, checkpoint: Path, tmp_path: Path) -> Make:
    def build(one: Resolved = study, **options: object) -> Lab:
        return Lab(one, str(checkpoint), tmp_path / "adapters", device="cpu", threads=1, **options)  # type: ignore[arg-type]

    return build


def plain_model(checkpoint: Path, folder: Path) -> Any:
    """The library's own model with what was saved of the adapter and its head."""
    from adapters import AutoAdapterModel

    model = AutoAdapterModel.from_pretrained(checkpoint)
    name = model.load_adapter(str(folder), use_safetensors=True, set_active=True)
    model.set_active_adapters(name)
    model.active_head = name
    if hasattr(model.heads[name], "model_config"):
        model.heads[
            name
        ].model_config.pad_token_id = -1  # where a parser's looks for padding in `word_starts`
    return model.eval()


def nats_of(logits: torch.Tensor, gold: Sequence[int]) -> float:
    return float(cross_entropy(logits, torch.tensor(gold), reduction="sum"))


def of_tags(model: Any, tokenizer: Any, example: Any, labels: Sequence[str]) -> tuple[float, int]:
    given = tokenizer(list(example.words), is_split_into_words=True, return_tensors="pt")
    pieces = tokenizer.convert_ids_to_tokens(given["input_ids"][0])
    words = [w if piece != "▁" else None for w, piece in zip(given.word_ids(), pieces, strict=True)]
    first = [words.index(i) for i in range(len(example.words))]
    logits = model(**given).logits[0, first]
    return nats_of(logits, [labels.index(x) for x in example.tags]), len(first)


def of_pairs(model: Any, tokenizer: Any, example: Any, labels: Sequence[str]) -> tuple[float, int]:
    logits = model(**tokenizer(*example.texts, return_tensors="pt")).logits
    return nats_of(logits, [labels.index(example.label)]), 1


def of_trees(model: Any, tokenizer: Any, example: Any, labels: Sequence[str]) -> tuple[float, int]:
    lengths = [len(tokenizer.tokenize(w)) for w in example.words]
    starts = torch.from_numpy(1 + np.concatenate([[0], np.cumsum(lengths)]))[None]
    ids = tokenizer(list(example.words), is_split_into_words=True, return_tensors="pt")["input_ids"]
    output = model(input_ids=ids, word_starts=starts)
    n = len(example.words)
    arcs = output.arc_preds.reshape(-1, output.arc_preds.shape[-1])[:n, : n + 1].clone()
    arcs[range(n), range(1, n + 1)] = -torch.inf  # no word is its own head
    relations = output.rel_preds[0, range(n), list(example.heads)]
    nats = nats_of(arcs, example.heads) + nats_of(relations, [labels.index(x) for x in example.relations])
    return nats, n


def of_questions(model: Any, tokenizer: Any, example: Any, labels: Sequence[str]) -> tuple[float, int]:
    """Of a context that one window holds: first and last token, among those of the context and "not here"."""
    given = tokenizer(example.question, example.context, return_tensors="pt", return_offsets_mapping=True)
    offsets, parts = given.pop("offset_mapping")[0].tolist(), given.sequence_ids()
    output = model(**given)
    start = example.starts[0]
    end = start + len(example.answers[0])
    at = [i for i, part in enumerate(parts) if part == 1]
    inside = [i for i in at if offsets[i][0] < end and offsets[i][1] > start]
    among = [0, *at]
    return sum(
        nats_of(scores[:, among], [among.index(place)])
        for scores, place in ((output.start_logits, inside[0]), (output.end_logits, inside[-1]))
    ), 2


class Short(Made):
    """Questions whose context is a single window: that of `made` around its answer."""

    def examples(self, language: str, split: Split, limit: int | None = None) -> Sequence[Example]:
        found: list[Example] = []
        for one in super().examples(language, split, limit):
            assert isinstance(one, Answered)
            begin = one.context.rfind(" ", 0, max(0, one.starts[0] - 12)) + 1
            end = one.starts[0] + len(one.answers[0]) + 5
            context = one.context[begin:end].rstrip()
            found.append(Answered(one.question, context, one.answers, (one.starts[0] - begin,)))
        return found


PLAIN = {"tags": of_tags, "pairs": of_pairs, "trees": of_trees, "questions": of_questions}


@pytest.mark.parametrize("task", KINDS)
def test_the_loss_of_each_example_is_that_of_a_plain_forward_pass(
    make: Make, study: Resolved, checkpoint: Path, task: str
) -> None:
    lab = make(dataclasses.replace(study, data={**study.data, "questions": Short("questions")}))
    model = plain_model(checkpoint, lab.task_adapter(task))
    evaluation, _ = lab.evaluate(study.cells(task))
    assert evaluation.loss is not None
    assert len(evaluation.loss) == len(evaluation.counts)
    tokenizer, compared = lab.encoder.tokenizer, 0
    for example, (nats, decisions) in zip(
        lab.resolved.data[task].examples("qaa", "test"), evaluation.loss.tolist(), strict=True
    ):
        if len(tokenizer.tokenize(" ".join(example.sentences()))) > 44:
            continue  # cut off
        with torch.inference_mode():
            expected = PLAIN[task](model, tokenizer, example, study.tasks[task].labels)
        assert (nats, decisions) == pytest.approx(expected, rel=1e-5, abs=1e-5)
        compared += 1
    assert compared > 5


@pytest.mark.parametrize("task", KINDS)
def test_the_loss_of_a_set_is_what_its_adapter_is_trained_to_reduce(
    make: Make, study: Resolved, task: str
) -> None:
    """Per decision, over words that are cut off and questions of several windows, in batches of any size."""
    short = dataclasses.replace(study.tasks[task], max_length=24)
    one = dataclasses.replace(study, tasks={**study.tasks, task: short})
    lab, narrow = make(one), make(one, batch_tokens=1)
    for each in (lab, narrow):
        each.task_adapter(task)
    cells = study.cells(task)[:1]
    (evaluation,), (again,) = lab.evaluate(cells), narrow.evaluate(cells)
    assert evaluation.loss is not None
    np.testing.assert_allclose(again.loss, evaluation.loss, rtol=1e-5, atol=1e-5)
    sets = [lab.encoded(task, "qaa", "test")]
    kind = lab.inputs.kind(one.tasks[task])
    stream, _ = lab.stream(tuple(cells))
    batch = stream.batch(range(len(stream.ids)), lab.encoder.tokenizer.pad_token_id, lab.encoder.device)
    lab.encoder.model.eval()
    loss = kind.loss(lab.encoder, one.tasks[task], batch, kind.targets(one.tasks[task], sets))
    nats, decisions = evaluation.loss.sum(axis=0, dtype=np.float64)
    assert nats / decisions == pytest.approx(float(loss.detach()), rel=1e-5)
    if task in ("tags", "trees"):
        assert evaluation.truncated > 0
        assert decisions < sum(len(x) for x in sets[0].gold), "words that were cut off are no decisions"
    if task == "questions":
        assert decisions > 2 * len(evaluation.loss), "questions are read in several windows"


class Silent:
    """A third party's kind of task, which gives predictions and no loss."""

    def __init__(self) -> None:
        self._own = Tagging()
        for name in ("encode", "predicted", "baseline", "add_head", "targets", "loss", "places"):
            setattr(self, name, getattr(self._own, name))

    def answers(self, encoder: Any, task: Any, batch: Any) -> Any:
        return batch.split(self._own.logits(encoder, batch).argmax(-1).cpu().numpy())


def with_kind(study: Resolved, load: Callable[[], Any], **said: Any) -> Resolved:
    tagging = study.method.kinds["tagging"]
    assert isinstance(tagging, KindOfTask)
    kinds = {**study.method.kinds, "tagging": dataclasses.replace(tagging, load=load, **said)}
    return dataclasses.replace(study, method=dataclasses.replace(study.method, kinds=kinds))


def test_a_kind_that_gives_no_loss_is_scored_as_before(make: Make, study: Resolved) -> None:
    cells = study.cells("tags")
    found = []
    for one in (study, with_kind(study, Silent, task_loss=False)):
        lab = make(one)
        lab.task_adapter("tags")
        found.append(lab.evaluate(cells))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours.counts, theirs.counts)
        assert ours.loss is not None
        assert theirs.loss is None


def test_a_kind_that_says_it_has_a_loss_and_gives_none_is_one_line(make: Make, study: Resolved) -> None:
    with pytest.raises(PluginError, match=r"says task_loss=True, .* has no method answers_and_loss"):
        make(with_kind(study, Silent)).task_adapter("tags")


def test_the_kinds_that_say_they_have_a_loss_have_one(study: Resolved) -> None:
    for name, kind in study.method.kinds.items():
        made = kind.load()
        has = isinstance(made, Costed if kind.trained else Differentiable)
        assert kind.task_loss == has, name


class Wrong(Tagging):
    """Gives a loss that is none."""

    def answers_and_loss(self, encoder: Any, task: Any, batch: Any, targets: Any) -> Any:
        answers, loss = super().answers_and_loss(encoder, task, batch, targets)
        return answers, loss[:, :1]


class Endless(Tagging):
    def answers_and_loss(self, encoder: Any, task: Any, batch: Any, targets: Any) -> Any:
        answers, loss = super().answers_and_loss(encoder, task, batch, targets)
        return answers, loss * np.inf


@pytest.mark.parametrize(
    ("kind", "said"),
    [(Wrong, "must give a loss, an array of numbers of shape"), (Endless, "the loss is inf nats")],
)
def test_a_loss_that_is_none_is_one_line_that_names_the_kind(
    make: Make, study: Resolved, kind: Callable[[], Any], said: str
) -> None:
    lab = make(with_kind(study, kind))
    lab.task_adapter("tags")
    with pytest.raises((JobError, PluginError)) as error:
        lab.evaluate(study.cells("tags"))
    assert "answers_and_loss" in str(error.value)
    assert "tagging" in str(error.value)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
