"""Published data sets on the Hugging Face hub: nothing is fetched before examples are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from xlbench import hub
from xlbench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.contracts import Example, Split

NAMES: Mapping[Split, str] = {"train": "train", "dev": "validation", "test": "test"}
"""What the hub calls the splits, mostly."""
ROWS = 2048
"""Rows that are decoded at a time."""


@dataclass(frozen=True)
class HubData:
    """A TaskData over one repository of parquet files, with a configuration a language."""

    name: str
    task: str
    repo: str
    about: str
    configs: Mapping[str, str]
    """By ISO 639-3 code."""
    columns: tuple[str, ...]
    decode: Callable[..., Example]
    """Makes an example of the columns' values, classes by name. Raises KeyError for an unknown label, and
    ValueError, one line, for values that contradict each other."""
    optional: tuple[str, ...] = ()
    """Further columns that `decode` takes, None for each that a file lacks."""
    version: str = ""
    """Of `decode`, where it gives other examples of the same rows than it once did."""
    repair: Callable[[Example], Example] | None = None
    """Puts right what a published set is known to have wrong; counted for `xlbench plan`."""
    repaired: str = ""
    """What that is, after the number of examples."""
    without: Mapping[Split, Collection[str]] = field(default_factory=dict)
    """Languages that lack a split."""
    names: Mapping[Split, str] = field(default_factory=lambda: NAMES)
    """What the repository calls the splits."""
    prefixes: Mapping[str, str] = field(default_factory=dict)
    """By language, where a configuration holds several: what the first column of its rows begins with."""
    parallel: bool = False
    """Whether test rows are translations of each other, in the same order in all languages."""
    origin: str | None = None
    """The domain of its sentences, the same in all languages."""
    revision: str | None = None
    """None is the default branch; `hub.CONVERTED` for a repository that is still a loading script."""
    _found: list[hub.Snapshot] = field(default_factory=list, repr=False, compare=False)
    _repairs: dict[tuple[str, Split], int] = field(default_factory=dict, repr=False, compare=False)

    @property
    def source(self) -> str:
        """For provenance, one line."""
        return f"{self.about}; hub: {self.repo}"

    @property
    def commit(self) -> str | None:
        """The commit that is read, once it has been looked up."""
        return hub.known_commit(self._repo, self.revision)

    def at(self, revision: str) -> HubData:
        """The same data at a branch, tag or commit."""
        return replace(self, revision=revision, _found=[], _repairs={})

    def domain(self, language: str) -> str | None:
        """Where its sentences come from."""
        return self.origin

    def languages(self, split: Split) -> Collection[str]:
        """ISO 639-3 codes of the languages that have this split; needs no network."""
        return tuple(sorted(set(self.configs) - set(self.without.get(split, ()))))

    def fingerprint(self, language: str, split: Split) -> str:
        """Configuration, commit, and the version of `decode` where it has one. Raises DataError if absent, or
        neither on the network nor cached.
        """
        return f"{self._config(language, split)}@{self._snapshot().commit}{self.version}"

    def examples(self, language: str, split: Split, limit: int | None = None) -> Sequence[Example]:
        """The first `limit` examples, or all. Raises DataError, naming repository, configuration and row."""
        config = self._config(language, split)
        where = f"{self.repo} ({config}, {self.names[split]})"
        snapshot, prefix = self._snapshot(), self.prefixes.get(language, "")
        paths = hub.parquet_files(snapshot.files, config, self.names[split])
        if not paths:
            raise DataError(
                f"{where}: no parquet file of it at commit {snapshot.commit[:12]}; pin another revision "
                f"(--data {self.task}={self.name}@REVISION), or use {snapshot.repo.instead}"
            )
        files = [hub.fetch(snapshot, x) for x in paths]
        found: list[Example] = []
        for number, values in enumerate(rows(files, self.columns, where, self.optional)):
            if len(found) == limit:
                break
            if prefix and not values[0].startswith(prefix):
                continue
            try:
                found.append(self.decode(*values))
            except KeyError as error:
                raise DataError(f"{where} row {number}: unknown label {error}; take other data") from error
            except ValueError as error:
                raise DataError(f"{where} row {number}: {error}; take other data") from error
        if self.repair is None:
            return found
        made = [self.repair(x) for x in found]
        self._repairs[language, split] = sum(x != y for x, y in zip(found, made, strict=True))
        return made

    def notes(self, language: str, split: Split) -> Sequence[str]:
        """See `contracts.Explained`: examples that were repaired when the split was last read."""
        count = self._repairs.get((language, split), 0)
        return [f"{count:,} {self.repaired}"] if count else []

    def remarks(self) -> Sequence[str]:
        """Nothing: the hub has one set per language."""
        return []

    def _snapshot(self) -> hub.Snapshot:
        if not self._found:
            self._found.append(hub.find(self._repo, self.revision))
        return self._found[0]

    @property
    def _repo(self) -> hub.Repo:
        return hub.Repo(self.repo, "dataset", f"--data {self.task}=FOLDER")

    def _config(self, language: str, split: Split) -> str:
        if language not in self.languages(split):
            raise DataError(f"{self.name} has no {split} data of {language} for {self.task}; leave it out")
        return self.configs[language]


def rows(
    paths: Sequence[Path], columns: Sequence[str], where: str, optional: Sequence[str] = ()
) -> Iterator[tuple[Any, ...]]:
    """Values of columns, one row at a time; None for optional ones that a file lacks. Classes by name, never
    by number.

    Raises DataError, which begins with `where`, for a file that is not such a table.
    """
    from datasets import Features
    from pyarrow import ArrowInvalid, parquet

    for path in paths:
        try:
            file = parquet.ParquetFile(path)
        except ArrowInvalid as error:
            raise DataError(f"{where}: {path.name} is no parquet file ({error}); take other data") from None
        with file:
            missing = [x for x in columns if x not in file.schema_arrow.names]
            if missing:
                raise DataError(
                    f"{where}: no column {', '.join(missing)} in {path.name}, which has "
                    f"{', '.join(file.schema_arrow.names)}; take another revision"
                )
            features = Features.from_arrow_schema(file.schema_arrow)
            wanted = [*columns, *(x for x in optional if x in file.schema_arrow.names)]
            for batch in file.iter_batches(batch_size=ROWS, columns=wanted):
                table = {x: _named(features[x], batch.column(x).to_pylist()) for x in wanted}
                absent = [None] * batch.num_rows
                yield from zip(*(table.get(x, absent) for x in (*columns, *optional)), strict=True)


def _named(feature: Any, values: list[Any]) -> list[Any]:
    inner = getattr(feature, "feature", None)
    if inner is not None:
        return [_named(inner, value) for value in values]
    names = getattr(feature, "names", None)
    if names is None:
        return values
    # -1 stands for no label, which no list of names must be asked for.
    return [None if value is None or value < 0 else names[value] for value in values]
