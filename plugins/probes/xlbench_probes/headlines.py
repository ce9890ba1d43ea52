"""What pages add to a summary: the best donor for each target, and what harms it most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xlbench.contracts import Headline
from xlbench.probing import between

if TYPE_CHECKING:
    from xlbench.contracts import Role
    from xlbench.probing import Judged

ORDER = ("helps", "harms", "this run only", "no clear effect", "not known")
"""Of headlines."""


def ranked(donors: Mapping[str, Judged]) -> dict[str, Judged]:
    """The best first: those that clearly help, then the others, both by the lower end of the interval, which
    puts what is sure before what may be large; what is missing last.
    """

    def place(item: tuple[str, Judged]) -> tuple[bool, bool, float, str]:
        number = item[1].number
        return number.word != "helps", number.low is None, -(number.low or 0.0), item[0]

    return dict(sorted(donors.items(), key=place))


@dataclass(frozen=True, slots=True)
class Teller:
    """How a page says what a donor does to a target."""

    name: Callable[[str], str]
    donor: Callable[[str], str]
    """As the subject of a sentence: "Text of Toruk (qag)"."""
    unit: str
    measure: str
    reading: str
    steps: int | None = None
    difference: str = "effect"
    """What the number is called in a sentence."""

    def of(self, found: Mapping[str, Mapping[str, Judged]]) -> list[Headline]:
        """The headlines of a page, by target and donor. What helps comes before what harms, the surest first;
        what has no clear effect after both.
        """
        each = (self._of_target(g, ranked(donors)) for g, donors in found.items() if donors)
        return sorted((x for some in each for x in some), key=_place)

    def _of_target(self, target: str, donors: Mapping[str, Judged]) -> Iterator[Headline]:
        donor, best = next(iter(donors.items()))
        words = [x.number.word for x in donors.values()]
        said = f"{self.difference} {between(best.number, self.unit)}" if best.number.value is not None else ""
        if best.number.word == "helps":
            text = f"{self.donor(donor)} helps {self.name(target)} most: {said}."
            yield self._headline("helps", text, target, donor, best, words.count("helps") - 1)
        elif missing := [x for one in donors.values() for x in one.number.missing]:
            text = f"What helps {self.name(target)} is not known, because something is missing: {missing[0]}."
            yield self._headline("not known", text, target, "", None)
        elif best.number.word == "this run only":
            text = f"In this run alone, {self.donor(donor)} comes first for {self.name(target)}: {said}."
            yield self._headline("this run only", text, target, donor, best)
        elif best.number.word != "harms":  # otherwise all of them harm, which the next one says
            text = f"None clearly helps {self.name(target)}. {self.donor(donor)} comes first: {said}."
            more = words.count("no clear effect") - 1
            yield self._headline("no clear effect", text, target, donor, best, more)
        harming = {f: x for f, x in donors.items() if x.number.word == "harms"}
        if harming:
            donor, worst = min(harming.items(), key=lambda x: (x[1].number.high or 0.0, x[0]))
            said = f"{self.difference} {between(worst.number, self.unit)}"
            text = f"{self.donor(donor)} harms {self.name(target)} most: {said}."
            yield self._headline("harms", text, target, donor, worst, len(harming) - 1)

    def _headline(
        self, role: Role, text: str, target: str, donor: str, found: Judged | None, more: int = 0
    ) -> Headline:
        return Headline(
            role,
            text,
            target,
            donor,
            None if found is None else found.number,
            self.unit,
            self.measure,
            self.reading,
            self.steps,
            None if found is None else found.detectable,
            more,
        )


def by_target(
    pairs: Mapping[tuple[str, str], Judged], targets: Iterable[str]
) -> dict[str, dict[str, Judged]]:
    """Of pairs by (target, donor)."""
    found: dict[str, dict[str, Judged]] = {g: {} for g in targets}
    for (g, f), x in pairs.items():
        if g in found:
            found[g][f] = x
    return found


def _place(one: Headline) -> tuple[int, float, str]:
    number = one.number
    low, high = (0.0, 0.0) if number is None else (number.low or 0.0, number.high or 0.0)
    return ORDER.index(one.role), high if one.role == "harms" else -low, one.target
