"""The language adapters of a study, and how they are put together: what tells each from others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from xlbench.contracts.adapter import Composition, Fusion, LanguageAdapter, LanguageTraining
from xlbench.contracts.cell import Json, digest
from xlbench.contracts.identity import said
from xlbench.contracts.method import OF_SHAPE
from xlbench.contracts.settings import nearest, tuples
from xlbench.contracts.texts import StudyTexts
from xlbench.errors import StudyError

if TYPE_CHECKING:
    from xlbench.contracts.method import AdapterKind
    from xlbench.contracts.task import AdapterTraining


class StudyAdapters(StudyTexts):
    """What of `Resolved` is about language adapters and their compositions."""

    model_fingerprint: str
    language_training: LanguageTraining

    def language_adapter(
        self, language: str, seed: int, training: LanguageTraining | None = None
    ) -> LanguageAdapter:
        """The adapter of a language: the given one, or one trained with `training` (the study's own)."""
        training = training or self.language_training
        if language in self.given:
            return LanguageAdapter("given", language, training)
        return LanguageAdapter("trained", language, training, seed)

    def language_adapter_identity(self, one: LanguageAdapter) -> dict[str, Json]:
        """Everything that can change a language adapter."""
        how = one.training
        if one.kind == "given":
            return {"kind": one.kind, "fingerprint": self.given[one.language].fingerprint}
        made: dict[str, Json] = {"kind": one.kind, "model": self.model_fingerprint, "seed": one.seed}
        if one.kind == "random":
            return made | {"config": how.config, **self._shape(how)}
        whole = {**self._said(how), **self._objective_identity(how)}
        return made | {**self._text(one.language, how.lines), **whole}

    def _said(self, how: AdapterTraining | LanguageTraining) -> dict[str, Json]:
        """What of the training of an adapter can change it: the shape is that of its kind."""
        return {k: v for k, v in said(how).items() if k not in OF_SHAPE} | self._shape(how)

    def _shape(self, how: AdapterTraining | LanguageTraining) -> dict[str, Json]:
        """What shape an adapter has, and what tells its kind from others of its name."""
        return self.method.adapters[how.config].shape(how) | self.method.identity("adapter", how.config)

    def language_adapter_name(self, one: LanguageAdapter) -> str:
        """Of the folder that keeps a language adapter."""
        return f"{one.language or one.kind}-{digest(self.language_adapter_identity(one))[:16]}"

    def is_invertible(self, one: LanguageAdapter) -> bool:
        """Whether the adapter has an invertible part."""
        if one.kind == "given":
            return self.given[one.language].invertible
        return self.method.adapters[one.training.config].invertible

    def kind_of_adapter(self, one: LanguageAdapter) -> AdapterKind:
        """The kind of a language adapter."""
        return self.method.adapters[
            self.given[one.language].kind if one.kind == "given" else one.training.config
        ]

    def composition_identity(self, under: Composition) -> dict[str, Json]:
        """Everything that can change what a composition does, its task aside."""
        made: dict[str, Json] = {
            "mix": under.mix,
            **self._beneath_identity(under.adapters, under.invertible),
        }
        kind = self.method.compositions[under.mix]
        if kind.seeded:
            made["seed"] = under.seed
        if kind.trained:
            made["fusion"] = said(under.fusion)
        if kind.weighted and under.weights:
            made["weights"] = [*under.weights]
        return made | self.method.identity("composition", under.mix)

    def check_kind(self, how: AdapterTraining | LanguageTraining) -> None:
        """Raise StudyError where an adapter is of a kind that is not registered, or not of this role."""
        known = {
            name: one
            for name, one in self.method.adapters.items()
            if (one.task if how.role == "task" else one.language) is not None
        }
        if how.config not in known:
            raise StudyError(f"no kind of {how.role} adapter {how.config!r}{nearest(how.config, known)}")

    def check_composition(self, under: Composition) -> None:
        """Raise StudyError where a composition is not registered, or cannot take its adapters."""
        known = self.method.compositions
        if under.mix not in known:
            raise StudyError(f"no composition {under.mix!r}{nearest(under.mix, known)}")
        kind, names = known[under.mix], [x.language or "random" for x in under.adapters]
        if kind.alone and len(names) != 1:
            raise StudyError(f"the composition {under.mix} takes one adapter, not {len(names)}")
        kinds = dict(zip(names, map(self.kind_of_adapter, under.adapters), strict=True))
        places = {one.place for one in kinds.values()}
        if len(places) > 1:
            which = ", ".join(f"{x}: {one.name}, {one.place}" for x, one in kinds.items())
            raise StudyError(f"language adapters of different places cannot be put together ({which})")
        for one in kinds.values():
            if kind.needs and kind.needs not in one.abilities:
                fitting = ", ".join(x for x, y in known.items() if y.needs in {"", *one.abilities})
                raise StudyError(
                    f"the composition {under.mix} cannot take language adapters of the kind {one.name}; "
                    f"compositions that can: {fitting}"
                )

    def _beneath_identity(self, adapters: Sequence[LanguageAdapter], invertible: bool) -> dict[str, Json]:
        made: dict[str, Json] = {
            "adapters": [{"language": x.language, **self.language_adapter_identity(x)} for x in adapters]
        }
        if any(self.is_invertible(x) for x in adapters):
            made["invertible"] = invertible
        return made

    def composition(self, identity: Mapping[str, Any]) -> Composition:
        """A composition of this identity: what a probe makes of the condition of its job."""
        fusion = Fusion(**identity["fusion"]) if "fusion" in identity else Fusion()
        return Composition(
            adapters_of(identity),
            identity["mix"],
            identity.get("invertible", True),
            fusion,
            identity.get("seed", 0),
            tuple(identity.get("weights", ())),
        )


def settings_in(identity: Mapping[str, Any], settings: type[Any]) -> dict[str, Any]:
    """The fields of a settings class that an identity has."""
    return tuples({x.name: identity[x.name] for x in fields(settings) if x.name in identity})


def adapters_of(identity: Mapping[str, Any]) -> tuple[LanguageAdapter, ...]:
    """The language adapters that an identity names."""
    found = []
    for one in identity["adapters"]:
        how = LanguageTraining(**settings_in(one, LanguageTraining))
        found.append(LanguageAdapter(one["kind"], one["language"], how, one.get("seed", 0)))
    return tuple(found)
