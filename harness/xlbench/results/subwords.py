"""What the tokenizer makes of a study's languages, kept beside its manifest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from xlbench.contracts import Subwords
from xlbench.errors import ResultsError
from xlbench.results.aside import put

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = "subwords.json"


def save(folder: Path, found: Mapping[str, Subwords]) -> None:
    """Write them, by task. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        task: {
            "text": dict(one.text),
            "tests": dict(one.tests),
            "overlap": [[f, g, share] for (f, g), share in one.overlap.items()],
        }
        for task, one in found.items()
    }
    put(folder / NAME, json.dumps(content, separators=(",", ":")).encode())


def load(folder: Path) -> dict[str, Subwords]:
    """By task; empty where none are stored. Raises ResultsError."""
    path = folder / NAME
    try:
        return {
            task: Subwords(dict(x["text"]), dict(x["tests"]), {(f, g): share for f, g, share in x["overlap"]})
            for task, x in json.loads(path.read_bytes()).items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResultsError(
            f"cannot read {path}; delete it and run the study again, no result is lost"
        ) from error
