"""What maintainers rely on: workflows like the Makefile, versions that agree, fragments of the changelog."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CI: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
STEPS = [step for job in CI["jobs"].values() for step in job["steps"]]
FRAGMENTS = sorted(x for x in (ROOT / "changes").iterdir() if x.name != "README.md")


def test_workflows_run_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    asked = {x for step in STEPS for x in step.get("run", "").split("make ")[1:] for x in x.split()}
    assert asked
    assert asked <= targets
    assert {"check", "test", "test-slow", "lowest", "docs", "coverage", "dist"} <= asked


def test_the_pythons_that_are_tested_are_those_that_are_promised() -> None:
    tested = CI["jobs"]["test"]["strategy"]["matrix"]["python"]
    promised = [x.rpartition(" ")[2] for x in PROJECT["project"]["classifiers"] if ":: 3." in x]
    assert tested == promised
    assert PROJECT["project"]["requires-python"] == f">={tested[0]}"


def test_versions_agree() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == PROJECT["project"]["version"]


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda x: x.stem
)
def test_forms_of_issues_are_whole(path: Path) -> None:
    form = yaml.safe_load(path.read_text("utf-8"))
    if path.stem == "config":
        return
    assert form["name"]
    assert form["description"]
    assert all(x["type"] in ("textarea", "dropdown") and x["attributes"]["label"] for x in form["body"])


def test_every_fragment_of_the_changelog_is_read_and_short() -> None:
    kinds = "|".join(x["directory"] for x in PROJECT["tool"]["towncrier"]["type"])
    for path in FRAGMENTS:
        assert re.fullmatch(rf"(\+[a-z0-9-]+|\d+)\.({kinds})\.md", path.name), (
            f"changes/README.md says how: {path}"
        )
        assert 3 <= len(path.read_text("utf-8").split()) <= 40, f"about 20 words: {path}"
    start = PROJECT["tool"]["towncrier"]["start_string"]
    assert start in (ROOT / "CHANGELOG.md").read_text("utf-8")
