"""Leaderboards that rank: what was found stands first, in the index and on each page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from synthetic import CODES, METRICS, PROVENANCE, Synthetic, write_all

from xlbench.cli import reporting
from xlbench.compared import Compared
from xlbench.contracts import (
    Cell,
    Check,
    Condition,
    Headline,
    Job,
    Language,
    Matrix,
    Number,
    Page,
    ReadBy,
    Table,
)
from xlbench.reporting import Origin, Provenance, write_leaderboard
from xlbench.reporting import leaderboard as leaderboards
from xlbench.reporting.folder import owned, sign
from xlbench.reporting.parts import Drawing
from xlbench.results import Store
from xlbench.stored import Stored

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
LANGUAGES = {x: Language(x, x.upper(), "F", "G", "Latn") for x in CODES}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, bool]]:
    """What was to be drawn: title, what it is about, whether as SVG."""
    said: list[tuple[str, str, bool]] = []

    def picture(drawing: Drawing, title: str, about: str, *, vector: bool) -> bytes:
        over = " over Steps" if '"Steps"' in json.dumps(drawing.specification) else ""
        said.append((f"{title}{over}", about, vector))
        return b"<svg></svg>" if vector else PNG

    monkeypatch.setattr(leaderboards, "picture", picture)
    return said


def headline(target: str, donor: str, value: float, role: Any = "helps") -> Headline:
    number = Number(value, value - 1, value + 1, word=role, signed=True)
    return Headline(
        role, f"{donor} {role} {target}.", target, donor, number, "points", "points of F", "gain", 100
    )


def page(headlines: tuple[Headline, ...], task: str = "pos", title: str = "Transfer: pos") -> Page:
    number = Number(1.0, 0.5, 1.5, word="helps", signed=True)
    cells = ((number,),)
    parts = (
        Table("Plain & <b>", ("A",), (("x",),)),
        Matrix("First matrix", ("a",), ("b",), cells, "From", "To"),
        Table("Controls", ("A",), (("x",),), leads=True),
        Matrix("Second matrix", ("a",), ("b",), cells, "From", "To"),
        Table("Ranking", ("A", "N"), (("x", number),), drawn=("N",)),
    )
    checks = (Check("Own text", "pass", "It helps."),)
    return Page(task, title, ("Words.",), parts, checks=checks, answer=("An answer.",), headlines=headlines)


def made(model: str, study: str = "") -> Provenance:
    digest = f"{model}{study}"
    return Provenance(
        model, "xlbench run", "", (("Cost", "little"),), digest, "", study, "3 seeds, n = 20 test examples"
    )


def test_a_page_has_what_was_found_first_and_the_rest_folded(
    tmp_path: Path, drawn: list[tuple[str, str, bool]]
) -> None:
    one = page((headline("qaa", "qab", 2.0), headline("qac", "qab", -3.0, "harms")))
    write_leaderboard(tmp_path, [("transfer", one)], lambda _: made("tiny", "s1"), languages=LANGUAGES)
    text = (tmp_path / "transfer-pos-tiny.md").read_text()
    order = [
        "# Transfer: pos \\(tiny\\)".replace("\\", ""),
        "▲ QAB (qab) helps QAA (qaa) +2.0 \\[+1.0, +3.0\\]",
        "▼ QAB (qab) harms QAC (qac)",
        "## Ranking",
        "## First matrix",
        "## Checks",
        "## Controls",
        "<summary>In words</summary>",
        "An answer.",
        "<summary>Plain &amp; &lt;b&gt;</summary>",
        "<summary>Second matrix</summary>",
        "<summary>Provenance</summary>",
        "xlbench run",
    ]
    places = [text.index(x, text.index("\n")) for x in order]
    assert places == sorted(places)
    assert text.count("<details>") == text.count("</details>") == 4
    assert text.rstrip().endswith("</details>")
    # A code host reads markdown within a folded part only after an empty line.
    assert all(x.startswith("\n\n") for x in re.split(r"</summary>", text)[1:])
    assert [x[0] for x in drawn if not x[2]] == [
        "First matrix (pos, tiny)", "Second matrix (pos, tiny)", "Ranking (pos, tiny)",
    ]  # fmt: skip
    assert {x[1] for x in drawn} == {"3 seeds, n = 20 test examples"}
    warned = replace(one, warnings=("The ground gives way.",))
    write_leaderboard(tmp_path, [("transfer", warned)], lambda _: made("tiny", "s1"), languages=LANGUAGES)
    text = (tmp_path / "transfer-pos-tiny.md").read_text()
    assert text.count("The ground gives way.") == 1
    assert text.index("The ground gives way.") < text.index("▲ QAB (qab) helps")
    assert "▲ 1 ▼ 1 of 2 (see its warning)" in (tmp_path / "README.md").read_text()


def test_a_page_without_headlines_opens_with_its_answer_and_its_first_part(
    tmp_path: Path, drawn: list[tuple[str, str, bool]]
) -> None:
    bare = Page("pos", "Zero-shot: pos", ("Words.",), (Table("Scores", ("A",), (("x",),)),))
    write_leaderboard(tmp_path, [("zero-shot", bare)], lambda _: made("tiny"))
    text = (tmp_path / "zero-shot-pos-tiny.md").read_text()
    assert text.index("- Words.") < text.index("## Scores") < text.index("<summary>Provenance")
    assert text.count("<details>") == 1


def rows(index: str, start: str = "") -> list[list[str]]:
    """Cells of the lines of a table, below its heading."""
    block = index[index.index(start) :] if start else index
    lines = [x for x in block.split("\n\n", 3)[2 if start else 3].split("\n") if x.startswith("|")]
    return [[y.strip() for y in re.split(r"(?<!\\)\|", x)[1:-1]] for x in lines[2:]]


def table_after(index: str, title: str) -> list[list[str]]:
    lines = index[index.index(title) :].split("\n")
    found = [x for x in lines if x.startswith("|")]
    return [[y.strip() for y in re.split(r"(?<!\\)\|", x)[1:-1]] for x in found]


def test_the_index_has_a_line_per_study_and_models_side_by_side(
    tmp_path: Path, drawn: list[tuple[str, str, bool]]
) -> None:
    said: Mapping[str, tuple[Headline, ...]] = {
        "small": (headline("qaa", "qab", 2.0), headline("qac", "qab", 0.1, "no clear effect")),
        "large": (
            headline("qac", "qab", 4.0),
            headline("qac", "qaa", -5.0, "harms"),
            headline("qaa", "qab", 1.0, "this run only"),
        ),
        "other": (headline("qad", "qab", 9.0),),
    }
    for model, headlines in said.items():
        pages = [("transfer", page(headlines)), ("transfer", replace(page(headlines), task="ner", title="T"))]
        topic = Page("", "Steps", ("How many steps.",), (), topic="steps")
        write_leaderboard(
            tmp_path,
            [*pages, ("transfer", topic)],
            lambda _, m=model: made(m, f"study of {m}"),
            languages=LANGUAGES,
        )
    index = (tmp_path / "README.md").read_text()
    lines = table_after(index, "# Leaderboards")
    studies = {x[0]: x[1:] for x in lines if x[0] in said}
    assert list(studies) == ["large", "other", "small"]
    found, links = studies["small"]
    assert found.startswith("pos (gain in points of F after 100 steps): ▲ QAB (qab) helps QAA (qaa) +2.0")
    assert "<br>ner (gain" in found
    assert re.findall(r"\[([^\]]*)\]", links) == ["transfer, pos", "transfer, ner", "transfer: steps"]
    assert index.count("models side by side\n") == 2
    side = table_after(index, "## pos: models side by side")[:4]
    assert side[0] == ["Target language", "large", "small"]
    by_target = {x[0]: x[1:] for x in side[2:]}
    assert by_target["QAA (qaa)"] == ["one seed, no verdict", "▲ QAB (qab) +2.0 \\[+1.0, +3.0\\]"]
    assert by_target["QAC (qac)"] == [
        "▲ QAB (qab) +4.0 \\[+3.0, +5.0\\]; ▼ QAA (qaa) -5.0 \\[-6.0, -4.0\\]", "· none clearly helps",
    ]  # fmt: skip


def test_first_lines_that_others_wrote_choke_no_index(
    tmp_path: Path, drawn: list[tuple[str, str, bool]]
) -> None:
    head = '<!-- xlbench {"probe": "p", "task": "t", "model": "m", "says": "s", '
    for i, more in enumerate(
        (
            '"best": "["',
            '"best": "[[[]]]"',
            '"best": "{\\"a\\": 1}", "place": "x"',
            '"place": "²", "study": ""',
        )
    ):
        (tmp_path / f"odd-{i}.md").write_text(f"{head}{more}}} -->\n")
    write_leaderboard(tmp_path, [("transfer", page(()))], lambda _: made("tiny"))
    assert (tmp_path / "README.md").read_text().count("(odd-") == 4


def test_a_picture_is_an_svg_too_and_signed(tmp_path: Path) -> None:
    write_leaderboard(tmp_path, [("transfer", page(()))], lambda _: made("tiny"))
    pictures = sorted((tmp_path / "pictures").iterdir())
    assert [x.suffix for x in pictures] == [".png", ".svg"] * 3
    for path in pictures:
        assert owned(path, "another-page")
    root = ElementTree.fromstring(pictures[1].read_text())  # noqa: S314 - we have just made it
    assert root.tag.endswith("svg")
    texts = " ".join(root.itertext())
    assert "First matrix (pos, tiny)" in texts
    assert "n = 20 test examples" in texts
    assert not owned_svg(tmp_path, b"<svg>mine</svg>")
    assert owned_svg(tmp_path, sign(b"<svg/>"))


def owned_svg(folder: Path, content: bytes) -> bool:
    (folder / "x.svg").write_bytes(content)
    return owned(folder / "x.svg", "x")


HOME = "/home/zaphod/secretproject"
PLACES: dict[str, Any] = {
    "model": f"{HOME}/models/deep",
    "text": f"{HOME}/texts",
    "data": {"pos": [f"{HOME}/data/UD_*"]},
    "language_adapters": {CODES[0]: f"{HOME}/adapters/one"},
}


@pytest.mark.parametrize("failing", [False, True])
def test_no_path_user_or_host_is_published_wherever_it_comes_in(
    failing: bool, tmp_path: Path, drawn: list[tuple[str, str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Synthetic(examples=8, controls=(), transfer=CODES[:2], targets=CODES[2:4], steps=(1,), seeds=(0,))
    results = tmp_path / "results"
    study.study |= PLACES
    described = study.described()
    described["model"] = {"name": PLACES["model"], "checkpoint": PLACES["model"], "fingerprint": "a" * 40}
    described["tasks"]["pos"]["source"] = f"read from {HOME}/data/UD_Deep"
    described["text"]["source"] = f"{HOME}/texts"
    facts = {
        **PROVENANCE,
        "plugins": {"probe transfer": f"mine ({HOME}/plugin.py)", "task pos": "pos (xlbench 0.1.0)"},
        "data": {"pos": {"source": f"{HOME}/data", "plugin": f"file {HOME}/x.py"}},
    }
    store = Store(results)
    store.prepare()
    for job in study.jobs[1 if failing else 0 :]:
        store.write(job, study.evaluate(job), facts, METRICS)
    if failing:
        store.write_failure(study.jobs[0], OSError(f"no such file: {HOME}/weights.bin"), facts)
    store.save_study(study.study, study.jobs, described)
    monkeypatch.setenv("USER", "zaphod")
    out = tmp_path / "out"
    read = Stored(results)
    reporting.leaderboard(read, out)
    reporting.page(read, tmp_path / "report.html")
    for path in (*out.rglob("*"), tmp_path / "report.html"):
        if path.is_file():
            content = path.read_bytes() + path.name.encode()
            assert [x for x in ("zaphod", "secretproject", "/home/") if x.encode() in content] == [], path
    assert not any("zaphod" in f"{title}{about}" for title, about, _ in drawn)


def test_pages_that_compare_have_no_path_either(tmp_path: Path, drawn: list[tuple[str, str, bool]]) -> None:
    for name in ("one", "two"):
        study = Synthetic(examples=8, controls=(), transfer=CODES[:2], targets=CODES[2:4], steps=(1,))
        described = study.described()
        path = f"{HOME}/models/{name}"
        study.study["model"], described["model"] = (
            path,
            {"name": path, "checkpoint": path, "fingerprint": name},
        )
        store = Store(tmp_path / name)
        store.prepare()
        for job in study.jobs:
            store.write(job, study.evaluate(job), PROVENANCE, METRICS)
        store.save_study(study.study, study.jobs, described)
    found = Compared([tmp_path / "one", tmp_path / "two"])
    found.write_leaderboard(tmp_path / "out")
    for path_ in (x for x in (tmp_path / "out").rglob("*") if x.is_file()):
        content = path_.read_bytes() + path_.name.encode()
        assert [x for x in ("zaphod", "secretproject", "/home/") if x.encode() in content] == [], path_
    assert not any("zaphod" in f"{title}{about}" for title, about, _ in drawn)


def test_pictures_of_a_study_say_model_task_steps_n_and_seeds(
    tmp_path: Path, drawn: list[tuple[str, str, bool]]
) -> None:
    study = Synthetic(examples=20, controls=(), targets=CODES[2:6], strength=8.0)
    write_all(tmp_path / "results", study)
    reporting.leaderboard(Stored(tmp_path / "results"), tmp_path / "out")
    assert drawn
    for title, about, _ in drawn:
        assert "tiny" in title
        assert re.search(r"\bsteps?\b|over Steps$", title)
        assert about == "3 seeds x 1 task adapter, n = 20 test examples per target"
    assert "Effect on pos, 100 steps (tiny)" in {x[0] for x in drawn}


@pytest.mark.parametrize(
    ("task", "adapters", "said"),
    [
        ("pos", (), "3 seeds"),
        ("pos", (0,), "3 seeds x 1 task adapter"),
        ("pos", (0, 1), "3 seeds x 2 task adapters"),
        ("", (0, 1), "3 seeds x 5 task adapters (no adapter: lm)"),
    ],
)
def test_a_page_counts_the_task_adapters_that_it_read(
    tmp_path: Path, task: str, adapters: tuple[int, ...], said: str
) -> None:
    """Those of its probe and task, or of all tasks: `lm` has none, and other probes may have more."""
    write_all(tmp_path / "results", Synthetic(examples=20))
    read = Stored(tmp_path / "results")

    def job(probe: str, task: str, *seeds: int) -> list[Job]:
        read_by = [ReadBy({"task": task, "seed": x}) for x in seeds] or [ReadBy({"task": task})]
        cells = (Cell(task, "qaa", "data"),)
        return [Job(probe, 1, Condition("model", x).as_json(), cells, "a job") for x in read_by]

    jobs = (
        *job("transfer", "pos", *adapters),
        *job("transfer", "ner", 7, 8, 9),
        *job("transfer", "lm"),
        *job("zero-shot", "pos", 5, 6),
    )
    study = replace(read.stored, jobs=jobs)
    found = Origin(study, [], read.publisher).provenance("transfer", task)
    assert found.basis == said
