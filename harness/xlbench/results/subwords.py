"""What the tokenizer makes of a study's languages, kept beside its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlbench.contracts import Subwords
from xlbench.errors import ResultsError
from xlbench.files.disk import content_of, make_folder, make_way, put
from xlbench.results.studies import sealed, unsealed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = "subwords.json"


def save(folder: Path, found: Mapping[str, Subwords]) -> None:
    """Write them, by task. Raises OSError."""
    make_folder(folder)
    content: dict[str, Any] = {
        task: {
            "text": dict(one.text),
            "tests": dict(one.tests),
            "overlap": [[f, g, share] for (f, g), share in one.overlap.items()],
        }
        for task, one in found.items()
    }
    make_way(folder / NAME, folder.parent.parent / "aside")
    put(folder / NAME, sealed({"study": folder.name, "tasks": content}))


def load(folder: Path) -> dict[str, Subwords]:
    """By task; empty where none are stored. Raises ResultsError, also where they are not what was written."""
    path = folder / NAME
    try:
        found = unsealed(content_of(path))
        if found.get("study", folder.name) != folder.name:
            raise ValueError("it is another study's")
        return {
            task: Subwords(dict(x["text"]), dict(x["tests"]), {(f, g): share for f, g, share in x["overlap"]})
            for task, x in found.get("tasks", found).items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResultsError(
            f"corrupted file {path} ignored; run the study again, and it is made again"
        ) from error
