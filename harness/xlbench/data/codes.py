"""Language codes: whatever people and data sets write, as ISO 639-3.

An identifier has a kind, and the same letters may name different languages in different kinds: `als` is
Tosk Albanian in ISO 639-3 and Alemannic in Wikipedia. Readers of data say the kind (`parse`). What a user
writes is looked up in a fixed order (`to_iso639_3`), and may say its kind itself: `wikipedia:als`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from xlbench.errors import UnknownNameError

if TYPE_CHECKING:
    from xlbench.contracts import Language

Kind: TypeAlias = Literal[
    "iso639-3", "iso639-1", "iso639-2", "bcp47", "ud-treebank", "wikipedia", "wikiann", "name"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
LOCAL = range(0x716161, 0x71747A + 1)
"""The codes for local use, `qaa` to `qtz`, as numbers of their bytes: here, artificial languages."""

NO_LANGUAGE = frozenset({"mis", "mul", "und", "zxx"})
"""Codes of ISO 639 that stand for no language."""
_COLLECTIONS = """
aav afa alg alv apa aqa aql art ath auf aus awd azc bad bai bat ber bnt btk cai cau cba ccn ccs cdc cdd
cel cmc cpe cpf cpp crp csu cus day dmn dra egx esx euq fiu fox gem gme gmq gmw grk hmx hok hyx iir ijo inc
ine ira iro itc jpx kar kdo khi kro map mkh mno mun myn nai ngf nic nub omq omv paa phi plf poz pqe pqw pra
qwe roa sai sal sdv sem sgn sio sit sla smi son sqj ssa syd tai tbq trk tup tut tuw urj wak wen xgn xnd ypk
zhx zle zls zlw znd
"""
COLLECTIONS = frozenset(_COLLECTIONS.split())
"""Groups of languages (ISO 639-2 and 639-5). Not `nah` and `oto`, which data sets use for a language."""
RETIRED = {
    "bh": ("bho", "mag", "mai"), "bih": ("bho", "mag", "mai"), "eml": ("egl", "rgn"), "mol": ("ron",),
    "scc": ("srp",), "scr": ("hrv",),
}  # fmt: skip
"""Codes that ISO 639 withdrew, and what took their place. Not `ajp`, which Universal Dependencies have."""
OLD = {"in": "id", "iw": "he", "ji": "yi", "jw": "jv", "mo": "ro"}
"""Withdrawn codes of two letters with one that took their place."""
MISTAKES = {
    "jap": "jpn", "jp": "jpn", "cn": "zho", "cz": "ces", "dk": "dan", "gr": "ell", "ua": "ukr",
    "vn": "vie",
}  # fmt: skip
"""What is written for a code, often a country's, and is none."""

WIKIPEDIA = {
    "als": "gsw", "bat-smg": "sgs", "be-tarask": "bel", "be-x-old": "bel", "bh": "bho",
    "cbk-zam": "cbk", "eml": "egl", "fiu-vro": "vro", "ku": "kmr", "kv": "kpv", "map-bms": "jav",
    "nah": "nah", "nds-nl": "nds", "no": "nob", "nrm": "nrf", "roa-rup": "rup", "roa-tara": "nap",
    "simple": "eng", "zh-classical": "lzh", "zh-min-nan": "nan", "zh-yue": "yue",
}  # fmt: skip
"""Editions whose code is not the language's own, or is that of a macrolanguage and means its main member.
Varieties without a code stand for their language: Taraškievica, Banyumasan, Tarantino, Dutch Low Saxon,
Simple English. WikiANN took its names from them."""
UD_NAMES = {
    "Apurina": "apu", "Assyrian": "aii", "Bororo": "bor", "Buryat": "bxr", "Cappadocian": "cpg",
    "Classical Armenian": "xcl", "Classical Chinese": "lzh", "Egyptian": "egy", "Gheg": "aln",
    "Guajajara": "gub", "Gwichin": "gwi", "Highland Puebla Nahuatl": "azz", "Ika": "arh",
    "Kaapor": "urb", "Karo": "arr", "Kiche": "quc", "Komi Permyak": "koi", "Komi Zyrian": "kpv",
    "Kurmanji": "kmr", "Livvi": "olo", "Low Saxon": "nds", "Madi": "jaa", "Makurap": "mpu",
    "Munduruku": "myu", "Mbya Guarani": "gun", "Naija": "pcm", "Nheengatu": "yrl", "North Sami": "sme",
    "Old Church Slavonic": "chu", "Old East Slavic": "orv", "Old Provencal": "pro", "Paumari": "pad",
    "Pesh": "pay", "Old Turkish": "otk", "Soi": "soj", "South Levantine Arabic": "ajp",
    "Spanish Sign Language": "ssp", "Teko": "eme", "Tupinamba": "tpn",
    "Western Sierra Puebla Nahuatl": "nhi", "Yakut": "sah", "Yupik": "ess", "Zaar": "say",
}  # fmt: skip
"""Names of Universal Dependencies that are not the usual English ones."""


