"""The table of real languages."""

import csv
import re
from pathlib import Path

import langcodes
import pytest

from xlbench.data.codes import parse, to_iso639_3
from xlbench.data.languages import codes, wikipedias
from xlbench_tasks.languages import xlbench_languages
from xlbench_tasks.ner import WIKIANN
from xlbench_tasks.pos import TREEBANKS

SIB_200 = """
ace acm acq aeb afr ajp aka amh apc arb ars ary arz asm ast awa ayr azb azj bak bam ban bel bem ben bho
bjn bod bos bug bul cat ceb ces cjk ckb crh cym dan deu dik dyu dzo ell eng epo est eus ewe fao fij fin
fon fra fur fuv gaz gla gle glg grn guj hat hau heb hin hne hrv hun hye ibo ilo ind isl ita jav jpn kab
kac kam kan kas kat kaz kbp kea khk khm kik kin kir kmb kmr knc kon kor lao lij lim lin lit lmo ltg ltz
lua lug luo lus lvs mag mai mal mar min mkd mlt mni mos mri mya nld nno nob npi nqo nso nus nya oci ory
pag pan pap pbt pes plt pol por prs quy ron run rus sag san sat scn shn sin slk slv smo sna snd som sot
spa als srd srp ssw sun swe swh szl tam taq tat tel tgk tgl tha tir tpi tsn tso tuk tum tur twi tzm uig
ukr umb urd uzn vec vie war wol xho ydd yor yue zho zsm zul
"""
MASAKHANER_2 = "bam bbj ewe fon hau ibo kin lug luo mos nya pcm sna swa tsn twi wol xho yor zul"
AMERICAS_NLI = "aym bzd cni grn hch nah oto quy shp tar"
TYDIQA_AND_XQUAD = "ara ben eng fin ind jpn kor rus swa tel tha deu ell spa hin ron tur vie zho"
NOT_ISO_639_3 = {"nah", "oto"}
"""Codes of ISO 639-2 for groups, which AmericasNLI has for the one language of each in it."""


def test_every_code_is_of_iso_639_3_and_none_is_a_main_member_of_another() -> None:
    rows = {x.code: x for x in xlbench_languages()}
    for code in rows.keys() - NOT_ISO_639_3:
        assert parse(code, "iso639-3") == code
        main = langcodes.Language.get(code).prefer_macrolanguage().to_alpha3()
        assert main == code or main not in rows or code in {"hbs", "kmr", "prs", "twi"}, code
    assert list(rows) == sorted(rows)


@pytest.mark.parametrize("listed", [SIB_200, MASAKHANER_2, AMERICAS_NLI, TYDIQA_AND_XQUAD])
def test_languages_of_published_sets_are_there(listed: str) -> None:
    assert {to_iso639_3(x, codes()) for x in listed.split()} <= codes()


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
