"""Every tutorial is followed to its end, in an empty folder and an environment of its own."""

import os
import site
import subprocess
import sys
from pathlib import Path

import pytest

from website import tutorial

TUTORIALS = Path(__file__).resolve().parents[1] / "docs" / "tutorials"
PAGES = sorted(x.name for x in TUTORIALS.glob("*.md") if x.name != "index.md")


def test_blocks_of_a_page_are_files_commands_and_what_they_print(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    blocks = (
        '```python title="a/b.py"\nprint("one 1")\nprint("two")\n```',
        "```bash\nmkdir c && mv a/b.py c\npython c/b.py\n```",
        "```text\none 7\n...\ntwo\n```",
        "<!-- not tried -->\n```bash\nexit 9\n```",
        "```python\nprint(open('c/b.py').read().count('print'))\n```",
        "```text\n2\n```",
    )
    page.write_text("# Page\n\n" + "\n\n".join(blocks) + "\n")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    (tmp_path / "work").mkdir()
    tutorial.follow(page, tmp_path / "work", {"PATH": path})
    assert (tmp_path / "work" / "c" / "b.py").exists()
    for wrong, why in (
        ("```bash\nfalse\n```", "page.md, line 32: exit code 1"),
        ("```text\nthree\n```", "line 32: 'three' is not printed"),
        ("```yaml\na: 1\n```", "line 32: nothing is done"),
    ):
        page.write_text("# Page\n\n" + "\n\n".join((*blocks, wrong)) + "\n")
        with pytest.raises(AssertionError, match=why):
            tutorial.follow(page, tmp_path / "work", {"PATH": path})


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A virtual environment with what this one has, in which a tutorial may install; pip asks no index."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    beneath = "; ".join(f"site.addsitedir({x!r})" for x in site.getsitepackages())
    (packages / "beneath.pth").write_text(f"import site; {beneath}\n")
    for name, module in (("xlbench", "xlbench.cli"), ("pip", "pip"), ("pytest", "pytest")):
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{folder}/bin/python" -m {module} "$@"\n')
        script.chmod(0o755)
    return {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads 0 as "no isolation"
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_tutorial_does_what_it_says(
    page: str, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    tutorial.follow(TUTORIALS / page, tmp_path, environment)
