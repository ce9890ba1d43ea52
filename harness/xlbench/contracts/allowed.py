"""What texts and numbers of the contracts may be, beyond their type.

To a type checker each is an ordinary type; `xlbench.plugins` reads the rule when a plugin yields a value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Allowed:
    """A rule for values of a type."""

    says: str
    """What a value must be, for messages: "an ISO 639-3 code, such as 'swa'"."""
    test: Callable[[Any], bool]
    """Whether a value of the type keeps the rule."""


_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


def _is_name(text: str) -> bool:
    return re.fullmatch(r"\w[\w.-]*", text) is not None and text == text.lower()


def _is_distribution(text: str) -> bool:
    return re.fullmatch(r"\w[\w.-]*", text) is not None


def _is_checkpoint(text: str) -> bool:
    return _HUB_ID.fullmatch(text) is not None or Path(text).expanduser().is_dir()


def _is_each_once(values: tuple[Any, ...]) -> bool:
    return len(set(values)) == len(values)


Name: TypeAlias = Annotated[
    str, Allowed("a name of lower-case letters, digits, '-', '_' and '.', such as 'my-task'", _is_name)
]
QualifiedName: TypeAlias = Annotated[
    str,
    Allowed(
        "a name of lower-case letters, digits, '-', '_' and '.', such as 'my-task', or one with its "
        "distribution, such as 'my-package/my-task'",
        lambda x: _is_name(x.rpartition("/")[2]) and ("/" not in x or _is_distribution(x.rpartition("/")[0])),
    ),
]
DataName: TypeAlias = Annotated[
    str, Allowed("the name of a data set, such as 'wikiann'", lambda x: bool(x.strip()))
]
OptionName: TypeAlias = Annotated[
    str,
    Allowed(
        "a name of lower-case letters, digits, '-' and '_', such as 'my-probe'",
        lambda x: _is_name(x) and "." not in x,
    ),
]
"""A name that `--option NAME.KEY=VALUE` can say."""
OF_SOME_PROBES = frozenset(
    {
        "transfer", "steps", "controls", "reference", "match", "readings", "retraining", "mlm", "evaluation",
        "adapter_orders", "language_training", "language_adapters",
    }
)  # fmt: skip
"""Fields of a study that only some probes read (`Selective.reads`); all others, any probe may read."""
ReadBySome: TypeAlias = Annotated[
    str,
    Allowed(
        f"a field of a study that only some probes read ({', '.join(sorted(OF_SOME_PROBES))})",
        lambda x: x in OF_SOME_PROBES,
    ),
]
LanguageCode: TypeAlias = Annotated[
    str,
    Allowed(
        "an ISO 639-3 code, three lower-case letters such as 'swa'",
        lambda x: re.fullmatch("[a-z]{3}", x) is not None,
    ),
]
ScriptCode: TypeAlias = Annotated[
    str,
    Allowed(
        "an ISO 15924 code of a script, such as 'Latn'",
        lambda x: re.fullmatch("[A-Z][a-z]{3}", x) is not None,
    ),
]
Checkpoint: TypeAlias = Annotated[
    str, Allowed("a hub id (OWNER/NAME) or a folder that exists", _is_checkpoint)
]
AnyNumber: TypeAlias = Annotated[float, Allowed("a number", lambda x: not math.isnan(x))]
Labels: TypeAlias = Annotated[tuple[str, ...], Allowed("a tuple of texts, each once", _is_each_once)]
Columns: TypeAlias = Annotated[
    tuple[str, ...],
    Allowed("a tuple of one or more texts, each once", lambda x: bool(x) and _is_each_once(x)),
]
SHAPE = ("reduction_factor", "rank", "alpha")
"""What a kind of adapter may have to set of the shape of its adapters, beside the layers that go without."""
Shape: TypeAlias = Annotated[
    Mapping[str, int],
    Allowed(
        f"a mapping from some of {', '.join(map(repr, SHAPE))} to whole numbers above 0",
        lambda x: set(x) <= set(SHAPE) and all(value > 0 for value in x.values()),
    ),
]
