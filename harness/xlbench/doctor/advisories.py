"""Published security advisories that touch the versions installed here."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advisory:
    """One advisory on a library that xlbench uses."""

    package: str
    affected: str
    """Versions, as pip writes them."""
    id: str
    what: str
    """What can happen, in one sentence without a full stop."""
    advice: str
    """What xlbench does about it, or what its user can do."""
    only_with: str = ""
    """A package without which nothing happens."""


ADVISORIES = (
    Advisory(
        "transformers", ">=4.56,<5.3", "CVE-2026-4372",
        "a config.json can have code of a repository downloaded and run where kernels is installed",
        "xlbench refuses such configurations; uninstall kernels if other programs here load models of others",
        "kernels",
    ),
    Advisory(
        "transformers", "<5.0.0rc3", "CVE-2026-1839",
        "the Trainer may run code of a checkpoint's rng_state.pth with torch older than 2.6",
        "xlbench never uses the Trainer; keep torch at 2.6 or newer for programs that do",
    ),
    Advisory(
        "torch", "<2.6", "CVE-2025-32434",
        "torch.load with weights_only may run code of a pickled file",
        "install torch 2.6 or newer; until then xlbench refuses pickled adapters",
    ),
    Advisory(
        "torch", "<2.10", "CVE-2026-24747",
        "torch.load with weights_only may corrupt memory when it reads a crafted pickled file",
        "install torch 2.10 or newer, or give adapters as safetensors alone",
    ),
)  # fmt: skip
"""Those on what xlbench reads of others, from the CVE records; not a list of all there are."""


def touching() -> Iterator[tuple[Advisory, str]]:
    """The advisories on installed versions, with the version."""
    from packaging.specifiers import SpecifierSet

    for one in ADVISORIES:
        version = _installed(one.package)
        if version is None:
            continue
        if SpecifierSet(one.affected, prereleases=True).contains(version):
            yield one, version


def is_exposed(one: Advisory) -> bool:
    """Whether the package is here without which nothing can happen."""
    return not one.only_with or _installed(one.only_with) is not None


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
