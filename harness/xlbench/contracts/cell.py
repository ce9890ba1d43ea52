"""What is scored: one target of one task; and the digest that all identities are made of."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


def digest(value: Json) -> str:
    """40 hexadecimal digits of the SHA-256 of the canonical JSON of `value`."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class Cell:
    """One target of one task, as it will be scored."""

    task: str
    target: str
    """ISO 639-3."""
    data: str
    """Fingerprint of the test data; with how they are drawn, where a limit draws from them."""
    limit: int | None = None

    def as_json(self) -> dict[str, Json]:
        """For the identity and the stored file."""
        return {"task": self.task, "target": self.target, "data": self.data, "limit": self.limit}

    @property
    def key(self) -> str:
        """Identity of the cell, 40 hexadecimal digits."""
        return digest(self.as_json())
