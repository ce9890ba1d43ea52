"""Whatever people and data sets write for a language becomes ISO 639-3."""

import itertools
import string
import subprocess
import sys

import langcodes
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xlbench.contracts import Language
from xlbench.data.codes import COLLECTIONS, KINDS, RETIRED, WIKIPEDIA, Kind, parse, to_iso639_3
from xlbench.errors import UnknownNameError

LETTERS = string.ascii_lowercase


def valid(kind: Kind, length: int) -> dict[str, str]:
    """Every text of so many letters that is of this kind, with its code."""
    found = {}
    for text in map("".join, itertools.product(LETTERS, repeat=length)):
        try:
            found[text] = parse(text, kind)
        except UnknownNameError:
            continue
    return found


@pytest.fixture(scope="module")
def every_code() -> dict[str, str]:
    return valid("iso639-3", 3)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(("eng", "eng"), ("en", "eng"), ("EN", "eng"), ("fr", "fra"), ("fre", "fra"), ("ger", "deu")),
        *(("chi", "zho"), ("zh-Hans", "zho"), ("zh_Hant", "zho"), ("pt-BR", "por"), ("sh", "hbs")),
        *(("tl", "tgl"), ("iw", "heb"), ("no", "nor"), ("nb", "nob"), ("qaa", "qaa"), ("qtz", "qtz")),
        *(("yue", "yue"), ("zh-yue", "yue"), ("per", "fas"), ("als", "als"), ("Wikipedia:als", "gsw")),
        *(
            ("German", "deu"),
            ("swiss german", "gsw"),
            ("Quechua", "que"),
            ("Chinese", "zho"),
            ("Farsi", "fas"),
            ("Dari", "prs"),
        ),
        *(("be-x-old", "bel"), ("simple", "eng"), ("bat-smg", "sgs"), ("zh-classical", "lzh")),
        *(("de_gsd", "deu"), ("UD_German-GSD", "deu"), ("en_ewt", "eng"), ("UD_Old_French-SRCMF", "fro")),
        *(
            ("mon", "mon"),
            ("Mon", "mon"),
            ("name:Mon", "mnw"),
            ("wikipedia:no", "nob"),
            ("wikiann:nrm", "nrf"),
        ),
    ],
)
def test_what_a_user_writes(text: str, code: str) -> None:
    assert to_iso639_3(text) == code


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        *(("iso639-3", "als", "als"), ("wikipedia", "als", "gsw"), ("wikiann", "als", "gsw")),
        *(("iso639-1", "no", "nor"), ("wikipedia", "no", "nob"), ("bcp47", "no", "nor")),
        *(("iso639-2", "fre", "fra"), ("iso639-2", "fra", "fra"), ("bcp47", "sr-Latn-RS", "srp")),
        *(("ud-treebank", "grc_perseus-ud-test.conllu", "grc"), ("ud-treebank", "UD_Naija-NSC", "pcm")),
        *(("ud-treebank", "UD_Munduruku-TuDeT", "myu"), ("name", "Min Nan Chinese", "nan")),
    ],
)
def test_a_kind_is_that_kind_alone(kind: Kind, text: str, code: str) -> None:
    assert parse(text, kind) == code


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(("iso639-3", "fre"), ("iso639-3", "de"), ("iso639-3", "German"), ("iso639-1", "deu")),
        *(("iso639-2", "de"), ("bcp47", "de_gsd"), ("ud-treebank", "deu"), ("name", "deu")),
        *(("name", "Makurapish"), ("iso639-3", "bat"), ("iso639-3", "und"), ("wikipedia", "de_gsd")),
        # Mixed languages of Universal Dependencies, in the range of the artificial ones.
        *(("ud-treebank", "qhe_hiencs"), ("ud-treebank", "qaf_arabizi")),
    ],
)
def test_what_is_of_another_kind_is_refused(kind: Kind, text: str) -> None:
    with pytest.raises(UnknownNameError, match=f"{text!r} is not a language by {kind}"):
        parse(text, kind)


def test_a_member_becomes_its_macrolanguage_only_where_that_one_is_known() -> None:
    assert to_iso639_3("arb") == "arb"
    assert to_iso639_3("arb", {"ara"}) == "ara"
    assert to_iso639_3("arb", {"ara", "arb"}) == "arb"
    assert to_iso639_3("yue", {"zho"}) == "yue"
    pairs = ["est", "ekk", "ara", "arb", "msa", "zsm", "swa", "swh", "fas", "pes", "lav", "lvs", "zho", "cmn"]
    for macro, member in zip(pairs[::2], pairs[1::2], strict=True):
        assert to_iso639_3(member, {macro}) == macro
        assert to_iso639_3(macro, {macro, member}) == macro
    # No member of Quechua stands for all of it.
    assert to_iso639_3("quy", {"que"}) == "quy"


