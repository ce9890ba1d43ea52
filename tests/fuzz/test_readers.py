"""Fuzz targets of the readers: a valid file, with lines and bytes changed.

A reader gives examples or a DataError of one line that names the file; nothing else, and it loses nothing.
A few seconds by default; one for ten minutes: `XLBENCH_FUZZ_SECONDS=600 pytest tests/fuzz -k conllu`.
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlbench.contracts import Example, Tagged
from xlbench.data.text_folder import read_folder
from xlbench.errors import DataError, StudyError
from xlbench.readers.conll import read_conll
from xlbench.readers.conllu import read_conllu, read_trees
from xlbench.readers.squad import read_squad
from xlbench.readers.tables import members, read_table
from xlbench.spec import study
from xlbench_tasks import dep, ner, nli, pos, topic

SECONDS = float(os.environ.get("XLBENCH_FUZZ_SECONDS", "0"))
EXAMPLES = 2_000 if SECONDS else 60
Read = Callable[[Path], Sequence[Example]]

CONLLU = """# sent_id = 1
# text = Vom Haus.
1-2\tVom\t_\t_\t_\t_\t_\t_\t_\t_
1\tVon\tvon\tADP\t_\t_\t3\tcase\t_\t_
2\tdem\tder\tDET\t_\t_\t3\tdet\t_\t_
3\tHaus\tHaus\tNOUN\t_\t_\t0\troot\t_\tSpaceAfter=No
4\t.\t.\tPUNCT\t_\t_\t3\tpunct\t_\t_

1\tJa\tja\tINTJ\t_\t_\t0\troot\t_\t_

"""
CONLL = "-DOCSTART- -X- O O\n\nAnna NNP B-NP B-PER\nkam VBD B-VP O\n\nRom NNP B-NP I-LOC\n"
UNER = "# text = In Rom\n1\tIn\tO\t-\t-\n2\tRom\tB-LOC\t-\tx\n\n1\tJa\tO\t-\t-\n\n"
NLI = 'language\tgold_label\tsentence1\tsentence2\nde\tneutral\t"Er sagt ""ja"""\tEr geht.\nde\t-\ta\tb\n'
CSV = 'premise,hypothesis,label\n"Er, der ""kam""\nhier",Er ging.,0\na,b,entailment\n'
TOPIC = "index_id\tcategory\ttext\n1\ttravel\tWir fahren.\n2\tsports\tWir laufen.\n"
SQUAD = """{"version": "1.1", "data": [{"title": "x", "paragraphs": [{"context": "Rom ist alt.", "qas":
[{"id": "1", "question": "Was?", "answers": [{"text": "Rom", "answer_start": 0}]}]}]}]}
"""
TEXT = "Ein Satz.\n\nNoch ein Satz.\r\n"
TOML = 'model = "tiny"\ntasks = ["pos"]\nsteps = [1, 2]\n[data]\npos = ["x"]\n"pos.eng" = "*GUM"\n'

PIECES = st.sampled_from(
    [
        *(
            b"",
            b"\t",
            b" ",
            b"\n",
            b"\r",
            b"\r\n",
            b"\0",
            b'"',
            b'""',
            b"#",
            b"-",
            b"_",
            b"O",
            b"B-",
            b"I-PER",
        ),
        *(
            b"\xff",
            b"\xef\xbb\xbf",
            b"\xe2\x80\xa8",
            b"0",
            b"1-2",
            b"9" * 5000,
            b",",
            b"[" * 2000,
            b"=",
            b"null",
        ),
        b"\\ud800",
    ]
)
Change = tuple[str, int, int, bytes]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["put", "cut", "swap", "double", "flip"]),
        st.integers(0, 400),
        st.integers(0, 400),
        PIECES | st.binary(max_size=4),
    ),
    max_size=4,
)


