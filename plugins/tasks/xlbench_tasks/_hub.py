"""Published data sets on the Hugging Face hub: nothing is fetched before examples are asked for."""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlbench.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset

    from xlbench.contracts import Example, Split

NAMES: Mapping[Split, str] = {"train": "train", "dev": "validation", "test": "test"}
"""What the hub calls the splits, mostly."""
DISK = frozenset({errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EROFS})
"""Errors of the disk that the cache is on."""
TIMEOUT = 10.0
"""Seconds that the hub may take to answer."""


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
    revision: str | None = None
    """Branch or tag to read; None is the default branch. Repositories that are a loading script have their
    parquet files on `refs/convert/parquet`."""
    without: Mapping[Split, Collection[str]] = field(default_factory=dict)
    """Languages that lack a split."""
    names: Mapping[Split, str] = field(default_factory=lambda: NAMES)
    """What the repository calls the splits."""
    prefixes: Mapping[str, str] = field(default_factory=dict)
    """By language, where a configuration holds several: what the first column of its rows begins with."""
    _commits: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def source(self) -> str:
        """For provenance, one line."""
        return f"{self.about}; hub: {self.repo}"

    def languages(self, split: Split) -> Collection[str]:
        """ISO 639-3 codes of the languages that have this split; needs no network."""
        return tuple(sorted(set(self.configs) - set(self.without.get(split, ()))))

    def fingerprint(self, language: str, split: Split) -> str:
        """Configuration and commit. Raises DataError if absent, or neither on the network nor cached."""
        return f"{self._config(language, split)}@{self._commit()}"

    def examples(self, language: str, split: Split, limit: int | None = None) -> Sequence[Example]:
        """The first `limit` examples, or all. Raises DataError, naming repository, configuration and row."""
        config = self._config(language, split)
        where = f"{self.repo} ({config}, {self.names[split]})"
        prefix = self.prefixes.get(language, "")
        with reaching(self.repo, f"--data {self.task}=FOLDER"):
            data = load(self.repo, config, self.names[split], self._commit())
        found: list[Example] = []
        rows = named(data, self.columns, None if prefix else limit)
        for number, values in enumerate(zip(*rows, strict=True)):
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
        return found

    def _commit(self) -> str:
        if self.repo not in self._commits:
            self._commits[self.repo] = commit(self.repo, f"--data {self.task}=FOLDER")
        return self._commits[self.repo]

    def _config(self, language: str, split: Split) -> str:
        if language not in self.languages(split):
            raise DataError(f"{self.name} has no {split} data of {language} for {self.task}; leave it out")
        return self.configs[language]


def commit(repo: str, instead: str) -> str:
    """The commit of a data set's default branch: the hub's, or without a network the cached one.

    `instead` says what to do without either. Raises DataError then.
    """
    import datasets
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import RepositoryNotFoundError

    with reaching(repo, instead):
        try:
            HfApi().dataset_info(repo, timeout=TIMEOUT)
        except RepositoryNotFoundError:
            raise
        except OSError:
            # What follows would try again for half a minute, and say so on the screen.
            datasets.config.HF_HUB_OFFLINE = True
        card = hf_hub_download(
            repo, "README.md", repo_type="dataset", local_files_only=datasets.config.HF_HUB_OFFLINE
        )
        return Path(card).parent.name


def load(repo: str, config: str, split: str, revision: str) -> Dataset:
    """One split of a configuration at just that commit."""
    import datasets

    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    data = datasets.load_dataset(repo, config, split=split, revision=revision)
    # Without a network, datasets takes the newest preparation that it has, of whatever commit.
    if not any(revision in Path(file["filename"]).parts for file in data.cache_files):
        raise FileNotFoundError(f"commit {revision} of {repo} is not cached")
    return data


def named(data: Dataset, columns: Sequence[str], limit: int | None) -> list[list[Any]]:
    """Values of columns, the first `limit` rows; classes by name, never by number."""
    rows = data.select_columns(list(columns))[:limit]
    return [_named(data.features[column], rows[column]) for column in columns]


def _named(feature: Any, values: list[Any]) -> list[Any]:
    inner = getattr(feature, "feature", None)
    if inner is not None:
        return [_named(inner, value) for value in values]
    names = getattr(feature, "names", None)
    return values if names is None else [names[value] for value in values]


@contextmanager
def reaching(repo: str, instead: str) -> Iterator[None]:
    """Turn a failure to reach a data set of the hub into one line; leave errors of the disk alone."""
    try:
        yield
    except (OSError, ValueError) as error:  # what huggingface_hub, requests and datasets raise
        if getattr(error, "errno", None) in DISK:
            raise
        raise DataError(
            f"{repo}: not to be had from the Hugging Face hub ({type(error).__name__}) and not in its cache; "
            f"check the network and HF_HUB_OFFLINE, or use {instead}"
        ) from error
