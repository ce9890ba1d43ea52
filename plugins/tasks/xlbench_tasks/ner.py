"""Named entity recognition: persons, places and organisations, IOB2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Tagged, Task, TaskData
from xlbench.data import languages
from xlbench.metrics import span_f1
from xlbench.readers import HubData, conll_files, read_folders
from xlbench_tasks.pos import TREEBANKS

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")

TYPES = {"PER": "PER", "LOC": "LOC", "ORG": "ORG", "GPE": "LOC"}
"""What becomes of a set's entity types: those that all sets share, and EstNER's GPE."""
UNSHARED = (
    *("DATE", "TIME", "MONEY", "PERCENT"),  # MasakhaNER, EstNER, Turku
    *("TITLE", "PROD", "PRO", "EVENT"),  # EstNER, Turku
    *("MISC", "OTH"),  # NerKor, GermEval
    # OntoNotes, besides
    *("NORP", "FAC", "PRODUCT", "WORK_OF_ART", "LAW", "LANGUAGE", "QUANTITY", "ORDINAL", "CARDINAL"),
    *(f"{x}{end}" for x in ("PER", "LOC", "ORG", "OTH") for end in ("deriv", "part")),  # GermEval
)
"""Types that only some sets have, and that become O."""
LABEL_MAP = {
    "O": "O",
    **{f"{x}-{theirs}": f"{x}-{ours}" for theirs, ours in TYPES.items() for x in "BI"},
    **{f"{x}-{theirs}": "O" for theirs in UNSHARED for x in "BI"},
}

CONFIGS = """
ace af als am an ang ar arc arz as ast ay az ba bar bat-smg be bg bh bn bo br bs ca cbk-zam cdo ce ceb
ckb co crh cs csb cv cy da de diq dv el eml en eo es et eu ext fa fi fiu-vro fo fr frr fur fy ga gan gd
gl gn gu hak he hi hr hsb hu hy ia id ig ilo io is it ja jbo jv ka kk km kn ko ksh ku ky la lb li lij
lmo ln lt lv mg mhr mi min mk ml mn mr ms mt mwl my mzn nap nds ne nl nn no nov oc or os pa pdc pl pms
pnb ps pt qu rm ro ru rw sa sah scn sco sd sh si sk sl so sq sr su sv sw szl ta te tg th tk tl tr tt ug
uk ur uz vec vep vi vls vo wa war wuu xmf yi yo zea zh zh-classical zh-min-nan zh-yue
"""
WIKIANN = frozenset(CONFIGS.split())
"""Configurations of the 176 that are a language of their own: not be-x-old, map-bms, simple."""


def folder(paths: Sequence[Path]) -> TaskData:
    """Sets of words and tags in columns, in any layout and scheme."""
    return read_folders(paths, conll_files("ner", LABEL_MAP, TREEBANKS))


def decode(words: Sequence[str], tags: Sequence[str]) -> Tagged:
    """A sentence of the hub."""
    return Tagged(tuple(words), tuple(LABEL_MAP[tag] for tag in tags))


@hookimpl
def xlbench_tasks() -> Iterator[Task]:
    """The task `ner`."""
    yield Task(
        name="ner",
        version=1,
        summary="named entity recognition (PER, LOC, ORG): span F1",
        kind="tagging",
        labels=LABELS,
        metric=span_f1(),
        training=AdapterTraining(learning_rate=5e-4, batch_size=36, epochs=5),
        max_length=256,
        default_data="wikiann",
        folder=folder,
    )


@hookimpl
def xlbench_task_data() -> Iterator[TaskData]:
    """WikiANN on the hub, in the splits of Rahimi et al. (2019)."""
    yield HubData(
        name="wikiann",
        origin="wikipedia",
        task="ner",
        repo="unimelb-nlp/wikiann",
        about="WikiANN (Pan et al. 2017), balanced splits of Rahimi et al. (2019)",
        configs={code: wiki for code, wiki in languages.wikipedias().items() if wiki in WIKIANN},
        columns=("tokens", "ner_tags"),
        decode=decode,
    )
