"""Language codes: whatever people write, as ISO 639-3."""

from __future__ import annotations

from collections.abc import Collection

from xlbench.errors import UnknownNameError

NO_LANGUAGE = frozenset({"mis", "mul", "und", "zxx"})
"""Codes of ISO 639 that stand for no language."""


def to_iso639_3(text: str, known: Collection[str] = ()) -> str:
    """The ISO 639-3 code of a language code or tag.

    Understands ISO 639-3, 639-1 ("fr"), 639-2/B ("fre") and BCP 47 ("zh-Hans"), in any case. A code in
    `known` is given back as it is; a member of a macrolanguage ("arb") becomes the macrolanguage's code
    where that one is in `known` ("ara"). Codes for local use ("qaa" to "qtz") pass.
    Raises UnknownNameError, with the nearest codes, for what is no language.
    """
    if text in known:
        return text
    import langcodes

    tag = text.strip().replace("_", "-").lower()
    try:
        parsed = langcodes.Language.get(tag, normalize=False)
        if parsed.extlangs:  # "zh-yue" stands for yue; "en-ewt" only looks like it
            parsed = langcodes.Language.get(tag)
        code: str = "" if parsed.extlangs else parsed.to_alpha3()
    except (LookupError, ValueError):
        code = ""
    if not code or code in NO_LANGUAGE or not langcodes.tag_is_valid(tag):
        raise UnknownNameError(f"{text!r} is no language code (ISO 639-3){_meant(text, known)}")
    normal = langcodes.Language.get(code)
    if normal.to_alpha3(variant="B") == code:
        code = normal.to_alpha3()
    if code not in known:
        whole = normal.prefer_macrolanguage().to_alpha3()
        if whole in known:
            return str(whole)
    return code


def _meant(text: str, known: Collection[str]) -> str:
    """What may have been meant: a language of that name, or similar codes."""
    import difflib

    import langcodes

    try:
        near = [to_iso639_3(langcodes.find(text).language, known)]
    except LookupError:
        near = difflib.get_close_matches(text.lower(), known, n=3)
    return f"; did you mean {' or '.join(near)}?" if near else "; for instance eng, swa or zho"