def to_iso639_3(text: str, known: Collection[str] | Mapping[str, Language] = ()) -> str:
    """The ISO 639-3 code of what a user wrote for a language.

    In this order, whatever the case: a code in `known`, as it is; `KIND:identifier` (`KINDS`); three letters
    as ISO 639-3, else as ISO 639-2/B ("fre"); two letters as ISO 639-1; a BCP 47 tag ("zh-Hant", "zh-yue");
    a code of Wikipedia's own ("be-x-old"); a treebank's name ("de_gsd", "UD_German-GSD"); an English name;
    where `known` has languages by code, the name of one of those.

    The main member of a macrolanguage ("arb", "ekk", "cmn") becomes the macrolanguage ("ara", "est", "zho")
    where that one is in `known` and the member is not; other members ("ary", "yue") stay as they are.
    Raises UnknownNameError, with the nearest codes, for what is not a language, and for a macrolanguage that
    `known` has only members of.
    """
    if text in known:
        return text
    kind, colon, rest = text.strip().partition(":")
    if colon:
        kind = kind.lower()
        if kind not in KINDS:
            raise UnknownNameError(f"{text!r}: no such kind of identifier; there are {', '.join(KINDS)}")
        code = parse(rest, kind)
    else:
        code = _any(text, known)
    if code in known:
        return code
    import langcodes

    whole = str(langcodes.Language.get(code).prefer_macrolanguage().to_alpha3())
    if whole in known:
        return whole
    if members := sorted(x for x in _members(code) if x in known):
        name = langcodes.Language.get(code).display_name()
        raise UnknownNameError(f"{text!r} ({name}) is a macrolanguage; name {' or '.join(members)}")
    return code


def is_iso639_3(text: str) -> bool:
    """Whether a text is a code of ISO 639-3, as it is."""
    return _iso639_3(text) == text


def parse(text: str, kind: Kind) -> str:
    """The ISO 639-3 code of an identifier of this kind.

    iso639-3: "deu". iso639-1: "de". iso639-2: "deu", and the bibliographic "ger". bcp47: "de-AT", "zh-yue".
    ud-treebank: "de_gsd", "UD_German-GSD", and a file's name. wikipedia: "als" (Alemannic). wikiann: the
    same. name: "German", in English. Macrolanguages stay: "zh" is zho, "Norwegian" nor; an edition of
    Wikipedia is in its main member ("no" is nob). Raises UnknownNameError for what is none of that kind.
    """
    if code := PARSERS[kind](text.strip()):
        return code
    hint = MISTAKES.get(text.strip().lower())
    meant = f"; did you mean {hint}?" if hint else ""
    raise UnknownNameError(f"{text!r} is not a language by {kind}{meant}")


def _any(text: str, known: Collection[str] | Mapping[str, Language]) -> str:
    """By the first kind that fits."""
    bare = text.strip()
    low = bare.lower()
    if low in RETIRED:
        raise UnknownNameError(f"{text!r} was withdrawn from ISO 639; name {' or '.join(RETIRED[low])}")
    if low in COLLECTIONS:
        raise UnknownNameError(f"{text!r} is a group of languages; name one of them")
    order: tuple[Kind, ...] = ("bcp47", "wikipedia", "ud-treebank", "name")
    if len(bare) in (2, 3):
        order = ("iso639-3", "iso639-2", "iso639-1")
    for kind in order:
        if code := PARSERS[kind](bare):
            return code
    for code, language in known.items() if isinstance(known, Mapping) else ():
        if low in (language.name.lower(), language.label.lower()):
            return code
    raise UnknownNameError(f"{text!r} is not a language code or name{_meant(text, known)}")


