"""Counts and scores against seqeval and scikit-learn."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2, Entities
from sklearn.metrics import accuracy_score

from xlbench.contracts import Metric
from xlbench.metrics import accuracy, span_f1, spans

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")
sentences = st.integers(1, 12).flatmap(
    lambda n: st.tuples(*(st.lists(st.sampled_from(TAGS), min_size=n, max_size=n) for _ in range(2)))
)
corpora = st.lists(sentences, min_size=1, max_size=12)


@given(st.lists(st.sampled_from(TAGS), min_size=1, max_size=15))
def test_spans_are_those_of_seqeval(tags: list[str]) -> None:
    theirs = Entities([tags], IOB2).entities[0]
    assert spans(tags) == {(x.start, x.end, x.tag) for x in theirs}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@given(corpora)
def test_span_f1_is_that_of_seqeval(corpus: list[tuple[list[str], list[str]]]) -> None:
    gold, predicted = [x for x, _ in corpus], [y for _, y in corpus]
    metric = span_f1()
    sums = np.sum([metric.count(x, y) for x, y in corpus], axis=0).astype(float)
    theirs = f1_score(gold, predicted, mode="strict", scheme=IOB2, average="micro", zero_division=0)
    assert metric.score(sums) == pytest.approx(100 * theirs, abs=1e-9)


@given(corpora)
def test_accuracy_is_that_of_sklearn(corpus: list[tuple[list[str], list[str]]]) -> None:
    metric = accuracy()
    sums = np.sum([metric.count(x, y) for x, y in corpus], axis=0).astype(float)
    flat = [[tag for pair in corpus for tag in pair[i]] for i in (0, 1)]
    assert metric.score(sums) == pytest.approx(100 * accuracy_score(*flat), abs=1e-9)


def test_words_cut_off_count_as_wrong() -> None:
    gold = ["B-PER", "I-PER", "O", "B-LOC"]
    assert accuracy().count(gold, ["B-PER", "I-PER", "O", None]) == (3, 4)
    assert span_f1().count(gold, ["B-PER", "I-PER", "O", None]) == (1, 1, 2)
    assert span_f1().count(gold, ["B-PER", None, None, None]) == (0, 1, 2), (
        "a span cut in two is another span"
    )


def test_predictions_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        accuracy().count(["O", "O"], ["O"])


@pytest.mark.parametrize("metric", [accuracy(), span_f1()])
def test_scores_keep_the_leading_shape_and_are_0_where_undefined(metric: Metric) -> None:
    sums = np.arange(2 * 3 * len(metric.columns), dtype=float).reshape(2, 3, -1)
    sums[0, 0] = 0
    scores = metric.score(sums)
    assert scores.shape == (2, 3)
    assert scores[0, 0] == 0
    assert scores[1, 2] == pytest.approx(float(metric.score(sums[1, 2])))


@pytest.mark.parametrize("metric", [accuracy(), span_f1()])
def test_metrics_travel_to_other_processes(metric: Metric) -> None:
    assert pickle.loads(pickle.dumps(metric)) == metric
