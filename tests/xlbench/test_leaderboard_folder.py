"""Whose the files of a leaderboards folder are: nobody's page or picture is ever replaced by another's."""

import itertools
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic import CODES, METRICS, PROVENANCE, Synthetic

from xlbench.cli import reporting
from xlbench.contracts import Matrix, Number, Page
from xlbench.reporting import Provenance, write_leaderboard
from xlbench.reporting import leaderboard as leaderboards
from xlbench.reporting.engine import DrawingError, Engine
from xlbench.reporting.folder import sign
from xlbench.results import Store
from xlbench.stored import Stored

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture is its matrix' title: what is drawn matters in no test here."""

    def picture(drawing: object, title: str, about: str, *, vector: bool) -> bytes:
        return (b"<svg>" if vector else PNG) + title.partition(" (")[0].encode()

    monkeypatch.setattr(leaderboards, "picture", picture)


def page(says: str, task: str = "pos") -> Page:
    part = Matrix(says, ("a",), ("b",), ((Number(1.0),),), "From", "To")
    return Page(task, says, (says,), (part,))


def made(identity: str, model: str = "checkpoint-500") -> Provenance:
    return Provenance(model, "xlbench run", "", (), identity, f"{identity}{'0' * 8}")


def write(out: Path, says: str, identity: str, model: str = "checkpoint-500", task: str = "pos") -> None:
    write_leaderboard(out, [("transfer", page(says, task))], lambda _: made(identity, model))


def files(out: Path) -> dict[str, bytes]:
    return {str(x.relative_to(out)): x.read_bytes() for x in sorted(out.rglob("*")) if x.is_file()}


def titles(out: Path) -> dict[str, str]:
    """What each page says, with a check that its picture is its own."""
    found = {}
    for path in out.glob("transfer-*.md"):
        text = path.read_text()
        (title,) = re.findall(r"^## (\w+)$", text, re.MULTILINE)[:1]
        pictures = re.findall(r"\((pictures/[^)]*)\)", text)
        assert [Path(x).suffix for x in pictures] == [".png", ".svg"]
        for picture in pictures:
            assert (out / picture).read_bytes().endswith(title.encode())
            assert path.stem in picture
        found[path.name] = title
    return found


def test_two_checkpoints_of_one_name_keep_their_pages_in_any_order(tmp_path: Path) -> None:
    kinds = {"one": "aaa", "two": "bbb", "three": "ccc"}
    results = []
    for number, order in enumerate(itertools.permutations(kinds)):
        out = tmp_path / str(number)
        for says in order:
            write(out, says, kinds[says])
        for says in reversed(order):  # again, as a rerun does
            write(out, says, kinds[says])
        assert sorted(titles(out).values()) == ["one", "three", "two"]
        results.append(files(out))
    assert all(x == results[0] for x in results)
    index = results[0]["README.md"].decode()
    rows = [x for x in index.split("\n") if "(transfer-" in x]
    assert len(rows) == 3
    assert len({x.split("|")[1] for x in rows}) == 3, "told apart in the index"


def test_one_checkpoint_has_a_plain_name_and_is_brought_up_to_date(tmp_path: Path) -> None:
    write(tmp_path, "old", "aaa")
    write(tmp_path, "new", "aaa")
    assert titles(tmp_path) == {"transfer-pos-checkpoint-500.md": "new"}


@pytest.mark.parametrize(
    ("one", "other"), [("Model", "model"), ("a/b", "a-b"), ("модель", "ଭାଷା"), ("x" * 300, "x" * 301)]
)
def test_names_that_files_cannot_tell_apart(tmp_path: Path, one: str, other: str) -> None:
    write(tmp_path, "one", "aaa", one)
    write(tmp_path, "two", "bbb", other)
    write(tmp_path, "one", "aaa", one)
    names = titles(tmp_path)
    assert sorted(names.values()) == ["one", "two"]
    assert len({x.casefold() for x in names}) == 2
    assert all(len(x) < 200 for x in names)


def test_pages_of_one_study_that_would_share_a_name(tmp_path: Path) -> None:
    pages = [("transfer", page("one", "a-b")), ("transfer-a", page("two", "b"))]
    write_leaderboard(tmp_path, pages, lambda _: made("aaa"))
    assert sorted(titles(tmp_path).values()) == ["one", "two"]


def test_a_page_of_an_earlier_version_is_known_by_its_fingerprint(tmp_path: Path) -> None:
    write(tmp_path, "old", "abcdef12")
    path = tmp_path / "transfer-pos-checkpoint-500.md"
    text = re.sub(r', "identity": "[^"]*"', "", path.read_text())
    path.write_text(f"{text}\n- Model: x (checkpoint x, fingerprint abcdef1200000000)\n")
    write(tmp_path, "new", "abcdef12")
    assert titles(tmp_path) == {path.name: "new"}


FOREIGN = {
    "notes.md": b"# Mine\n",
    "latin.md": "Übung\n".encode("latin-1"),
    "binary.md": bytes(range(256)) * 9,
    "almost.md": b'<!-- xlbench {"probe": "x"} -->\n',
    "not-texts.md": b'<!-- xlbench {"probe": 1, "task": [], "model": null, "says": {}} -->\n',
    "not-json.md": b"<!-- xlbench {,} -->\n",
    "deep.md": b"<!-- xlbench {" + b'"a":[' * 9000 + b"} -->\n",
    "empty.md": b"",
    "TRANSFER-pos-checkpoint-500.md": b"# Mine too\n",
    "pictures/transfer-pos-checkpoint-500-1.png": PNG + b"mine",
    "pictures/transfer-pos-checkpoint-500-7.png": PNG + b"mine",
    "pictures/transfer-pos-checkpoint-500-8.svg": b"<svg>mine</svg>",
    "pictures/other.png": PNG,
}


