"""What MkDocs calls: pages made of the real commands, and files beyond `docs/` that pages link to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from website import beyond, made  # noqa: E402 - MkDocs runs this file by its path

if TYPE_CHECKING:
    from mkdocs.structure.files import Files


def on_files(files: Files, config: Any) -> Files:
    """Add every file of the repository that a page links to, and those that these link to."""
    from mkdocs.structure.files import File, InclusionLevel

    for path in sorted(beyond.reached(ROOT)):
        where = beyond.place(path)
        if (text := beyond.as_page(ROOT, path)) is not None:
            added = File.generated(config, where, content=text, inclusion=InclusionLevel.NOT_IN_NAV)
        else:
            added = File.generated(config, where, abs_src_path=str(ROOT / path))
        files.append(added)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """A page as the site has it: `docs/` is its top, and what is made is in its place."""
    return beyond.mended(made.filled(markdown), page.file.src_uri)


FETCHED = "https://unpkg.com/iframe-worker/shim"
"""What the theme would have a page fetch from the network."""


def on_post_page(output: str, page: Any, config: Any) -> str:
    """A page that fetches nothing from the network."""
    from mkdocs.utils import get_relative_url

    return output.replace(FETCHED, get_relative_url("assets/search-from-disk.js", page.url))


def on_post_template(output: str, template_name: str, config: Any) -> str:
    """The page of what is not found, likewise; it is served from any place."""
    return output.replace(FETCHED, "/assets/search-from-disk.js")
