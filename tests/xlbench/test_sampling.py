"""How training examples are shared out among languages."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from xlbench.contracts import AdapterTraining
from xlbench.contracts.sampling import drawn, shares

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
