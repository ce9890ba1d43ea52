"""Topic classification: which of seven topics a sentence is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Classified, Task, TaskData
from xlbench.hub import CONVERTED
from xlbench.metrics import accuracy
from xlbench.readers import HubData, LabelledTexts, read_folders, table_files

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("entertainment", "geography", "health", "politics", "science/technology", "sports", "travel")
LABEL_MAP = {label: label for label in LABELS}
FORM = LabelledTexts(
    texts={"text": ("text", "sentence")},
    label=("category", "label", "topic"),
    labels=LABEL_MAP,
)

CONFIGS = """
ace_Latn acm_Arab acq_Arab aeb_Arab afr_Latn ajp_Arab aka_Latn sqi=als_Latn amh_Ethi apc_Arab ara=arb_Arab
ars_Arab ary_Arab arz_Arab asm_Beng ast_Latn awa_Deva aym=ayr_Latn azb_Arab aze=azj_Latn bak_Cyrl bam_Latn
ban_Latn bel_Cyrl bem_Latn ben_Beng bho_Deva bjn_Latn bod_Tibt bos_Latn bug_Latn bul_Cyrl cat_Latn ceb_Latn
ces_Latn cjk_Latn ckb_Arab crh_Latn cym_Latn dan_Latn deu_Latn dik_Latn dyu_Latn dzo_Tibt ell_Grek eng_Latn
epo_Latn est_Latn eus_Latn ewe_Latn fao_Latn fij_Latn fin_Latn fon_Latn fra_Latn fur_Latn fuv_Latn
orm=gaz_Latn gla_Latn gle_Latn glg_Latn grn_Latn guj_Gujr hat_Latn hau_Latn heb_Hebr hin_Deva hne_Deva
hrv_Latn hun_Latn hye_Armn ibo_Latn ilo_Latn ind_Latn isl_Latn ita_Latn jav_Latn jpn_Jpan kab_Latn kac_Latn
kam_Latn kan_Knda kas_Arab kat_Geor kaz_Cyrl kbp_Latn kea_Latn mon=khk_Cyrl khm_Khmr kik_Latn kin_Latn
kir_Cyrl kmb_Latn kmr_Latn knc_Latn kon_Latn kor_Hang lao_Laoo lij_Latn lim_Latn lin_Latn lit_Latn lmo_Latn
ltg_Latn ltz_Latn lua_Latn lug_Latn luo_Latn lus_Latn lav=lvs_Latn mag_Deva mai_Deva mal_Mlym mar_Deva
min_Latn mkd_Cyrl mlt_Latn mni_Beng mos_Latn mri_Latn mya_Mymr nld_Latn nno_Latn nob_Latn nep=npi_Deva
nqo_Nkoo nso_Latn nus_Latn nya_Latn oci_Latn ori=ory_Orya pag_Latn pan_Guru pap_Latn pus=pbt_Arab
fas=pes_Arab mlg=plt_Latn pol_Latn por_Latn prs_Arab quy_Latn ron_Latn run_Latn rus_Cyrl sag_Latn san_Deva
sat_Olck scn_Latn shn_Mymr sin_Sinh slk_Latn slv_Latn smo_Latn sna_Latn snd_Arab som_Latn sot_Latn spa_Latn
srd_Latn srp_Cyrl ssw_Latn sun_Latn swe_Latn swa=swh_Latn szl_Latn tam_Taml taq_Latn tat_Cyrl tel_Telu
tgk_Cyrl tgl_Latn tha_Thai tir_Ethi tpi_Latn tsn_Latn tso_Latn tuk_Latn tum_Latn tur_Latn twi_Latn tzm_Tfng
uig_Arab ukr_Cyrl umb_Latn urd_Arab uzb=uzn_Latn vec_Latn vie_Latn war_Latn wol_Latn xho_Latn yid=ydd_Hebr
yor_Latn yue_Hant zho=zho_Hans msa=zsm_Latn zul_Latn
"""
SIB = {x.partition("=")[0][:3]: x.rpartition("=")[2] for x in CONFIGS.split()}
"""Configurations by ISO 639-3 code, in the language's usual script; the individual language that stands for a
macrolanguage has its code. Left out are eight further scripts: Achinese, Banjar, Kanuri and Minangkabau in
Arabic, Arabic in Latin, Kashmiri in Devanagari, Tamasheq in Tifinagh, traditional Chinese."""


def folder(paths: Sequence[Path]) -> TaskData:
    """Tables of sentences, with columns by name, in folders such as `eng_Latn`."""
    return read_folders(paths, table_files("topic", FORM))


def decode(text: str, category: str) -> Classified:
    """A sentence of the hub."""
    return Classified((text,), LABEL_MAP[category])


@hookimpl
def xlbench_tasks() -> Iterator[Task]:
    """The task `topic`."""
    yield Task(
        name="topic",
        version=1,
        summary="topic classification of sentences, seven topics: accuracy",
        kind="classification",
        labels=LABELS,
        metric=accuracy(),
        training=AdapterTraining(learning_rate=1e-3, batch_size=8, epochs=15),
        max_length=164,
        default_data="sib200",
        folder=folder,
    )


@hookimpl
def xlbench_task_data() -> Iterator[TaskData]:
    """SIB-200 on the hub: the sentences of FLORES-200, parallel in all languages."""
    yield HubData(
        name="sib200",
        parallel=True,
        task="topic",
        repo="Davlan/sib200",
        about="SIB-200 (Adelani et al. 2024), over FLORES-200, CC BY-SA 4.0",
        configs=SIB,
        columns=("text", "category"),
        decode=decode,
        revision=CONVERTED,
    )
