"""How training examples are shared out among languages."""

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from made import Made

from xlbench.contracts import AdapterTraining, Resolved, limited
from xlbench.contracts.sampling import drawn, sample, shares

SIZES = st.lists(st.integers(1, 5000), min_size=1, max_size=8).map(
    lambda sizes: {f"q{chr(97 + i // 26)}{chr(97 + i % 26)}": n for i, n in enumerate(sizes)}
)


def test_the_formula_by_hand() -> None:
    sizes = {"eng": 1600, "deu": 400, "swa": 100}
    assert shares(sizes, None, 1) == sizes
    assert shares(sizes, 210, 1) == {"eng": 160, "deu": 40, "swa": 10}
    # Square roots are 40, 20 and 10.
    assert shares(sizes, 140, 2) == {"eng": 80, "deu": 40, "swa": 20}
    assert shares(sizes, 90, 1e9) == {"eng": 30, "deu": 30, "swa": 30}


def test_what_a_language_lacks_goes_to_the_others_by_the_same_rule() -> None:
    assert shares({"eng": 1600, "deu": 400, "swa": 10}, 910, 2) == {"eng": 600, "deu": 300, "swa": 10}


@settings(deadline=None)
@given(SIZES, st.integers(1, 20_000), st.floats(1, 50))
def test_shares_add_up_and_never_repeat_an_example(
    sizes: dict[str, int], examples: int, temperature: float
) -> None:
    found = shares(sizes, examples, temperature)
    assert list(found) == list(sizes)
    assert sum(found.values()) == min(examples, sum(sizes.values()))
    assert all(0 <= found[x] <= size for x, size in sizes.items())


@settings(deadline=None)
@given(SIZES, st.integers(1, 20_000), st.floats(1, 50))
def test_a_larger_language_never_gives_less(sizes: dict[str, int], examples: int, temperature: float) -> None:
    found = shares(sizes, examples, temperature)
    for x in sizes:
        for y in sizes:
            if sizes[x] > sizes[y]:
                assert found[x] >= found[y] - 1  # one by rounding


@settings(deadline=None)
@given(SIZES, st.integers(1, 2000), st.floats(1, 8))
def test_a_higher_temperature_is_more_even(sizes: dict[str, int], examples: int, temperature: float) -> None:
    assume(len(sizes) > 1)
    cool, warm = (shares(sizes, examples, t) for t in (temperature, 2 * temperature))
    assert max(warm.values()) <= max(cool.values()) + 1


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 9))
def test_what_is_drawn_is_in_order_and_without_repetition(size: int, count: int, seed: int) -> None:
    assume(count <= size)
    found = drawn(range(size), count, seed, "deu")
    assert found == sorted(set(found))
    assert len(found) == count
    assert set(found) <= set(range(size))
    assert found == drawn(range(size), count, seed, "deu")


def test_seeds_and_languages_draw_apart() -> None:
    assert len({tuple(drawn(range(1000), 9, *x)) for x in ((0, "deu"), (1, "deu"), (0, "fin"))}) == 3


def test_a_temperature_below_1_is_refused() -> None:
    with pytest.raises(ValueError, match="temperature must be at least 1"):
        AdapterTraining(temperature=0.5)


def test_a_draw_has_every_stratum_in_proportion_and_grows() -> None:
    strata = ["a"] * 60 + ["b"] * 30 + ["c"] * 10
    before: set[int] = set()
    for count in range(1, 101):
        taken = sample(strata, count)
        assert len(set(taken)) == count
        assert taken == sorted(taken)
        assert before <= set(taken)
        before = set(taken)
        for name, size in (("a", 60), ("b", 30), ("c", 10)):
            share = sum(strata[i] == name for i in taken)
            assert abs(share - count * size / 100) < 2


def test_every_example_has_the_same_chance() -> None:
    strata = ["a"] * 6 + ["b"] * 3 + ["c"]
    times = Counter(i for seed in range(4000) for i in sample(strata, 4, [f"{seed}-{j}" for j in range(10)]))
    assert all(abs(times[i] / 4000 - 0.4) < 0.04 for i in range(10))


def test_names_find_the_same_rows_in_any_order() -> None:
    strata = [str(i % 3) for i in range(90)]
    names = [f"row {i}" for i in range(90)]
    order = random.Random(1).sample(range(90), 90)
    one = {names[i] for i in sample(strata, 20, names)}
    other = [names[i] for i in order]
    assert {other[i] for i in sample([strata[i] for i in order], 20, other)} == one


def test_random_order_is_taken_as_it_stands() -> None:
    class Data(Made):
        random_order = True

    drawn, first = (limited(x, "qaa", "test", 5) for x in (Made("pairs"), Data("pairs")))
    assert list(first) == list(Made("pairs").examples("qaa", "test", 5)) != list(drawn)
    assert len(drawn) == 5


def test_a_limit_that_draws_is_in_the_identity_and_no_other_is(resolved: Resolved) -> None:
    def marks(one: Resolved) -> tuple[bool, object]:
        return one.cells("tags")[0].data.endswith("-draw1"), one.adapter_identity("tags").get("draw")

    how = replace(resolved.training["tags"], limit=20)
    few = replace(
        resolved, study=replace(resolved.study, limit=5), training={**resolved.training, "tags": how}
    )
    assert marks(resolved) == (False, None)
    assert marks(few) == (True, 1)
    assert few.cells("tags")[0].data == resolved.cells("tags")[0].data + "-draw1"
