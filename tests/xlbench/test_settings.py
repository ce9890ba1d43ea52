"""Settings are checked against a dataclass: types, ranges, names, and what the class itself refuses."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlbench.contracts import FinetuningSettings, LanguageTraining
from xlbench.contracts.settings import check, make
from xlbench.errors import StudyError


@dataclass(frozen=True, slots=True)
class Own:
    """What a probe might have to set."""

    rounds: int = 3
    offset: int = 0
    rate: float = 0.5
    name: str = "x"
    loud: bool = False
    kind: Literal["a", "b"] = "a"
    most: int | None = None
    kinds: tuple[Literal["a", "b"], ...] = ("a",)
    sizes: tuple[int, ...] = (2,)

    def __post_init__(self) -> None:
        if self.rounds > 9:
            raise ValueError(f"rounds must be at most 9, not {self.rounds}")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"rouns": 1}, "file: unknown key own.rouns; did you mean 'rounds'?"),
        ({"rounds": "many"}, "file: own.rounds must be a whole number, not 'many'"),
        ({"rounds": True}, "own.rounds must be a whole number, not True"),
        ({"rounds": 0}, "own.rounds must be above 0, not 0"),
        ({"rounds": 10}, "own.rounds must be at most 9, not 10"),
        ({"rounds": 2**31}, "own.rounds must be at most 2147483647"),
        ({"offset": -1}, "own.offset must be at least 0, not -1"),
        ({"rate": float("nan")}, "own.rate must be above 0, not nan"),
        ({"rate": float("inf")}, "own.rate must be a number, not inf"),
        ({"loud": 1}, "own.loud must be true or false, not 1"),
        ({"kind": "c"}, "own.kind must be one of 'a', 'b', not 'c'"),
        ({"kinds": ["a", "c"]}, "own.kinds must be one of 'a', 'b', not 'c'"),
        ({"name": None}, "own.name must be a text, not None"),
        ({"sizes": [2, "3"]}, "own.sizes must be a whole number, not '3'"),
    ],
)
def test_what_is_wrong_gets_one_line(said: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=re.escape(message)) as caught:
        check(said, Own, "own", "file: ")
    assert "\n" not in str(caught.value)


def test_what_is_right_makes_an_instance() -> None:
    said = {"rate": 1, "most": None, "kinds": ["b", "a"], "sizes": 3, "offset": 0, "loud": True}
    found = make(Own, check(said, Own, "own"))
    assert found == Own(rate=1.0, kinds=("b", "a"), sizes=(3,), loud=True)
    assert isinstance(found.rate, float)
    assert make(Own, check({}, Own, "own")) == Own()


@given(
    st.dictionaries(
        st.sampled_from([*Own.__slots__, "other"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=3)
        | st.lists(st.integers() | st.text(max_size=1)),
    )
)
def test_whatever_is_said_is_taken_or_refused(said: dict[str, Any]) -> None:
    checked, refusal = {}, ""
    try:
        checked = check(said, Own, "own")
    except StudyError as error:
        refusal = str(error)
    if refusal:
        assert refusal.startswith(("own.", "unknown key own."))
    else:
        assert checked.keys() == said.keys()
        assert check(checked, Own, "own") == checked
        make(Own, checked)


@pytest.mark.parametrize("cls", [FinetuningSettings, LanguageTraining])
def test_a_probability_of_one_is_refused(cls: type[Any]) -> None:
    with pytest.raises(StudyError, match=r"of\.mask_probability must be below 1"):
        check({"mask_probability": 1}, cls, "of")


@dataclass(frozen=True, slots=True)
class Named:
    """Where the word is a value of its own."""

    way: Literal["none", "some"] | None = None


def test_none_unsets_what_may_be_unset() -> None:
    assert check({"most": "none"}, Own, "own") == check({"most": None}, Own, "own") == {"most": None}
    assert check({"way": "none"}, Named, "named") == {"way": "none"}
    with pytest.raises(StudyError, match=r"own\.rounds must be a whole number, not 'none'"):
        check({"rounds": "none"}, Own, "own")
