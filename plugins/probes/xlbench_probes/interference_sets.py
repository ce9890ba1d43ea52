"""Which language adapters are mixed, and how: the sets and the sweep of an interference study."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from xlbench.contracts import Fusion, LanguageTraining
from xlbench.contracts.settings import check, names, nearest, tuples
from xlbench.contracts.spelling import scalar
from xlbench.errors import StudyError
from xlbench_probes.stacking import check_single

if TYPE_CHECKING:
    from xlbench.contracts import Resolved

LARGEST = 8
"""Languages in a set: beyond it, weights over the adapters are too even to say anything of one of them."""
FUSION = "fusion_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set for the probe `interference`."""

    mixes: tuple[str, ...] = field(default=("untrained", "tuned", "average"), metadata=names("composition"))
    """How adapters are mixed, of the registered compositions; each is an arm, beside the adapter alone."""
    sizes: tuple[int, ...] = ()
    """Of the sets; empty is pairs, and triples where there are three languages."""
    sets: tuple[str, ...] = ()
    """Sets by name, "deu+tur"; otherwise all of the sizes."""
    nearest: int | None = None
    """Only sets of a language with some of its so many nearest ones."""
    by: str = "family"
    """What near is: "family", "script", or the name of a known distance."""
    invertible: bool = False
    """Whether invertible parts act, in all arms alike. The library never mixes them: the first acts alone."""
    random: bool = True
    """Mix each adapter with a random one too, for scale."""
    fusion_steps: int = 200
    fusion_learning_rate: float = 5e-5
    fusion_batch_size: int = 32
    fusion_value: Literal["fixed", "trained"] = "fixed"
    fusion_regularization: float = 0.01
    sweep: tuple[str, ...] = ()
    """Other settings to measure as well, each with all else as it is: "fusion_steps=20",
    "reduction_factor=4", or several at once, "fusion_value=trained fusion_regularization=0.1"."""

    def __post_init__(self) -> None:
        if not self.mixes:
            raise ValueError("mixes must name one composition or more (xlbench list methods)")
        for size in self.sizes:
            if not 2 <= size <= LARGEST:
                raise ValueError(f"sizes must be from 2 to {LARGEST}, not {size}")
        for name in self.sets:
            members = name.split("+")
            if twice := next((x for x in members if members.count(x) > 1), None):
                raise ValueError(f"sets: {twice} is twice in {name}; leave one out")
            if not 2 <= len(members) <= LARGEST:
                raise ValueError(
                    f"sets: {name} has {len(members)} languages; from 2 to {LARGEST} can be mixed"
                )
        for change in self.sweep:
            _changes(change)


class Variant(NamedTuple):
    """Settings of one row of the sweep."""

    label: str
    """What differs from the study's own settings; "" for those."""
    fusion: Fusion
    training: LanguageTraining


def variants(settings: Settings, training: LanguageTraining) -> list[Variant]:
    """The study's own settings, then those of the sweep."""
    found = [Variant("", _fusion(settings), training)]
    for change in settings.sweep:
        own, adapter = _changes(change)
        found.append(
            Variant(
                change,
                _fusion(dataclasses.replace(settings, sweep=(), **own)),
                dataclasses.replace(training, **tuples(adapter)),
            )
        )
    return found


def check_mixes(settings: Settings, resolved: Resolved) -> None:
    """Raise StudyError for a mix that is no registered composition of several adapters."""
    several = [name for name, x in resolved.method.compositions.items() if not x.alone]
    for mix in settings.mixes:
        if mix not in several:
            what = (
                "takes one adapter, which is always measured" if mix in resolved.method.compositions else ""
            )
            raise StudyError(
                f"options.interference.mixes: {mix!r} {what or 'is no composition'}{nearest(mix, several)}"
            )


def sets(settings: Settings, resolved: Resolved) -> list[tuple[str, ...]]:
    """The sets, each in the order of its codes. Raises StudyError for one that cannot be made."""
    check_single(resolved, "interference")
    known = resolved.study.transfer
    distances = ["family", "script", *(x.name for x in resolved.distances)]
    if settings.by not in distances:
        raise StudyError(
            f"options.interference.by: no distance {settings.by!r}; known are {', '.join(distances)}"
        )
    if len(known) < 2:
        raise StudyError(
            "the interference probe needs at least two languages with adapters; name them with --transfer "
            "deu,tur"
        )
    if unlike := [x for x in known if x in resolved.given and not resolved.given[x].mixable]:
        raise StudyError(
            f"the given adapter of {unlike[0]} sits elsewhere than after the feed-forward part (seq_bn), and "
            "cannot be mixed with others; give another, or leave it to be trained"
        )
    if settings.sets:
        named = [tuple(sorted(x.split("+"))) for x in settings.sets]
        for language in (x for members in named for x in members):
            if language not in known:
                raise StudyError(
                    f"options.interference.sets: {language} is not among the transfer languages; "
                    "add it to --transfer"
                )
        return list(dict.fromkeys(named))
    sizes = settings.sizes or (2, 3)[: len(known) - 1]
    for size in sizes:
        if size > len(known):
            raise StudyError(
                f"options.interference.sizes: {size} is more than the {len(known)} transfer languages; "
                "name more with --transfer, or set the sizes"
            )
    if settings.nearest is None:
        return [x for size in sizes for x in combinations(sorted(known), size)]
    found: dict[tuple[str, ...], None] = {}
    for size in sizes:
        for language in known:
            near = _near(language, settings, resolved)[: settings.nearest]
            for others in combinations(near, size - 1):
                found[tuple(sorted((language, *others)))] = None
    if not found:
        raise StudyError(
            f"options.interference.by: no two transfer languages are near by {settings.by}; name another"
        )
    return list(found)


def _near(language: str, settings: Settings, resolved: Resolved) -> Sequence[str]:
    """The other languages that are near, the nearest first."""
    others = [x for x in resolved.study.transfer if x != language]
    if settings.by in ("family", "script"):
        return [x for x in others if _same(settings.by, language, x, resolved)]
    table = next(x.table for x in resolved.distances if x.name == settings.by)
    return sorted((x for x in others if (language, x) in table), key=lambda x: table[language, x])


def _same(what: str, one: str, other: str, resolved: Resolved) -> bool:
    values = [getattr(resolved.languages[x], what) for x in (one, other)]
    return values[0] == values[1] and values[0] not in ("unknown", "Zzzz")


def _fusion(settings: Settings) -> Fusion:
    return Fusion(**{x.name: getattr(settings, FUSION + x.name) for x in dataclasses.fields(Fusion)})


def _changes(change: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a row of the sweep sets of the fusion, and of the training of language adapters.

    Raises ValueError, one line.
    """
    said = {}
    for part in change.split():
        key, equals, text = part.partition("=")
        if not equals or not text:
            raise ValueError(f"sweep takes SETTING=VALUE, not {part!r}")
        said[key] = scalar(text)
    if not said:
        raise ValueError("sweep has an empty row")
    fusion = {k: v for k, v in said.items() if k.startswith(FUSION)}
    adapter = {k: v for k, v in said.items() if not k.startswith(FUSION)}
    try:
        return check(fusion, Settings, "sweep"), check(adapter, LanguageTraining, "sweep")
    except StudyError as error:
        raise ValueError(str(error)) from None
