"""Part-of-speech tagging: the 17 universal tags, over syntactic words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Tagged, Task, TaskData
from xlbench.metrics import accuracy
from xlbench.readers import CONLLU_VERSION, HubData, conllu_files, read_folders, words_in_text

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.contracts import Example

LABELS = (
    *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM"),
    *("PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"),
)
"""universaldependencies.org/u/pos"""
LABEL_MAP = {label: label for label in LABELS}

CONFIGS = """
afr=af_afribooms ara=ar_padt bam=bm_crb bel=be_hse ben=bn_bru bre=br_keb bul=bg_btb cat=ca_ancora
ces=cs_pdt cym=cy_ccg dan=da_ddt deu=de_gsd ell=el_gdt eng=en_ewt est=et_edt eus=eu_bdt
fao=fo_farpahc fas=fa_perdt fin=fi_tdt fra=fr_gsd gla=gd_arcosg gle=ga_idt glg=gl_ctg gub=gub_tudet
gun=gun_thomas hau=ha_southernautogramm heb=he_htb hin=hi_hdtb hrv=hr_set hsb=hsb_ufal hun=hu_szeged
hye=hy_armtdp ind=id_gsd isl=is_icepahc ita=it_isdt jpn=ja_gsd kaz=kk_ktb kmr=kmr_mg kor=ko_kaist
lat=la_ittb lav=lv_lvtb lit=lt_alksnis mar=mr_ufal mlt=mt_mudt myv=myv_jr nld=nl_alpino
nor=no_bokmaal pcm=pcm_nsc pol=pl_pdb por=pt_gsd ron=ro_rrt rus=ru_syntagrus san=sa_vedic slk=sk_snk
slv=sl_ssj sme=sme_giella spa=es_ancora srp=sr_set swe=sv_talbanken tam=ta_ttb tel=te_mtg tgl=tl_trg
tha=th_pud tur=tr_imst uig=ug_udt ukr=uk_iu urd=ur_udtb vie=vi_vtb wol=wo_wtb yor=yo_ytb yue=yue_hk
zho=zh_gsd
"""
TREEBANKS = dict(pair.split("=") for pair in CONFIGS.split())
"""One treebank a language, of those that come with their text."""
NO_TRAIN = frozenset(("bam", "ben", "bre", "gub", "gun", "hau", "myv", "tgl", "tha", "yor", "yue"))
NO_DEV = NO_TRAIN | {"hsb", "kaz", "kmr", "sme"}


def folder(paths: Sequence[Path]) -> TaskData:
    """CoNLL-U sets, or treebanks of an unpacked Universal Dependencies release."""
    return read_folders(paths, conllu_files("pos", LABEL_MAP, TREEBANKS))


@hookimpl
def xlbench_tasks() -> Iterator[Task]:
    """The task `pos`."""
    yield Task(
        name="pos",
        version=1,
        summary="part-of-speech tagging: accuracy over syntactic words",
        kind="tagging",
        labels=LABELS,
        metric=accuracy(),
        training=AdapterTraining(learning_rate=5e-4, batch_size=36, epochs=5),
        max_length=256,
        default_data="ud",
        folder=folder,
    )


@hookimpl
def xlbench_task_data() -> Iterator[TaskData]:
    """Universal Dependencies on the hub."""
    yield on_hub("pos", ("tokens", "upos"), decode)


def on_hub(task: str, columns: tuple[str, ...], decode: Callable[..., Example]) -> HubData:
    """The treebanks on the hub, as data of a task that reads these columns of a sentence."""
    return HubData(
        name="ud",
        task=task,
        repo="commul/universal_dependencies",
        about="Universal Dependencies, one treebank a language, each with its own licence",
        configs=TREEBANKS,
        columns=columns,
        optional=("text",),
        version=CONLLU_VERSION,
        decode=decode,
        without={"train": NO_TRAIN, "dev": NO_DEV},
    )


def decode(words: Sequence[str], tags: Sequence[str], text: str | None = None) -> Tagged:
    """A sentence of the hub; rows tagged `_` are multiword tokens and empty nodes, which are no words."""
    kept = [(word, LABEL_MAP[tag]) for word, tag in zip(words, tags, strict=True) if tag != "_"]
    written = on_text(words, [tag != "_" for tag in tags], text)
    return Tagged(tuple(word for word, _ in kept), tuple(tag for _, tag in kept), *written)


def on_text(
    forms: Sequence[str], words: Sequence[bool], text: str | None
) -> tuple[str | None, tuple[tuple[int, int], ...] | None]:
    """A sentence's text and where its words stand in it, if it is just its rows; otherwise nothing."""
    spans = None if text is None else words_in_text(forms, words, text)
    return (text, spans) if spans else (None, None)
