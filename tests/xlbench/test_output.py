"""What commands print: nothing in a field controls the terminal, and every encoding takes it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlbench.cli import main
from xlbench.output import FIELD, brief, clean, message, printable, visible

CONTROLS = "".join(map(chr, (*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
EVIL = f"ev\x1b[31mil\r\nxlbench: forged \u202e{CONTROLS}\u2028\u2029\udcff[red]x[/red]"

PLUGIN = """
import os, sys
print("from the import"); os.write(1, b"from below\\n")
from xlbench import hookimpl
from xlbench.contracts import Language
EVIL = {evil!r}
class Probe:
    name, version, summary, settings = "noisy", 1, EVIL, None
    def jobs(self, resolved): return []
    def run(self, job, lab): raise NotImplementedError
    def pages(self, records): return []
@hookimpl
def xlbench_probes():
    print("from a hook"); sys.__stdout__.write("from the first stdout\\n")
    return [Probe()]
"""
BROKEN = "raise RuntimeError({evil!r})"


@given(st.text(st.characters(exclude_categories=())))
def test_a_line_stays_one_line_that_controls_nothing(text: str) -> None:
    for found in (clean(text), printable(text), message(text)):
        assert found.isprintable()
        assert len(found.splitlines()) <= 1
        found.encode()
    assert all(x.isprintable() for x in visible(text).split("\n"))


def test_controls_are_seen() -> None:
    assert clean("a\x1b[31m\u202eb\udcff\x85c") == r"a\x1b[31m\u202eb\udcff c"


@given(st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=FIELD + 1, max_size=5000))
def test_a_long_field_shows_both_ends(field: str) -> None:
    short = brief(field)
    assert len(short) == FIELD
    for text in (f"no task {field!r}; see", f'no task "{field}"; see', f"no task {field}; see"):
        assert message(text) == text.replace(field, short)
    assert message(f"must be a list, not {['x' * 9] * 99}").endswith("']")
    assert len(message(f"must be a list, not {['x' * 9] * 99}")) < 150


def test_a_path_and_a_sentence_are_whole() -> None:
    path = "/".join(["folder"] * 30)
    text = f"the file's name isn't one that the model's has: {path}/x.txt:3:5: it's empty, don't keep it"
    assert message(text) == text


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two distributions on it: a plugin that prints, and one that fails."""
    folder = tmp_path_factory.mktemp("site")
    for name, source in (("noisy", PLUGIN), ("broken", BROKEN)):
        (folder / f"xl_{name}.py").write_text(source.format(evil=EVIL.encode("utf-8", "replace").decode()))
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[xlbench]\n{name} = xl_{name}\n")
    return folder


def xlbench(*words: str, path: Path | None = None, **more: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "XLBENCH_PLUGINS": "noisy,broken" if path else "", **more}
    if path:
        environment["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, "-m", "xlbench.cli", *words], capture_output=True, check=False, env=environment
    )


@pytest.mark.parametrize("what", ["probes", "plugins"])
def test_plugins_print_beside_the_answer_and_control_nothing(plugins: Path, what: str) -> None:
    as_json = xlbench("list", what, "--json", path=plugins)
    assert "noisy" in {x["name"] for x in json.loads(as_json.stdout)}
    assert as_json.stdout.isascii()
    for line in (b"from below", b"from the first stdout"):
        assert line in as_json.stderr
    table = xlbench("list", what, path=plugins).stdout.decode()
    assert ("prints when it is imported: 'from the import" in table) == (what == "plugins")
    assert all(line.isprintable() for line in table.split("\n"))
    assert not any(line.startswith("xlbench: forged") for line in table.split("\n"))
    assert r"\x1b[31m" in table


@pytest.mark.parametrize("word", ["--task", "--targets", "--data", "--text", "--option", "--steps"])
def test_no_message_carries_a_control(
    word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["xlbench", "plan", word, f"a{EVIL}"])
    assert main() == 2
    lines = capsys.readouterr().err.rstrip("\n").split("\n")
    assert all(x.isprintable() and x.startswith("xlbench: ") for x in lines)
    assert not any(x.startswith("xlbench: forged") for x in lines)


ENCODINGS = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "cp1252"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("environment", ENCODINGS, ids=["ascii", "cp1252", "C"])
@pytest.mark.parametrize(
    "words", ["run --help", "list languages", "list languages --json", "plan --task Võro–日本"]
)
def test_every_encoding_takes_every_answer(words: str, environment: dict[str, str]) -> None:
    done = xlbench(*words.split(" "), **environment)
    assert done.returncode == (2 if words.startswith("plan") else 0), done.stderr
    assert b"Traceback" not in done.stderr
    if "--json" in words:
        assert "Võro" in {x["name"] for x in json.loads(done.stdout)}
    if words.startswith("plan"):
        assert rb"\u" in done.stderr


def test_a_closed_output_is_no_error() -> None:
    for redirect in (">&-", ">&- 2>&-", "<&- >&- 2>&-"):
        command = f"{sys.executable} -m xlbench.cli list probes {redirect}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
