"""The observer `jsonl`: a line of JSON for everything that happens in a run."""

from __future__ import annotations

import dataclasses
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlbench.contracts import Job, StudyPlanned
from xlbench.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xlbench.contracts import Observed, Observer, Tell

NAME = "events.jsonl"
EVENTS = {
    "StudyPlanned": "study planned",
    "JobStarted": "job started",
    "JobProgressed": "job progressed",
    "JobEnded": "job ended",
    "JobFailed": "job failed",
    "StudyEnded": "study ended",
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What may be set."""

    file: str = ""
    """Where lines are added; events.jsonl in the folder of results unless it is set."""


class JsonLines:
    """Adds lines to a file, each written at once, so that several runs may share it."""

    name = "jsonl"
    summary = "A line of JSON for each event of a run, in events.jsonl or --option jsonl.file=FILE"
    settings = Settings

    def observe(self, settings: Settings) -> Tell:
        """See `contracts.Observer`."""
        return _Log(settings.file).add


class _Log:
    def __init__(self, file: str) -> None:
        self.file = Path(file).expanduser().absolute() if file else None
        self.study = ""

    def add(self, what: Observed) -> None:
        """Write what has happened."""
        if isinstance(what, StudyPlanned):
            self.study = what.study_id
            self.file = self.file or what.results / NAME
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": EVENTS[type(what).__name__],
            "study_id": self.study,
            **{x.name: _plain(getattr(what, x.name)) for x in dataclasses.fields(what)},
        }
        assert self.file is not None  # noqa: S101 - the plan comes first
        content = f"{json.dumps(line, ensure_ascii=False)}\n".encode()
        place = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(place, content)
        finally:
            os.close(place)


def _plain(value: Any) -> Any:
    if isinstance(value, Job):
        return {"id": value.identity, "probe": value.probe, "label": value.label}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(x) for x in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value


@hookimpl
def xlbench_observers() -> Iterable[Observer]:
    """Register the observer."""
    yield JsonLines()