def test_a_macrolanguage_of_which_only_members_are_known_is_asked_about() -> None:
    with pytest.raises(UnknownNameError, match=r"^'nor' \(Norwegian\) is a macrolanguage; name nno or nob$"):
        to_iso639_3("nor", {"nob", "nno", "dan"})
    assert to_iso639_3("nor", {"dan"}) == "nor"


@pytest.mark.parametrize(
    "text", ["", "xx", "xyz", "und", "mul", "klingonish", "en us", "日本", "roa", "eml", "x:y"]
)
def test_what_is_no_language_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UnknownNameError) as error:
        to_iso639_3(text)
    assert repr(text) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        *(("jap", "did you mean jpn"), ("wolo", "did you mean wol"), ("eml", "name egl or rgn")),
        *(("bat", "a group of languages"), ("nation:de", "no such kind of identifier; there are iso639-3")),
    ],
)
def test_suggestions(text: str, line: str) -> None:
    with pytest.raises(UnknownNameError, match=line):
        to_iso639_3(text, {"wol", "eng"})


def test_every_code_of_iso_639_3_is_itself(every_code: dict[str, str]) -> None:
    assert all(text == code for text, code in every_code.items())
    assert len(every_code) > 7900
    # Two independent routes over the same library agree on what is left out.
    for code in every_code:
        assert langcodes.tag_is_valid(code)
        assert to_iso639_3(code) == code == parse(code, "iso639-2")
    assert not every_code.keys() & (COLLECTIONS | RETIRED.keys())


def test_every_code_of_two_letters_is_one_of_three(every_code: dict[str, str]) -> None:
    found = valid("iso639-1", 2)
    assert 180 <= len(found) <= 195
    assert set(found.values()) <= every_code.keys()
    for text, code in found.items():
        assert to_iso639_3(text) == to_iso639_3(text.upper()) == code
        assert parse(f"{text}_gsd", "ud-treebank") == code
        if text not in {"no", "sh"}:
            assert langcodes.Language.get(text).to_tag() == langcodes.Language.get(code).to_tag()


def test_every_own_code_of_wikipedia_is_a_language(every_code: dict[str, str]) -> None:
    assert set(WIKIPEDIA.values()) - {"nah"} <= every_code.keys()
    assert all(
        to_iso639_3(f"{kind}:{x}") == WIKIPEDIA[x] for x in WIKIPEDIA for kind in ("wikipedia", "wikiann")
    )


@given(
    st.one_of(st.text(), st.text(LETTERS + "-_:", max_size=9)),
    st.sets(st.sampled_from(["ara", "arb", "nor", "nob", "nno", "zho", "cmn", "est"])),
)
@example("\x0000\x80", set())
@example("\x00000", set())
def test_any_text_gives_a_code_that_is_itself_or_one_line(text: str, known: set[str]) -> None:
    line = code = ""
    try:
        code = to_iso639_3(text, known)
    except UnknownNameError as error:
        line = str(error)
    if code:
        assert to_iso639_3(code, known) == code
        assert len(code) == 3
    else:
        assert len(line.splitlines()) == 1


@given(st.text(LETTERS + "-_", max_size=12), st.sampled_from(KINDS))
def test_a_kind_gives_what_is_of_iso_639_3(text: str, kind: Kind) -> None:
    try:
        code = parse(text, kind)
    except UnknownNameError:
        return
    assert parse(code, "iso639-3") == code or code == "nah"


def test_known_codes_need_no_library() -> None:
    code = (
        "import sys; from xlbench.data.codes import to_iso639_3;"
        "to_iso639_3('eng', {'eng'}); print('langcodes' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_name_of_a_plugins_language_is_known_too() -> None:
    known = {"qaa": Language("qaa", "Arvel", "Made-up", "Made-up", "Latn")}
    assert to_iso639_3("arvel", known) == to_iso639_3("Arvel (qaa)", known) == "qaa"
    with pytest.raises(UnknownNameError, match="not a language code or name"):
        to_iso639_3("Arvel", known.keys())
