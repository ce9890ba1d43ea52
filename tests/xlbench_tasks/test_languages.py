"""The table of real languages."""

import csv
import re
from pathlib import Path

import langcodes

from xlbench.codes import to_iso639_3
from xlbench_tasks.languages import codes, wikipedias, xlbench_languages


def test_rows_are_complete_and_unlike() -> None:
    rows = list(xlbench_languages())
    assert len({x.code for x in rows}) == len({x.name for x in rows}) == len(rows) > 200
    for one in rows:
        assert re.fullmatch("[a-z]{3}", one.code), one
        assert all(x.strip() for x in (one.name, one.family, one.genus)), one
        assert langcodes.Language.make(script=one.script).is_valid(), one
        assert not "qaa" <= one.code <= "qtz", "the range of artificial languages"


def test_a_genus_belongs_to_one_family() -> None:
    families: dict[str, set[str]] = {}
    for one in xlbench_languages():
        families.setdefault(one.genus, set()).add(one.family)
    assert {genus: found for genus, found in families.items() if len(found) > 1} == {}


def test_the_manifest_agrees(shared_data: Path) -> None:
    table = {x.code: x for x in xlbench_languages()}
    with (shared_data / "MANIFEST.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    scripts: dict[str, set[str]] = {}
    for row in rows:
        one = table[row["iso639_3"]]
        assert (one.name, one.family, one.genus) == (row["language"], row["family"], row["genus"])
        scripts.setdefault(one.code, set()).add(row["script"])
    assert {code for code, found in scripts.items() if table[code].script not in found} == set()


def test_transfer_languages_of_the_paper_are_there() -> None:
    paper = (
        "gub est bre eng ben kmr spa bul pms gle nep cym fin hye mya hin tel tam kor ell hun heb zho ara swe"
    )
    assert set(paper.split()) <= codes()
    assert {
        "jpn",
        "fra",
        "deu",
        "rus",
        "bam",
        "ewe",
        "hau",
        "ibo",
        "kin",
        "mos",
        "pcm",
        "wol",
        "yor",
    } <= codes()


def test_wikipedias_with_a_code_of_iso_639_are_that_language() -> None:
    other = {
        *("als", "bat-smg", "bh", "cbk-zam", "eml", "fiu-vro", "zh-classical", "zh-min-nan", "zh-yue"),
        *("ku", "no", "kv"),  # a macrolanguage and its main member
    }
    for code, wiki in wikipedias().items():
        if wiki not in other:
            assert to_iso639_3(wiki) == code
