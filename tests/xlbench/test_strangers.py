"""Targets for which a study cannot speak are refused, in one line."""

import pytest
from synthetic import CODES, Synthetic

from xlbench.contracts import Distance, Language, Records
from xlbench.errors import ResultsError
from xlbench.probing.strangers import refuse_stranger

NEW = "zza"


def records(near: float | None, family: str = "Other", script: str = "Xxxx") -> Records:
    """A study of three donors and three targets, each target 0.2 or 0.4 from the nearest donor."""
    study = Synthetic(transfer=CODES[:3], targets=CODES[3:6], tasks=("pos",), controls=(), examples=4)
    table = {(f, g): 0.2 if g == CODES[3] else 0.4 for f in CODES[:3] for g in CODES[3:6]}
    table |= {} if near is None else dict.fromkeys(((f, NEW) for f in CODES[:3]), near)
    found = study.records()
    languages = {x: Language(x, x, "Family", "Genus", "Latn") for x in CODES[:6]}
    languages |= {NEW: Language(NEW, "New", family, "Genus of its own", script)}
    return Records(
        found.records, found.expected, {}, found.study, found.metrics, languages, {},
        (Distance("made up", "", table),),
    )  # fmt: skip


def test_what_is_measured_kin_or_near_is_spoken_for() -> None:
    refuse_stranger(records(None), "pos", CODES[4])
    refuse_stranger(records(None, family="Family"), "pos", NEW)
    refuse_stranger(records(0.4), "pos", NEW)
    refuse_stranger(records(0.9, script="Latn"), "pos", NEW)
    refuse_stranger(records(0.9, family="Family"), "pos", NEW)


def test_what_is_unlike_all_of_them_is_refused_in_one_line() -> None:
    with pytest.raises(ResultsError, match="share no family and no known distance") as bare:
        refuse_stranger(records(None, script="Latn"), "pos", NEW)
    with pytest.raises(
        ResultsError, match=r"family or script.*\(made up 0\.41\) than any measured target \(0\.40 at most\)"
    ) as far:
        refuse_stranger(records(0.41), "pos", NEW)
    with pytest.raises(ResultsError, match="family or script"):
        refuse_stranger(records(0.41, family="unknown"), "pos", NEW)
    for caught in (bare, far):
        assert f"--targets {NEW}" in str(caught.value)
        assert "\n" not in str(caught.value)