def changed(text: str, changes: Sequence[Change]) -> bytes:
    """The text with bytes put in, cut out or flipped, and lines swapped or doubled."""
    raw = text.encode()
    for how, first, second, piece in changes:
        lines = raw.split(b"\n")
        at, other = first % (len(raw) + 1), second % (len(raw) + 1)
        one, two = first % len(lines), second % len(lines)
        if how == "put":
            raw = raw[:at] + piece + raw[at:]
        elif how == "cut":
            raw = raw[: min(at, other)] + raw[max(at, other) :]
        elif how == "swap":
            lines[one], lines[two] = lines[two], lines[one]
            raw = b"\n".join(lines)
        elif how == "double":
            lines.insert(two, lines[one])
            raw = b"\n".join(lines)
        elif raw:
            at %= len(raw)
            raw = raw[:at] + bytes([raw[at] ^ (1 << second % 8)]) + raw[at + 1 :]
    return raw


def rows_of_words(raw: bytes) -> int:
    """Lines that have a word, of columns; comments, ranges, empty nodes and document lines have none."""
    text = raw.decode().removeprefix("\ufeff")
    found = 0
    for line in text.split("\n"):
        bare = line.strip("\r \u00a0\u200b\ufeff")
        first = bare.replace(" ", "\t").split("\t")[0]
        other = bare.startswith(("#", "-DOCSTART-")) or first.replace("-", "").replace(".", "").isdigit()
        found += bool(bare.strip("\t")) and not other
    return found


TARGETS: dict[str, tuple[str, Read]] = {
    "conllu": (CONLLU, lambda x: read_conllu(x, None, pos.LABEL_MAP)),
    "trees": (CONLLU, lambda x: read_trees(x, None, dep.RELATION_MAP)),
    "conll": (CONLL, lambda x: read_conll(x, None, ner.LABEL_MAP)),
    "uner": (UNER, lambda x: read_conll(x, None, ner.LABEL_MAP)),
    "nli": (NLI, lambda x: read_table(x, None, "deu", True, form=nli.FORM)),
    "csv": (CSV, lambda x: read_table(x, None, form=nli.FORM)),
    "topic": (TOPIC, lambda x: read_table(x, None, form=topic.FORM)),
    "squad": (SQUAD, lambda x: read_squad(x, None)),
}


def check_line(error: Exception, path: Path) -> None:
    """One line that begins with the file's name."""
    assert str(error).startswith(str(path))
    assert len(str(error).splitlines()) == 1


def fuzz(path: Path, text: str, check: Callable[[bytes], None]) -> None:
    """Run a check over changed files; for `XLBENCH_FUZZ_SECONDS`, or a few examples."""
    end = time.monotonic() + SECONDS

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(CHANGES)
    def run(changes: list[Change]) -> None:
        raw = changed(text, changes)
        path.write_bytes(raw)
        check(raw)

    run()
    while time.monotonic() < end:
        run()


@pytest.mark.parametrize("name", TARGETS)
def test_examples_or_one_line_that_names_the_file(tmp_path: Path, name: str) -> None:
    text, read = TARGETS[name]
    path = tmp_path / "de_x.data"

    def check(raw: bytes) -> None:
        try:
            found = read(path)
        except DataError as error:
            check_line(error, path)
            return
        assert found
        if name in ("conll", "conllu"):
            words = sum(len(x.words) for x in found if isinstance(x, Tagged))
            assert words >= rows_of_words(raw)

    fuzz(path, text, check)


def test_languages_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"

    def check(raw: bytes) -> None:
        try:
            members(path)
        except DataError as error:
            check_line(error, path)

    fuzz(path, NLI, check)


def test_text_folder(tmp_path: Path) -> None:
    path = tmp_path / "deu.txt"

    def check(raw: bytes) -> None:
        try:
            found = read_folder(tmp_path).lines("deu", 100)
        except DataError as error:
            check_line(error, path)
            return
        text = raw.decode().removeprefix("\ufeff")
        assert "".join("".join(found).split()) == "".join(text.split())

    fuzz(path, TEXT, check)


def test_study_files(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"

    def check(raw: bytes) -> None:
        try:
            found = study.read(path)
        except StudyError as error:
            check_line(error, path)
            return
        study.write(found, tmp_path / "again.toml")
        assert study.read(tmp_path / "again.toml") == found

    fuzz(path, TOML, check)
