"""What is read is what was fingerprinted."""

import os
from pathlib import Path

import pytest

from xlbench.data.text_folder import read_folder
from xlbench.errors import DataError
from xlbench.files import content
from xlbench_tasks.pos import folder as pos_folder

TREE = "1\tana\t_\tNOUN\t_\t_\t0\troot\t_\t_\n\n"


def pos(path: Path, tag: str = "NOUN") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TREE.replace("NOUN", tag))


@pytest.mark.parametrize("same_times", [False, True])
def test_data_that_changed_after_it_was_fingerprinted_is_refused(tmp_path: Path, same_times: bool) -> None:
    file = tmp_path / "deu_own" / "test.conllu"
    pos(file)
    os.utime(file, (1e9, 1e9))
    data = pos_folder([file.parent])
    before = data.fingerprint("deu", "test")
    assert len(data.examples("deu", "test")) == 1
    pos(file, "VERB")  # the same size
    if same_times:
        os.utime(file, (1e9, 1e9))
    with pytest.raises(DataError, match=r"deu_own/test\.conllu: changed since the study was planned"):
        data.examples("deu", "test")
    assert pos_folder([file.parent]).fingerprint("deu", "test") != before


def test_data_that_became_malformed_is_said_to_have_changed(tmp_path: Path) -> None:
    file = tmp_path / "deu_own" / "test.conllu"
    pos(file)
    data = pos_folder([file.parent])
    data.examples("deu", "test")
    file.write_text(TREE[:9])
    with pytest.raises(DataError, match="changed since"):
        data.examples("deu", "test")


def test_text_that_changed_after_it_was_fingerprinted_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deu.txt").write_text("one line\n")
    corpus = read_folder(tmp_path)
    corpus.fingerprint("deu")
    (tmp_path / "deu.txt").write_text("two line\n")
    with pytest.raises(DataError, match=r"deu\.txt: changed since the study was planned"):
        corpus.lines("deu", 1)


def test_what_is_written_while_it_is_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"before")
    digest = content.file_digest(file)

    def write() -> None:
        with content.unchanged(file, digest):
            file.write_bytes(b"after!")
            file.write_bytes(b"before")

    with pytest.raises(DataError, match="changed"):
        write()


def test_a_digest_is_of_the_file_as_it_is_now(tmp_path: Path) -> None:
    file, seen = tmp_path / "a", set()
    for value in range(50):  # as fast as can be: within one tick of the file system's clock
        file.write_bytes(bytes([value]))
        seen.add(content.file_digest(file))
    assert len(seen) == 50
