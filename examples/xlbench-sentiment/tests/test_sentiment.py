"""The data are what the package says of them."""

from collections import Counter

import pytest

from xlbench.contracts import Classified
from xlbench_sentiment import LABELS, Opinions


@pytest.mark.parametrize("language", Opinions().languages("train"))
def test_splits_are_apart_and_every_label_is_in_both(language: str) -> None:
    data = Opinions()
    sets = {split: data.examples(language, split) for split in ("train", "test")}
    assert not {x.texts for x in sets["train"]} & {x.texts for x in sets["test"]}
    for examples in sets.values():
        assert all(isinstance(x, Classified) for x in examples)
        assert Counter(x.label for x in examples).keys() == set(LABELS)


def test_a_limit_takes_the_first_and_these_have_all_labels() -> None:
    data = Opinions()
    first = data.examples("deu", "train", 20)
    assert list(first) == list(data.examples("deu", "train"))[:20]
    assert {x.label for x in first} == set(LABELS)
