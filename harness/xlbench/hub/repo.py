"""What a repository of the hub is called, and where people find it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from xlbench.hub.guard import hidden

if TYPE_CHECKING:
    from pathlib import Path

Kind: TypeAlias = Literal["model", "dataset"]


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository of the hub, and what to do where it cannot be obtained."""

    id: str
    """OWNER/NAME."""
    kind: Kind
    instead: str
    """What to use otherwise: "--text FOLDER"."""

    @property
    def noun(self) -> str:
        """For messages."""
        return "checkpoint" if self.kind == "model" else "data set"

    @property
    def page(self) -> str:
        """Its page on the hub that is in use."""
        from huggingface_hub import constants

        return f"{hidden(constants.ENDPOINT)}/{'datasets/' if self.kind == 'dataset' else ''}{self.id}"

    @property
    def cache(self) -> Path:
        """Its folder in the cache that all users of `huggingface_hub` share."""
        from pathlib import Path

        from huggingface_hub import constants
        from huggingface_hub.file_download import repo_folder_name

        return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=self.id, repo_type=self.kind)
