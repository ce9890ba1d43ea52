"""Halves are halves, and what cannot be is refused."""

import pytest

from xlbench_layerwise import ALL, LOWER, UPPER, Settings


@pytest.mark.parametrize("layers", [2, 4, 12])
def test_the_halves_leave_no_layer_out_and_share_none(layers: int) -> None:
    frozen = Settings(layers=layers).frozen()
    halves = []
    for part in (LOWER, UPPER):
        (named,) = [x for x in frozen[part].split("+") if x.startswith("layers:")]
        first, last = map(int, named.removeprefix("layers:").split("-"))
        halves.append(set(range(first, last + 1)))
    assert frozen[ALL] == ""
    assert halves[0] | halves[1] == set(range(layers))
    assert not halves[0] & halves[1]


@pytest.mark.parametrize("wrong", [{"layers": 3}, {"layers": 0}, {"steps": 0}])
def test_settings_that_cannot_be_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Settings(**wrong)
