"""The documentation: links and anchors, what the reference has to have, and the site itself."""

import os
import posixpath
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from playwright.sync_api import Browser

import xlbench
from website import beyond, made
from xlbench import contracts, hookspecs, probing, readers, testing
from xlbench.contracts import Cell, Evaluation, Job, Predictions
from xlbench.metrics import accuracy
from xlbench.results import encoding
from xlbench.spec.study import FIELDS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    x.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "leaderboards/*.md", "examples/**/*.md")
    for x in ROOT.glob(pattern)
)
REFERENCE = "\n".join(x.read_text("utf-8") for x in sorted((ROOT / "docs" / "reference").glob("*.md")))
HEADING = re.compile(r"^#+ (.*?) *$", re.MULTILINE)
LINKED = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def anchors(page: str) -> set[str]:
    """The anchors that a code host and the site both give to the headings of a page."""
    text = "".join(beyond.FENCE.split(made.filled((ROOT / page).read_text("utf-8")))[::2])
    bare = (LINKED.sub(r"\1", x).replace("`", "").lower() for x in HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", x).replace(" ", "-") for x in bare}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_a_heading(page: str) -> None:
    for prose in beyond.FENCE.split((ROOT / page).read_text("utf-8"))[::2]:
        for link in beyond.LINK.finditer(prose):
            if beyond.foreign(link["target"]):
                continue
            path = posixpath.normpath(posixpath.join(posixpath.dirname(page), link["target"]))
            assert (ROOT / path).exists(), f"{page} links to {path}, which is not there"
            if link["anchor"] and path.endswith(".md"):
                assert link["anchor"][1:] in anchors(path), f"{page} links to {path}{link['anchor']}"


@pytest.mark.parametrize("page", PAGES)
def test_every_anchor_within_a_page_is_a_heading(page: str) -> None:
    prose = "".join(beyond.FENCE.split((ROOT / page).read_text("utf-8"))[::2])
    assert set(re.findall(r"\]\(#([^)]+)\)", prose)) <= anchors(page)


@pytest.mark.parametrize("page", [x for x in PAGES if x.startswith("docs/")])
def test_what_belongs_to_an_item_of_a_list_is_indented_for_code_hosts_and_the_site(page: str) -> None:
    prose = "\n".join(beyond.FENCE.split((ROOT / page).read_text("utf-8"))[::2])
    assert not re.findall(r"\n\n {1,3}\S.*", prose), "indent it by four spaces"


def test_the_reference_has_every_public_name() -> None:
    said = set(re.findall(r"^::: ([\w.]+)$", REFERENCE, re.MULTILINE))
    for module in (contracts, probing, readers):
        assert {f"{module.__name__}.{x}" for x in module.__all__} - said == set()
    names = {x.rpartition(".")[2] for x in said}
    shown = set(xlbench.__all__) - {"Study", "hookimpl", "__version__"} | set(testing.__all__)
    assert shown - names == set()
    assert hookspecs.__name__ in said
    assert "xlbench.metrics" in said


def test_the_pages_of_commands_and_settings_have_all_of_them() -> None:
    commands, settings = made.commands(), made.settings()
    for one in FIELDS.values():
        assert f"`{one.asked.option}`" in commands
        assert f"| `{one.name}` | `{one.asked.option}` |" in settings
    for name in ("run", "recommend", "results merge", "plugin new"):
        assert f"# xlbench {name}\n" in commands
    assert "| `learning_rate` | `float` | `5e-05` |" in settings


def test_links_of_a_page_are_mended_for_the_site() -> None:
    page = "[a](../../leaderboards/README.md#x) [b](checks.md)\n```\n[c](../../README.md)\n```\n[d](https://a.b/c.md)"
    expected = page.replace("../../leaderboards/README.md", "../repository/leaderboards/README.md")
    assert beyond.mended(page, "explanation/x.md") == expected
    back = beyond.mended("[a](../docs/explanation/checks.md)", "repository/leaderboards/README.md")
    assert back == "[a](../../explanation/checks.md)"


def in_navigation(entries: list[object]) -> set[str]:
    found = set()
    for one in entries:
        for value in one.values() if isinstance(one, dict) else [one]:
            found |= in_navigation(value) if isinstance(value, list) else {str(value)}
    return found


def test_every_page_is_in_the_navigation() -> None:
    text = re.sub(r"!!python\S+", "", (ROOT / "mkdocs.yml").read_text("utf-8"))
    docs = {x.removeprefix("docs/") for x in PAGES if x.startswith("docs/")}
    within = {x for x in in_navigation(yaml.safe_load(text)["nav"]) if not x.startswith(f"{beyond.BEYOND}/")}
    assert within == docs


def test_the_page_of_file_formats_has_every_column_and_metadatum(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "reference" / "file-formats.md").read_text("utf-8")
    metrics = {"qa": accuracy()}
    cell = Cell("qa", "deu", "data 1", None)
    kept = Predictions([("a",)], [("b",)], [False])
    found = Evaluation(cell, np.array([[0, 1]]), 0, {}, np.array([[1.0, 1.0]], np.float32), kept)
    job = Job("zero-shot", 1, {}, (cell,), "a job")
    path = tmp_path / "job.parquet"
    path.write_bytes(encoding.encode(job, (found,), metrics, {}))
    schema = pq.read_schema(path)
    for name in (*schema.names, *(x.decode() for x in schema.metadata)):
        assert f"`{name}`" in page


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built in a folder of its own; a warning fails."""
    pytest.importorskip("mkdocs", reason="the site needs pip install -e '.[docs]'")
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.mark.slow
def test_pages_of_the_site_fetch_nothing_from_the_network(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(PAGES) / 2
    for page in pages:
        text = page.read_text("utf-8")
        assert not re.findall(r'<(?:script|img|link)[^>]*(?:src|href)="?(?:https?:)?//', text), page
        assert "<!-- made" not in text


READ = (
    "index",
    "tutorials/your-plugin",
    "how-to/studies",
    "reference/commands",
    "reference/contracts-probes",
)


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_the_site_is_read_and_searched_from_a_disk(site: Path, browser: Browser, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    for name in READ:
        page.goto((site / f"{name}.html").as_uri())
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0, f"{name} is wider than the screen"
    if width > 1000:
        page.fill(".md-search__input", "bootstrap")
        page.wait_for_selector(".md-search-result__item")
    assert all(x.startswith(("file:", "data:", "blob:")) for x in asked)
    assert not wrong
    page.close()
