"""Corpora of text files."""

from pathlib import Path

import pytest

from xlbench.contracts import Corpus, Language
from xlbench.data.text_folder import read_folder
from xlbench.errors import DataError


def test_lines_are_stripped_and_empty_ones_left_out(tmp_path: Path) -> None:
    (tmp_path / "deu.txt").write_bytes("\ufeffEins \r\n\r\n  zwei\u2028drei\ndrei".encode())
    corpus = read_folder(tmp_path)
    assert isinstance(corpus, Corpus)
    assert corpus.languages() == ("deu",)
    assert corpus.lines("deu", 9) == ["Eins", "zwei\u2028drei", "drei"]
    assert corpus.lines("deu", 1) == ["Eins"]


def test_names_may_be_any_code_and_others_matter_only_when_asked_for(tmp_path: Path) -> None:
    for name in ("fr", "ger", "zzz", "README"):
        (tmp_path / f"{name}.txt").write_text("text\n")
    corpus = read_folder(tmp_path)
    assert corpus.languages() == ("deu", "fra")
    with pytest.raises(DataError, match=r"zzz\.txt: its name is not a language code"):
        corpus.lines("zzz", 1)
    with pytest.raises(DataError, match=r"no text for tur .*put tur\.txt there"):
        corpus.fingerprint("tur")


def test_two_files_of_one_language(tmp_path: Path) -> None:
    for name in ("fr", "fra"):
        (tmp_path / f"{name}.txt").write_text("text\n")
    (tmp_path / "deu.txt").write_text("text\n")
    (tmp_path / "._deu.txt").write_bytes(b"\0")
    corpus = read_folder(tmp_path)
    assert corpus.languages() == ("deu", "fra")
    assert corpus.lines("deu", 9) == ["text"]
    for ask in (corpus.fingerprint, lambda code: corpus.lines(code, 9)):
        with pytest.raises(DataError, match=r"fr\.txt and .*fra\.txt are both fra"):
            ask("fra")


@pytest.mark.parametrize("inner", [".", "dev"])
def test_flores_as_it_is_unpacked(tmp_path: Path, inner: str) -> None:
    for folder, end in (("dev", "dev"), ("devtest", "devtest")):
        (tmp_path / folder).mkdir()
        for code in ("deu_Latn", "zho_Hans", "zho_Hant"):
            (tmp_path / folder / f"{code}.{end}").write_text(f"{code} {folder}\n")
    known = {x: Language(x, x, "", "", "Hans" if x == "zho" else "Latn") for x in ("deu", "zho")}
    corpus = read_folder(tmp_path / inner, known)
    assert corpus.languages() == ("deu", "zho")
    assert corpus.lines("zho", 9) == ["zho_Hans dev"]


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_a_file_without_text(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "eng.txt").write_bytes(content)
    with pytest.raises(DataError, match=r"eng\.txt: no text"):
        read_folder(tmp_path).lines("eng", 5)


def test_a_line_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "eng.txt").write_bytes(b"good\nba\xe4d\n")
    corpus = read_folder(tmp_path)
    assert corpus.lines("eng", 1) == ["good"]
    with pytest.raises(DataError, match=r"eng\.txt:2: byte 3: not UTF-8"):
        corpus.lines("eng", 2)


def test_a_nul_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "eng.txt").write_bytes(b"good\na\0b\n")
    with pytest.raises(DataError, match=r"eng\.txt:2: byte 2: a NUL"):
        read_folder(tmp_path).lines("eng", 2)


def test_folders_without_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no <ISO 639-3>\.txt in it"):
        read_folder(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        read_folder(tmp_path / "none")


def test_fingerprints_follow_the_content_and_nothing_else(tmp_path: Path) -> None:
    marks = []
    for name, content in (("a", "x\n"), ("b", "x\n"), ("c", "y\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "eng.txt").write_text(content)
        marks.append(read_folder(tmp_path / name).fingerprint("eng"))
    assert marks[0] == marks[1] != marks[2]


def test_real_text(shared_data: Path) -> None:
    corpus = read_folder(shared_data / "text")
    assert len(corpus.languages()) == len(list((shared_data / "text").glob("*.txt")))
    for language in corpus.languages():
        lines = corpus.lines(language, 10_000)
        raw = (shared_data / "text" / f"{language}.txt").read_text(encoding="utf-8")
        assert lines == [x.strip() for x in raw.split("\n") if x.strip()]
