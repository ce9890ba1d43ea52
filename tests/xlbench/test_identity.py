"""Every setting that can change a number is in the identity of what it made, also one that nobody listed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import pytest

from xlbench.contracts import (
    AdapterTraining,
    Beneath,
    Composition,
    FinetuningSettings,
    Fusion,
    LanguageAdapter,
    LanguageTraining,
    Resolved,
)
from xlbench.contracts.identity import LATER, said

OTHER: dict[str, object] = {
    "objective": "masked", "schedule": "constant", "config": "seq_bn_inv", "value": "trained", "limit": 7,
    "examples": 7, "steps": 7, "reduction_factor": 4, "temperature": 3.0, "leave_out": (1,),
    "freeze": "embeddings",
    "over": Beneath((LanguageAdapter("random", "deu", LanguageTraining()),)),
}  # fmt: skip
"""Another value of each field that is no plain number."""


def other(settings: Any, name: str) -> Any:
    value = getattr(settings, name)
    return replace(settings, **{name: OTHER[name] if name in OTHER else value / 2 if value else 1})


def identity_of(resolved: Resolved, settings: Any) -> object:
    """Of what these settings make."""
    match settings:
        case FinetuningSettings():
            return replace(resolved, mlm=settings).text_identity("deu")
        case AdapterTraining():
            return resolved.with_training({"tags": settings}).adapter_identity("tags")
        case LanguageTraining():
            one = LanguageAdapter("trained", "deu", settings)
            return resolved.language_adapter_identity(one)
        case Fusion():
            parts = tuple(LanguageAdapter("random", "", LanguageTraining(), seed) for seed in (0, 1))
            return resolved.composition_identity(Composition(parts, "tuned", fusion=settings))
    raise TypeError(settings)


SETTINGS = (FinetuningSettings(), AdapterTraining(examples=30), LanguageTraining(), Fusion(value="trained"))
ELSEWHERE = {
    (Fusion, "value"),
    *((x, y) for x in (AdapterTraining, LanguageTraining) for y in ("rank", "alpha")),
}
"""Settings that do nothing beside the others of `SETTINGS`."""
LOW_RANK = (AdapterTraining(config="lora"), LanguageTraining(config="lora"))


@pytest.mark.parametrize(
    ("settings", "name"),
    [(x, y.name) for x in SETTINGS for y in fields(x) if (type(x), y.name) not in ELSEWHERE]
    + [(x, name) for x in LOW_RANK for name in ("rank", "alpha", "leave_out")],
    ids=lambda x: x if isinstance(x, str) else type(x).__name__,
)
def test_each_field_is_in_the_identity(resolved: Resolved, settings: Any, name: str) -> None:
    assert identity_of(resolved, other(settings, name)) != identity_of(resolved, settings)


def extended(one: Any, metadata: Mapping[str, object] | None = None) -> type[Any]:
    """The settings class with a further one, as its author would add it and nothing else."""

    @dataclass(frozen=True)
    class Extended(type(one)):  # type: ignore[misc]
        weight_decay: float = field(default=0.0, metadata=metadata or {})

    return Extended


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda x: type(x).__name__)
def test_a_new_field_is_in_the_identity(resolved: Resolved, settings: Any) -> None:
    made = extended(settings)
    given = {x.name: getattr(settings, x.name) for x in fields(settings)}
    zero, more = made(**given), made(**given, weight_decay=0.01)
    assert identity_of(resolved, more) != identity_of(resolved, zero)
    assert identity_of(resolved, zero) != identity_of(resolved, settings)


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda x: type(x).__name__)
def test_a_later_field_at_its_default_finds_stored_results(resolved: Resolved, settings: Any) -> None:
    made = extended(settings, metadata=LATER)
    given = {x.name: getattr(settings, x.name) for x in fields(settings)}
    assert identity_of(resolved, made(**given)) == identity_of(resolved, settings)
    assert identity_of(resolved, made(**given, weight_decay=0.01)) != identity_of(resolved, settings)


def test_what_does_nothing_is_in_no_identity(resolved: Resolved) -> None:
    assert set(said(Fusion())) == {x.name for x in fields(Fusion)} - {"regularization"}
    plain = identity_of(resolved, AdapterTraining())
    assert identity_of(resolved, AdapterTraining(temperature=2.0)) == plain
