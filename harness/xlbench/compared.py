"""Two stored studies or more: which effects changed, and what they come to side by side."""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from xlbench.contracts import Compares, Surveys
from xlbench.errors import ResultsError
from xlbench.plugins import give, load, made_with
from xlbench.results import Store
from xlbench.results.studies import told_apart

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xlbench.contracts import Page
    from xlbench.reporting import Provenance, Publisher
    from xlbench.results import StoredStudy


class Compared:
    """Two studies or more, and the pages that compare them."""

    def __init__(
        self,
        names: Sequence[str | Path],
        results: str | Path = "results",
        plugins: Iterable[object] = (),
    ) -> None:
        """Each is a folder of results, or the id or model of a study in `results`. Raises XlbenchError."""
        registry = load(given=give(plugins))
        sides = [_side(str(x), Path(results)) for x in names]
        places = [(store.path.resolve(), stored.id) for store, stored in sides]
        for i, place in enumerate(places):
            if place in places[:i]:
                first = names[places.index(place)]
                raise ResultsError(f"{first} and {names[i]} are the same study, {place[1]}; name each once")
        self.studies = [stored for _, stored in sides]
        contents = [store.contents(stored) for store, stored in sides]
        self._made_by = [one.provenances for one in contents]
        registry = made_with(registry, chain.from_iterable(self._made_by))
        metrics = {name: x.metric for name, x in registry.tasks.items()}
        records = [one.records(metrics) for one in contents]
        self.titles = told_apart(self.studies, [store.path.name for store, _ in sides])
        """What to call each."""
        self.pages: list[tuple[str, Page]] = []
        """With their probes."""
        for name, probe in registry.probes.items():
            if isinstance(probe, Compares) and len(records) == 2:
                self.pages += ((name, x) for x in probe.compare(records[0], records[1]))
            if isinstance(probe, Surveys):
                by_title = dict(zip(self.titles, records, strict=True))
                self.pages += ((name, x) for x in probe.survey(by_title))
        if not self.pages:
            raise ResultsError(
                f"{', '.join(map(str, names[:-1]))} and {names[-1]} have no effects of the same task, "
                "transfer language, number of steps and target; nothing to compare"
            )

    @cached_property
    def _publishers(self) -> list[Publisher]:
        from xlbench import reporting

        return [reporting.Publisher(x.study, str(x.described["model"]["name"])) for x in self.studies]

    @cached_property
    def published(self) -> list[tuple[str, Page]]:
        """As `Stored.published`, of these pages."""
        found = []
        for probe, page in self.pages:
            for publisher in self._publishers:
                page = publisher.page(page)
            found.append((probe, page))
        return found

    @cached_property
    def provenance(self) -> Provenance:
        """What stands at the end of each."""
        from xlbench import reporting

        return reporting.provenance_of_several(self.studies, self._made_by, self.titles, self._publishers)

    def write_leaderboard(self, folder: Path) -> tuple[list[Path], list[str]]:
        """As `Stored.write_leaderboard`, of these pages."""
        from xlbench import reporting

        undrawn: set[str] = set()
        made_by = self.provenance
        written = reporting.write_leaderboard(folder, self.published, lambda _: made_by, undrawn.add)
        return written, sorted(undrawn)


def compare(
    one: str | Path,
    other: str | Path,
    *more: str | Path,
    results: str | Path = "results",
    plugins: Iterable[object] = (),
) -> list[Page]:
    """Which effects changed from one study to the other, and what they come to side by side; of three or more
    the last alone. Each is a folder of results, or the id or model of a study in `results`.
    Raises XlbenchError.
    """
    return [page for _, page in Compared((one, other, *more), results, plugins).pages]


def _side(what: str, results: Path) -> tuple[Store, StoredStudy]:
    """A folder's last study, or in `results` a study by id, or the last of a model. Raises ResultsError, also
    for what is both.
    """
    folder = Path(what)
    named = None
    if results.is_dir():
        store = Store(results)
        named = next(
            (
                x
                for x in store.studies()
                if what in (x.id, x.study.get("model"), x.described["model"]["name"])
            ),
            None,
        )
    if folder.is_dir() and (named is None or (folder / "studies").is_dir()):
        if named is not None and what == str(folder):
            raise ResultsError(
                f"{what!r} is a folder of results and also a model or study in {results}; write ./{what} for "
                f"the folder, or {named.id} for the study"
            )
        store = Store(folder)
        return store, store.study()
    if named is not None:
        return store, named
    if not results.is_dir():
        raise ResultsError(
            f"{what!r} is no folder; studies and models are looked up in {results}: no such folder"
        )
    known = ", ".join(sorted({str(x.study.get("model")) for x in store.studies()})) or "none"
    raise ResultsError(f"{what!r} is no folder, nor a study or model in {store.path}, which has: {known}")
