"""The table of real languages."""

import csv
import re
from pathlib import Path

import langcodes

from xlbench.codes import parse, to_iso639_3
from xlbench_tasks.languages import codes, wikipedias, xlbench_languages
from xlbench_tasks.ner import WIKIANN
from xlbench_tasks.pos import TREEBANKS


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


def test_editions_of_wikipedia_are_in_the_language_that_they_stand_for() -> None:
    main_member = {"kur": "kmr", "nor": "nob"}  # both rows name the one edition there is
    for code, wiki in wikipedias().items():
        assert parse(wiki, "wikipedia") == main_member.get(code, code)


def test_every_configuration_of_wikiann_is_in_a_language_of_the_table() -> None:
    without_a_row = {"be-x-old", "map-bms", "simple"}  # varieties, whose language has another edition
    assert len(WIKIANN | without_a_row) == 176
    for name in WIKIANN | without_a_row:
        assert parse(name, "wikiann") in codes(), name
    assert {x for x in WIKIANN if x not in wikipedias().values()} == set()


def test_treebanks_are_in_the_language_that_they_stand_for() -> None:
    for code, name in TREEBANKS.items():
        assert to_iso639_3(f"ud-treebank:{name}", codes()) == code