def test_files_of_others_are_left_alone_and_choke_nothing(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for name, content in FOREIGN.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "loop.md").symlink_to("loop.md")
    os.mkfifo(tmp_path / "pipe.md")
    for says in ("one", "two"):
        write(tmp_path, says, "aaa")
    assert {name: (tmp_path / name).read_bytes() for name in FOREIGN} == FOREIGN
    (name,) = titles(tmp_path)
    index = (tmp_path / "README.md").read_text()
    assert re.findall(r"\(([^)]*\.md)\)", index) == ["METHODS.md", name]


def test_a_signed_picture_is_still_a_picture() -> None:
    import zlib

    from xlbench.reporting.parts import view
    from xlbench.reporting.picture import picture

    drawing = view(Matrix("M", ("a",), ("b",), ((Number(1.0),),), "From", "To")).drawing()
    assert drawing is not None
    content = sign(picture(drawing, "M"))
    place, kinds = 8, []
    while place < len(content):
        size = int.from_bytes(content[place : place + 4], "big")
        body = content[place + 4 : place + 8 + size]
        assert zlib.crc32(body) == int.from_bytes(content[place + 8 + size : place + 12 + size], "big")
        kinds.append(body[:4])
        place += 12 + size
    assert kinds[:2] == [b"IHDR", b"tEXt"]
    assert kinds[-1] == b"IEND"


def test_tables_stay_where_nothing_can_be_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(drawing: object, title: str, about: str, *, vector: bool) -> bytes:
        raise DrawingError("out of ink")

    write(tmp_path, "old", "aaa")
    monkeypatch.setattr(leaderboards, "picture", fail)
    said: list[str] = []
    one = replace(page("new"))
    write_leaderboard(tmp_path, [("transfer", one)], lambda _: made("aaa"), said.append)
    assert said == ["out of ink"]
    text = (tmp_path / "transfer-pos-checkpoint-500.md").read_text()
    assert "1.00" in text
    assert "pictures/" not in text
    assert not list((tmp_path / "pictures").iterdir()), "no picture of other numbers stays"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGTRAP)", "ended with SIGTRAP"),
        ("raise SystemExit(3)", "ended with exit code 3"),
        ("import time; time.sleep(60)", "no picture within 1 s"),
        ("print('nonsense', flush=True); input(); input()", "gave no answer"),
        ("import sys; sys.stdout.write('{\"size\": 99}\\nx')", "ended with exit code 0"),
    ],
)
def test_a_process_that_draws_no_more_is_named_and_asked_once(code: str, why: str) -> None:
    engine = Engine((sys.executable, "-c", code), patience=1.0 if "sleep" in code else 30.0)
    for _ in range(2):
        with pytest.raises(DrawingError, match=why):
            engine.ask(specification={})
    assert why in engine.failed


def test_one_picture_that_fails_takes_no_other_with_it() -> None:
    engine = Engine()
    with pytest.raises(DrawingError):
        engine.ask(specification={"mark": 3}, scale=1.0)
    good = {"data": {"values": [{"a": 1}]}, "mark": "point"}
    assert engine.ask(specification=good, scale=1.0).startswith(b"\x89PNG")
    assert not engine.failed
    engine.close()


def test_a_missing_program_is_one_reason() -> None:
    with pytest.raises(DrawingError, match="cannot be started"):
        Engine(("/nonexistent/python",)).ask(specification={})


def stored(path: Path, fingerprint: str, targets: Sequence[str] = CODES[:3]) -> Stored:
    study = Synthetic(targets=tuple(targets), examples=10, steps=(10,), seeds=(0,), controls=())
    store = Store(path)
    store.prepare()
    for job in study.jobs:
        store.write(job, study.evaluate(job), PROVENANCE, METRICS)
    described = study.described()
    described["model"] = {
        "name": "checkpoint-500",
        "checkpoint": "checkpoint-500",
        "fingerprint": fingerprint,
    }
    store.save_study(study.study, study.jobs, described)
    return Stored(path, None)


def test_weights_tell_stored_studies_apart_and_growth_does_not(tmp_path: Path) -> None:
    out = tmp_path / "out"
    reporting.leaderboard(stored(tmp_path / "one", "a" * 40), out)
    first = {x.name for x in out.glob("*.md")}
    assert "transfer-pos-checkpoint-500.md" in first
    reporting.leaderboard(stored(tmp_path / "one", "a" * 40, CODES[:4]), out)
    assert {x.name for x in out.glob("*.md")} == first, "the same study, grown"
    grown = (out / "transfer-pos-checkpoint-500.md").read_text()
    reporting.leaderboard(stored(tmp_path / "two", "b" * 40), out)
    texts = [x.read_text() for x in out.glob("transfer-pos-checkpoint-500-*.md")]
    assert len(texts) == 2
    assert any(x.partition("pictures/")[0] == grown.partition("pictures/")[0] for x in texts), (
        "kept as it was"
    )
