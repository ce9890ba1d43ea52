"""What can change a job's numbers, cells apart, as a value: made by probes, stored as JSON, read by pages.

Nothing else knows under which names the parts of a condition are stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from xlbench.contracts.treatment import PLAIN

if TYPE_CHECKING:
    from xlbench.contracts.cell import Json
    from xlbench.contracts.study import ReadOut

    Told = Mapping[str, Json]

_TREATMENT = "treatment_"
"""What the names begin with under which it is stored what tells a treatment from others."""


@dataclass(frozen=True, slots=True)
class Finetuning:
    """Fine-tuning of the pretrained weights on a text."""

    text: Told
    """`Resolved.text_identity`: the text, and how it is learned from."""
    steps: int
    seed: int
    treatment: str = PLAIN
    treated: Told = field(default_factory=dict)
    """`Resolved.treatment_identity`."""

    @property
    def name(self) -> str:
        """The text, as `Lab.finetune` takes it: a language, or several ("deu+tur")."""
        return str(self.text["language"])

    @property
    def is_plain(self) -> bool:
        """Whether the text is as it was written."""
        return self.treatment == PLAIN


@dataclass(frozen=True, slots=True)
class Mixed:
    """Language adapters beneath a task adapter, in training or evaluation."""

    identity: Told
    """`Resolved.composition_identity`, or what a task adapter was trained over."""

    @property
    def mix(self) -> str:
        """How they are put together; "" in training, where each example has its own."""
        return str(self.identity.get("mix", ""))

    @property
    def adapters(self) -> tuple[Mapping[str, Any], ...]:
        """Each adapter's language (ISO 639-3; "" of a random one), and identity."""
        found = self.identity.get("adapters")
        return tuple(x for x in found if isinstance(x, Mapping)) if isinstance(found, list | tuple) else ()

    @property
    def languages(self) -> tuple[str, ...]:
        """Of the adapters; "" of a random one."""
        return tuple(str(x.get("language", "")) for x in self.adapters)

    @property
    def seed(self) -> int:
        """The highest of the composition's and the adapters' seeds, which a probe makes the same."""
        return max([_seed(self.identity), *map(_seed, self.adapters)])

    @property
    def invertible(self) -> bool | None:
        """Whether invertible parts act; None where there are none."""
        found = self.identity.get("invertible")
        return found if isinstance(found, bool) else None

    @property
    def fusion(self) -> Told:
        """How a fusion was tuned; nothing where none was."""
        found = self.identity.get("fusion")
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, slots=True)
class ReadBy:
    """What a task is read by: an adapter with its head, or the model as it is."""

    identity: Told
    """`Resolved.adapter_identity`."""

    @property
    def is_adapter(self) -> bool:
        """Whether there is an adapter; otherwise the model's own head reads."""
        return "seed" in self.identity

    @property
    def seed(self) -> int:
        """Of the adapter; 0 where there is none."""
        return _seed(self.identity)

    @property
    def but_for_seed(self) -> Told:
        """What adapters have in common that differ in their seed."""
        return {k: v for k, v in self.identity.items() if k != "seed"}

    @property
    def over(self) -> Mixed | None:
        """The language adapters that it was trained over."""
        found = self.identity.get("over")
        return Mixed(found) if isinstance(found, Mapping) else None

    @property
    def alone(self) -> ReadBy:
        """The adapter as it would be trained on the model alone."""
        return ReadBy({k: v for k, v in self.identity.items() if k != "over"})

    @property
    def train(self) -> Told:
        """Fingerprints of its training data, by language."""
        found = self.identity.get("train")
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Condition:
    """Everything, cells apart, that can change the numbers of a job; nothing that cannot.

    `as_json` is what is stored and what the identity is made of; `read` gives back what was made. A probe
    may have a condition of its own, any plain table: what `read` does not know is in `settings`.
    """

    model: str = ""
    """`Resolved.model_fingerprint`."""
    adapter: ReadBy | None = None
    finetuning: Finetuning | None = None
    """None: the pretrained weights."""
    composition: Mixed | None = None
    reading: ReadOut = "put-back"
    settings: Told = field(default_factory=dict)
    """Whatever else a probe, or the planner, says of it."""

    def as_json(self) -> dict[str, Json]:
        """Plain data."""
        made: dict[str, Json] = {"model": self.model} if self.model else {}
        if self.adapter is not None:
            made["adapter"] = dict(self.adapter.identity)
        if (run := self.finetuning) is not None:
            made |= {"text": dict(run.text), "variant": run.treatment, "steps": run.steps, "seed": run.seed}
            made |= run.treated
        if self.composition is not None:
            made["under"] = dict(self.composition.identity)
        if self.reading != "put-back":
            made["reading"] = self.reading
        return made | dict(self.settings)

    @classmethod
    def read(cls, said: Told) -> Condition:
        """The condition of plain data; never fails."""
        rest = dict(said)
        model = rest.pop("model") if isinstance(rest.get("model"), str) and rest["model"] else ""
        parts = {x: rest.pop(x) for x in ("adapter", "under") if isinstance(rest.get(x), Mapping)}
        return cls(
            str(model),
            ReadBy(_table(parts["adapter"])) if "adapter" in parts else None,
            _finetuning(rest),
            Mixed(_table(parts["under"])) if "under" in parts else None,
            "retrained" if rest.get("reading") == "retrained" and rest.pop("reading") else "put-back",
            rest,
        )

    @property
    def texts(self) -> dict[str, str]:
        """The languages whose text is trained on, with the texts' fingerprints."""
        text = self.finetuning.text if self.finetuning is not None else self.settings.get("text")
        if not isinstance(text, Mapping):
            return {}
        parts = text.get("parts")
        found = parts if isinstance(parts, list | tuple) else [text]
        return {
            str(x["language"]): str(x["text"])
            for x in found
            if isinstance(x, Mapping) and isinstance(x.get("language"), str) and "text" in x
        }


def _finetuning(rest: dict[str, Json]) -> Finetuning | None:
    """Taken out of the table, where it is there whole."""
    text, steps, seed, treatment = (rest.get(x) for x in ("text", "steps", "seed", "variant"))
    if not isinstance(text, Mapping) or not isinstance(text.get("language"), str):
        return None
    if not _is_number(steps) or not _is_number(seed) or not isinstance(treatment, str):
        return None
    for name in ("text", "steps", "seed", "variant"):
        del rest[name]
    treated = {x: rest.pop(x) for x in list(rest) if x.startswith(_TREATMENT)}
    return Finetuning(text, int(str(steps)), int(str(seed)), treatment, treated)


def _is_number(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _seed(told: Mapping[str, Any]) -> int:
    found = told.get("seed", 0)
    return found if isinstance(found, int) else 0


def _table(value: Any) -> dict[str, Json]:
    return dict(value)
