"""Unlabelled text on the hub, read in parts and kept: only what is asked for is fetched, and only once."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from xlbench import hub
from xlbench.contracts import digest
from xlbench.errors import DataError

if TYPE_CHECKING:
    from pyarrow import parquet

INSTEAD = "--text FOLDER"
SPREAD = 8
"""Row groups whose documents are mixed where a seed orders them."""


@dataclass(frozen=True)
class HubText:
    """A Corpus over one column of a hub set, with a configuration a language."""

    name: str
    about: str
    repo: str
    column: str
    configs: Mapping[str, str]
    """By ISO 639-3 code."""
    revision: str | None = None
    """None is the default branch, and the hub's conversion to parquet where that has no such files."""
    seed: int | None = None
    """Orders the documents; None leaves them as they stand."""
    _found: list[hub.Snapshot] = field(default_factory=list, repr=False, compare=False)

    @property
    def source(self) -> str:
        """For provenance, one line."""
        return f"{self.about}; hub: {self.repo}"

    @property
    def commit(self) -> str | None:
        """The commit that is read, once it has been looked up."""
        if self.revision is not None:
            return hub.known_commit(self._repo, self.revision)
        # The conversion is looked up only where it is what is read.
        return hub.known_commit(self._repo, hub.CONVERTED) or hub.known_commit(self._repo)

    def at(self, revision: str) -> HubText:
        """The same text at a branch, tag or commit."""
        return replace(self, revision=revision, _found=[])

    def languages(self) -> Collection[str]:
        """ISO 639-3 codes of the languages that have files. Raises DataError if there is no such set."""
        folders = "\n".join(f"/{x}" for x in self._snapshot().files)
        return tuple(sorted(code for code, config in self.configs.items() if f"/{config}/" in folders))

    def fingerprint(self, language: str) -> str:
        """Configuration and commit, and what else says which lines come first. Raises DataError."""
        part = self._part(language)
        seed = "" if self.seed is None else f"#seed={self.seed}"
        return f"{part.config}@{part.snapshot.commit}{seed}"

    def lines(self, language: str, limit: int) -> Sequence[str]:
        """The first `limit` non-empty lines of the documents, stripped. Raises DataError where there are
        none, or they can be obtained neither on the network nor from the cache.
        """
        return _first(self._part(language), limit)

    def _part(self, language: str) -> _Part:
        if language not in self.configs:
            raise DataError(f"{self.name} has no text in {language}; use {INSTEAD}")
        config, snapshot = self.configs[language], self._snapshot()
        paths = hub.parquet_files(snapshot.files, config, "train")
        if not paths:
            raise DataError(
                f"{self.repo}: no configuration {config!r} with parquet files at commit "
                f"{snapshot.commit[:12]}; see {snapshot.repo.page}, or use {INSTEAD}"
            )
        return _Part(snapshot, config, self.column, paths, self.seed)

    def _snapshot(self) -> hub.Snapshot:
        if not self._found:
            found = hub.find(self._repo, self.revision)
            if self.revision is None and not any(x.endswith(".parquet") for x in found.files):
                found = hub.find(self._repo, hub.CONVERTED)
            self._found.append(found)
        return self._found[0]

    @property
    def _repo(self) -> hub.Repo:
        return hub.Repo(self.repo, "dataset", INSTEAD)


@dataclass(frozen=True, slots=True)
class _Part:
    """The documents of one configuration, and the order in which they are read."""

    snapshot: hub.Snapshot
    config: str
    column: str
    paths: tuple[str, ...]
    seed: int | None = None
    """None: as they stand. Otherwise 8 row groups at a time, drawn by it without replacement over all files,
    their documents in an order drawn by it."""

    @property
    def where(self) -> str:
        """For messages."""
        return f"{self.snapshot.repo.id} ({self.config})"


def _first(part: _Part, limit: int) -> Sequence[str]:
    """The first `limit` non-empty lines of the documents, stripped; fewer where there are no more.

    Kept in the cache with however many more were asked for before. Raises DataError where there are none, or
    they can be obtained neither from there nor from the hub.
    """
    name = f"text/{_key(part)}.json.gz"
    content = hub.cached(name)
    known: dict[str, Any] = {"whole": False, "lines": []}
    if content is not None:
        known = json.loads(gzip.decompress(content))
    if len(known["lines"]) < limit and not known["whole"]:
        with hub.reaching(part.snapshot.repo):
            found = list(islice(_lines(part), limit))
        known = {"whole": len(found) < limit, "lines": found}
        hub.store(name, gzip.compress(json.dumps(known, ensure_ascii=False).encode(), mtime=0))
    if not known["lines"] and limit > 0:
        raise DataError(f"{part.where}: no text in it; use {part.snapshot.repo.instead}")
    first: list[str] = known["lines"][:limit]
    return first


def _key(part: _Part) -> str:
    repo = part.snapshot.repo
    return digest(
        {
            "repository": repo.id,
            "commit": part.snapshot.commit,
            "paths": list(part.paths),
            "column": part.column,
            "seed": part.seed,
        }
    )


def _lines(part: _Part) -> Iterator[str]:
    for document in _documents(part):
        yield from filter(None, map(str.strip, (document or "").split("\n")))


def _documents(part: _Part) -> Iterator[str | None]:
    if part.seed is None:
        for path in part.paths:
            for group in range(hub.retried(partial(_groups, part, path))):
                yield from hub.retried(partial(_read, part, path, group))
        return
    draw = random.Random(part.seed)
    # The order of `random()` alone is promised to stay the same over versions of Python.
    files = sorted(part.paths, key=lambda _: draw.random())
    while files:
        # Of many files a few are opened: each costs a request, and one has thousands of documents.
        some, files = files[:SPREAD], files[SPREAD:]
        places = [(x, i) for x in some for i in range(hub.retried(partial(_groups, part, x)))]
        places.sort(key=lambda _: draw.random())
        while places:
            now, places = places[:SPREAD], places[SPREAD:]
            mixed = [text for x, i in now for text in hub.retried(partial(_read, part, x, i))]
            mixed.sort(key=lambda _: draw.random())
            yield from mixed


@contextmanager
def _table(part: _Part, path: str) -> Iterator[parquet.ParquetFile]:
    from pyarrow import ArrowInvalid, parquet

    try:
        with hub.opened(part.snapshot, path) as file, parquet.ParquetFile(file) as table:
            yield table
    except ArrowInvalid as error:
        raise DataError(f"{part.where}: {path} is no parquet file ({error}); use other text") from None


def _groups(part: _Part, path: str) -> int:
    with _table(part, path) as table:
        if part.column not in table.schema_arrow.names:
            raise DataError(
                f"{part.where}: no column {part.column!r}; it has {', '.join(table.schema_arrow.names)}"
            )
        return int(table.num_row_groups)


def _read(part: _Part, path: str, group: int) -> list[str | None]:
    with _table(part, path) as table:
        column = table.read_row_group(group, columns=[part.column]).column(0)
        texts: list[str | None] = column.to_pylist()
        return texts