def _iso639_3(text: str) -> str:
    code = text.lower()
    if not re.fullmatch("[a-z]{3}", code) or code in NO_LANGUAGE | COLLECTIONS | RETIRED.keys():
        return ""
    import langcodes

    if int.from_bytes(code.encode()) in LOCAL:
        return code
    if not langcodes.tag_is_valid(code):
        return ""
    # Bibliographic codes pass for languages there, but are not of ISO 639-3.
    return "" if _terminological(code) else code


def _iso639_2(text: str) -> str:
    return _terminological(text.lower()) or _iso639_3(text)


def _terminological(code: str) -> str:
    """Of a bibliographic code that differs ("fre"), the other one; else empty."""
    from langcodes.data_dicts import LANGUAGE_ALPHA3, LANGUAGE_ALPHA3_BIBLIOGRAPHIC

    for short, bibliographic in LANGUAGE_ALPHA3_BIBLIOGRAPHIC.items():
        if bibliographic == code and LANGUAGE_ALPHA3[short] != code:
            return str(LANGUAGE_ALPHA3[short])
    return ""


def _iso639_1(text: str) -> str:
    code = text.lower()
    if not re.fullmatch("[a-z]{2}", code):
        return ""
    from langcodes.data_dicts import LANGUAGE_ALPHA3

    return _iso639_3(LANGUAGE_ALPHA3.get(OLD.get(code, code), ""))


def _bcp47(text: str) -> str:
    import langcodes

    tag = text.replace("_", "-")
    try:
        parsed = langcodes.Language.get(tag, normalize=False)
        if not langcodes.tag_is_valid(tag) or not parsed.language:
            return ""
        if parsed.extlangs:  # "zh-yue" is the older way to write "yue"
            parsed = langcodes.Language.get(tag)
            if parsed.extlangs:
                return ""
    except (LookupError, ValueError):
        return ""
    language = parsed.language
    return _iso639_1(language) if len(language) == 2 else _iso639_2(language)


def _treebank(text: str) -> str:
    if named := re.fullmatch(r"UD_([\w.]+?)(-\w+)?", text):
        name = named[1].replace("_", " ")
        return UD_NAMES.get(name) or _name(name)
    coded = re.fullmatch(r"([a-z]{2,3})_[a-z0-9]+(-ud-(train|dev|test)[\w.-]*)?", text)
    # Codes for local use are mixed languages there ("qhe" is Hindi with English), and other ones here.
    if not coded or (coded[1].startswith("q") and int.from_bytes(coded[1].encode()) in LOCAL):
        return ""
    return _iso639_1(coded[1]) or _iso639_3(coded[1])


def _wikipedia(text: str) -> str:
    code = text.lower()
    return WIKIPEDIA.get(code) or _iso639_1(code) or _iso639_3(code)


def _name(text: str) -> str:
    import langcodes
    from language_data import names

    if not text.isprintable():  # control characters break the library's table of names
        return ""
    try:
        found = langcodes.find(text, language="en").language
    except LookupError:
        return ""
    # The library also takes the beginning of a name for the whole.
    whole = names.normalize_name(text)
    if whole == "dari":  # Persian of Afghanistan to the library
        return "prs"
    return _bcp47(found) if whole in names.TRIES["en/name_to_language"] and found else ""


PARSERS: dict[Kind, Callable[[str], str]] = {
    "iso639-3": _iso639_3,
    "iso639-1": _iso639_1,
    "iso639-2": _iso639_2,
    "bcp47": _bcp47,
    "ud-treebank": _treebank,
    "wikipedia": _wikipedia,
    "wikiann": _wikipedia,
    "name": _name,
}
"""By kind: what gives the code, or nothing."""


def _members(code: str) -> set[str]:
    """Members of a macrolanguage; empty where it is none."""
    import langcodes
    from langcodes.data_dicts import MACROLANGUAGES

    whole = langcodes.Language.get(code).language
    return {_bcp47(member) for member, macro in MACROLANGUAGES.items() if macro == whole} - {code}


def _meant(text: str, known: Collection[str]) -> str:
    """What may have been meant: a usual mistake, or what has a similar name or code."""
    import difflib

    import langcodes

    low = text.strip().lower()
    near = [MISTAKES[low]] if low in MISTAKES else []
    if not near and len(low) > 3:
        names = {langcodes.Language.get(x).display_name().lower(): x for x in known}
        near = [names[x] for x in difflib.get_close_matches(low, names, n=2, cutoff=0.8)]
    near = near or difflib.get_close_matches(low, known, n=3)
    return f"; did you mean {' or '.join(near)}?" if near else "; for instance eng, swa or zho (ISO 639-3)"
