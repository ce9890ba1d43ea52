"""Links from pages to files outside `docs/`, which a code host follows and a site would not.

Such a file becomes a page of the site under `repository/`, or lies there as it is.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

DOCS = "docs"
BEYOND = "repository"
LINK = re.compile(
    r"(?P<before>\]\(|(?:src|href)=\")(?P<target>[^)\s\"#]+)(?P<anchor>#[^)\s\"]*)?(?P<after>[)\"])"
)
"""A link or picture of Markdown, or of the HTML in it."""
FENCE = re.compile(r"^(?P<mark>```+|~~~+).*?^(?P=mark)[ \t]*$", re.MULTILINE | re.DOTALL)
CODE = {".py": "python", ".toml": "toml", ".yml": "yaml", ".cff": "yaml"}
"""Files that become a page with their text, by the end of their names."""


def reached(root: Path) -> set[str]:
    """Files outside `docs/` that its pages lead to, by however many links; paths in the repository."""
    pages = [x.relative_to(root).as_posix() for x in (root / DOCS).rglob("*.md")]
    found: set[str] = set()
    while pages:
        page = pages.pop()
        for target in targets((root / page).read_text("utf-8"), page):
            if target not in found and not target.startswith(f"{DOCS}/") and (root / target).is_file():
                found.add(target)
                if target.endswith(".md"):
                    pages.append(target)
    return found


def targets(markdown: str, page: str) -> Iterator[str]:
    """Files that a page's links mean, as paths in the repository; those of other sites are left out."""
    for prose in FENCE.split(markdown)[::2]:
        for link in LINK.finditer(prose):
            if not foreign(link["target"]):
                yield posixpath.normpath(posixpath.join(posixpath.dirname(page), link["target"]))


def foreign(target: str) -> bool:
    """Whether it is an address, or a place on this machine, rather than a relative path."""
    return bool(re.match(r"[a-z][a-z+.-]*:|/", target))


def place(path: str) -> str:
    """Where a file of the repository is on the site."""
    if path.startswith(f"{DOCS}/"):
        return path.removeprefix(f"{DOCS}/")
    if PurePosixPath(path).suffix in CODE or "." not in PurePosixPath(path).name:
        return f"{BEYOND}/{path}.md"
    return f"{BEYOND}/{path}"


def origin(where: str) -> str:
    """The file of the repository that is at this place on the site."""
    if not where.startswith(f"{BEYOND}/"):
        return f"{DOCS}/{where}"
    path = where.removeprefix(f"{BEYOND}/")
    bare = path.removesuffix(".md")
    suffix = PurePosixPath(bare).suffix
    return bare if path.endswith(".md") and (suffix in CODE or "." not in PurePosixPath(bare).name) else path


def as_page(root: Path, path: str) -> str | None:
    """The text of the page that a file becomes; None for one that stays as it is."""
    file, suffix = root / path, PurePosixPath(path).suffix
    if suffix == ".md":
        return file.read_text("utf-8")
    if suffix in CODE or not suffix:
        return f"# {path}\n\n````{CODE.get(suffix, 'text')}\n{file.read_text('utf-8')}\n````\n"
    return None


def mended(markdown: str, where: str) -> str:
    """A page's text with its links as they are on the site, which has no folder `docs`."""
    page = origin(where)

    def link(found: re.Match[str]) -> str:
        if foreign(found["target"]):
            return found[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), found["target"]))
        to = os.path.relpath(place(path), posixpath.dirname(where) or ".")
        if found["before"].endswith('"'):
            to = re.sub(r"\.md$", ".html", to)
        return f"{found['before']}{to}{found['anchor'] or ''}{found['after']}"

    return outside_fences(markdown, lambda prose: LINK.sub(link, prose))


def outside_fences(markdown: str, change: Callable[[str], str]) -> str:
    """Change a text, but for the code in it."""
    parts, at = [], 0
    for fence in FENCE.finditer(markdown):
        parts += [change(markdown[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, change(markdown[at:])])
