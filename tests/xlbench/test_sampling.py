"""How training examples are shared out among languages."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from xlbench.contracts import AdapterTraining
from xlbench.contracts.sampling import shares

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


@given(SIZES, st.integers(1, 20_000), st.floats(1, 50))
def test_shares_add_up_and_never_repeat_an_example(
    sizes: dict[str, int], examples: int, temperature: float
) -> None:
    found = shares(sizes, examples, temperature)
    assert list(found) == list(sizes)
    assert sum(found.values()) == min(examples, sum(sizes.values()))
    assert all(0 <= found[x] <= size for x, size in sizes.items())


@given(SIZES, st.integers(1, 20_000), st.floats(1, 50))
def test_a_larger_language_never_gives_less(sizes: dict[str, int], examples: int, temperature: float) -> None:
    found = shares(sizes, examples, temperature)
    for x in sizes:
        for y in sizes:
            if sizes[x] > sizes[y]:
                assert found[x] >= found[y] - 1  # one by rounding


@given(SIZES, st.integers(1, 2000), st.floats(1, 8))
def test_a_higher_temperature_is_more_even(sizes: dict[str, int], examples: int, temperature: float) -> None:
    assume(len(sizes) > 1)
    cool, warm = (shares(sizes, examples, t) for t in (temperature, 2 * temperature))
    assert max(warm.values()) <= max(cool.values()) + 1


def test_a_temperature_below_1_is_refused() -> None:
    with pytest.raises(ValueError, match="temperature must be at least 1"):
        AdapterTraining(temperature=0.5)
