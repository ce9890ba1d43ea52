"""Whatever people write for a language becomes ISO 639-3."""

import subprocess
import sys

import pytest

from xlbench.codes import to_iso639_3
from xlbench.errors import UnknownNameError


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(("eng", "eng"), ("en", "eng"), ("EN", "eng"), ("fr", "fra"), ("fre", "fra"), ("ger", "deu")),
        *(("chi", "zho"), ("zh-Hans", "zho"), ("zh_Hant", "zho"), ("pt-BR", "por"), ("sh", "hbs")),
        *(
            ("tl", "tgl"),
            ("iw", "heb"),
            ("no", "nor"),
            ("qaa", "qaa"),
            ("qtz", "qtz"),
            ("yue", "yue"),
            ("zh-yue", "yue"),
        ),
    ],
)
def test_codes(text: str, code: str) -> None:
    assert to_iso639_3(text) == code


def test_a_member_becomes_its_macrolanguage_only_where_that_one_is_known() -> None:
    assert to_iso639_3("arb") == "arb"
    assert to_iso639_3("arb", {"ara"}) == "ara"
    assert to_iso639_3("arb", {"ara", "arb"}) == "arb"
    assert to_iso639_3("yue", {"zho"}) == "yue"


@pytest.mark.parametrize("text", ["", "xx", "xyz", "und", "mul", "klingonish", "en us", "日本", "en_ewt"])
def test_what_is_no_language_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UnknownNameError) as error:
        to_iso639_3(text)
    assert repr(text) in str(error.value)
    assert "\n" not in str(error.value)


def test_suggestions() -> None:
    with pytest.raises(UnknownNameError, match="did you mean deu"):
        to_iso639_3("German")
    with pytest.raises(UnknownNameError, match="did you mean wol"):
        to_iso639_3("wolo", {"wol", "eng"})


def test_known_codes_need_no_library() -> None:
    code = (
        "import sys; from xlbench.codes import to_iso639_3;"
        "to_iso639_3('eng', {'eng'}); print('langcodes' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
