"""In which script data are written, determined from their letters."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LETTERS = 20_000
"""That are looked at, of a set of examples or of a text."""
FEWEST = 20
"""Letters below which nothing is said."""
_NAMES = """
ADLAM=Adlm ARABIC=Arab ARMENIAN=Armn AVESTAN=Avst BALINESE=Bali BATAK=Batk BENGALI=Beng BOPOMOFO=Bopo
CANADIAN=Cans CHAKMA=Cakm CHEROKEE=Cher CJK=Hani COPTIC=Copt CUNEIFORM=Xsux CYRILLIC=Cyrl DEVANAGARI=Deva
EGYPTIAN=Egyp ETHIOPIC=Ethi GEORGIAN=Geor GOTHIC=Goth GREEK=Grek GUJARATI=Gujr GURMUKHI=Guru HANGUL=Hang
HEBREW=Hebr HIRAGANA=Kana JAVANESE=Java KANNADA=Knda KATAKANA=Kana KHMER=Khmr LAO=Laoo LATIN=Latn LISU=Lisu
MALAYALAM=Mlym MEETEI=Mtei MONGOLIAN=Mong MYANMAR=Mymr NKO=Nkoo OL=Olck OLD=Orkh ORIYA=Orya RUNIC=Runr
SINHALA=Sinh SUNDANESE=Sund SYRIAC=Syrc TAMIL=Taml TELUGU=Telu THAANA=Thaa THAI=Thai TIBETAN=Tibt
TIFINAGH=Tfng VAI=Vaii YI=Yiii
"""
NAMES = dict(pair.split("=") for pair in _NAMES.split())
"""ISO 15924 codes by the first word of Unicode's names of letters. Kana is either of the two Japanese
ones.
"""
UNSPACED = frozenset({"Hani", "Hans", "Hant", "Jpan", "Khmr", "Laoo", "Mymr", "Thai", "Tibt"})
"""Those that put no space between words."""
SIMPLIFIED = "们这国对时会发来说为无学关门问间东车长马鱼龙风飞书见页语论认识许让请谁该话读难双观头买卖实业产严个义习乡亚过还进远运边农写军开经给结统组织级约红线战电爱现应岁华单师带张务动办劳势听员团场块处备"  # noqa: E501
TRADITIONAL = "們這國對時會發來說為無學關門問間東車長馬魚龍風飛書見頁語論認識許讓請誰該話讀難雙觀頭買賣實業產嚴個義習鄉亞過還進遠運邊農寫軍開經給結統組織級約紅線戰電愛現應歲華單師帶張務動辦勞勢聽員團場塊處備"  # noqa: E501
"""Frequent characters that differ, the same one at the same place in both."""
KANA_SHARE = 0.1
"""Of kana among Chinese characters and kana, from which on a text is Japanese."""
LIKE = {"Hang": ("Kore", "Hang"), "Arab": ("Aran", "Arab"), "Latn": ("Latf", "Latg", "Latn")}
"""Codes that a usual script may have for the same letters."""


def letters(texts: Iterable[str]) -> Counter[str]:
    """How many letters are of which script, among the first `LETTERS`; Chinese characters as `Hani`, and
    those that tell the two kinds apart as `Hans` and `Hant` besides.
    """
    found: Counter[str] = Counter()
    seen = 0
    for text in texts:
        for character, count in Counter(text).items():
            if script := _of(character):
                found[script] += count
                seen += count
            if character in _SIMPLIFIED:
                found["Hans"] += count
            elif character in _TRADITIONAL:
                found["Hant"] += count
        if seen >= LETTERS:
            break
    return found


def script(counts: Counter[str], usual: str) -> str:
    """The ISO 15924 code of the script that most letters are of; the language's `usual` one where there are
    too few letters to say, and between simplified and traditional characters where none of them tells.
    """
    chinese, kana = counts["Hani"], counts["Kana"]
    pure = Counter({x: n for x, n in counts.items() if x not in ("Hans", "Hant", "Kana", "Hani")})
    pure["Hani"] = chinese + kana
    if pure.total() < FEWEST:
        return usual
    most = max(sorted(pure), key=pure.__getitem__)
    if most != "Hani":
        return usual if usual in LIKE.get(most, ()) else most
    if kana >= KANA_SHARE * (chinese + kana):
        return "Jpan"
    if counts["Hans"] == counts["Hant"]:
        return usual if usual in ("Hans", "Hant") else "Hani"
    return "Hans" if counts["Hans"] > counts["Hant"] else "Hant"


_SIMPLIFIED = frozenset(SIMPLIFIED) - frozenset(TRADITIONAL)
_TRADITIONAL = frozenset(TRADITIONAL) - frozenset(SIMPLIFIED)


@lru_cache(maxsize=20_000)
def _of(character: str) -> str:
    """Of a letter or mark; empty where it belongs to none or to several."""
    if unicodedata.category(character)[0] not in "LM":
        return ""
    return NAMES.get(unicodedata.name(character, "").partition(" ")[0], "")
