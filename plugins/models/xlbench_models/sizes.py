"""How much text of each language published models were pretrained on, as far as it is published."""

from __future__ import annotations

from xlbench.contracts import PretrainingSizes

_CC100 = """
afr 1.3, amh 0.8, ara 28, asm 0.1, aze 6.5, bel 4.3, ben 8.4, bos 0.1, bre 0.1, bul 57.5, cat 10.1,
ces 16.3, cym 0.8, dan 45.6, deu 66.6, ell 46.9, eng 301, epo 0.9, est 6.1, eus 2, fas 112,
fin 54.3, fra 56.8, fry 0.2, gla 0.1, gle 0.5, glg 2.9, guj 1.9, hau 0.3, heb 31.6, hin 20.2,
hrv 20.5, hun 58.4, hye 5.5, ind 148, isl 3.2, ita 30.2, jav 0.2, jpn 69.3, kan 3.3, kat 9.1,
kaz 6.4, khm 1.5, kir 1.2, kmr 0.4, kor 54.2, kur 0.4, lao 0.6, lat 2.5, lav 8.8, lit 13.7,
mal 7.6, mar 2.8, mkd 4.8, mlg 0.2, mon 3, msa 8.5, mya 2, nep 3.8, nld 29.3, nob 49, nor 49,
ori 0.6, orm 0.1, pan 0.8, pol 44.6, por 49.1, pus 0.7, ron 61.4, rus 278, san 0.3, sin 3.6,
slk 23.2, slv 10.3, snd 0.4, som 0.4, spa 53.3, sqi 5.4, srp 9.1, sun 0.1, swa 1.6, swe 85,
tam 12.2, tel 4.7, tgl 3.1, tha 71.7, tur 20.9, uig 0.4, ukr 84.6, urd 5.7, uzb 0.7, vie 137,
xho 0.1, yid 0.3, zho 63.5
"""
_WIKIPEDIA = """
afr 141, ara 1580, arg 31.2, ast 351, azb 105, aze 262, bak 145, bar 20.6, bel 361, ben 448,
bos 105, bpy 31.3, bre 43.3, bul 700, cat 1230, ceb 2890, ces 825, che 206, chv 32.1, cym 80,
dan 373, deu 5990, ell 813, eng 14200, est 257, eus 305, fas 846, fin 743, fra 4420, fry 72.8,
gle 32.6, glg 297, guj 83.5, hat 12.7, hbs 340, heb 1230, hin 378, hrv 317, hun 839, hye 161,
ido 24.6, ind 606, isl 52, ita 3050, jav 38.8, jpn 3650, kan 232, kat 427, kaz 333, kir 120,
kor 1520, lat 63.2, lav 128, lit 206, lmo 25.2, ltz 42.6, mal 281, mar 107, min 80.1, mkd 380,
mlg 43.2, mon 57.9, msa 245, mya 134, nds 52.4, nep 66.4, new 95.6, nld 1720, nno 148, nob 624,
nor 772, oci 82.5, pan 90.9, pms 22.1, pnb 92.4, pol 1730, por 1690, ron 469, rus 6240, scn 11.3,
sco 32.3, slk 228, slv 242, spa 3730, sqi 116, srp 937, sun 29.6, swa 35.2, swe 2100, tam 477,
tat 117, tel 373, tgk 69.4, tgl 48.6, tha 512, tur 486, ukr 2750, urd 173, uzb 81, vie 806,
vol 66.8, war 327, yor 6.43, zho 1550
"""


def _table(text: str) -> dict[str, float]:
    return {code: float(size) for code, size in (x.split() for x in text.split(","))}


CC100 = PretrainingSizes(
    unit="GiB of CC-100",
    source=(
        "Conneau et al. 2020 (arXiv 1911.02116), table 6, with its authors' corrections as compiled in "
        "github.com/mayhewsw/multilingual-data-stats, cc-100/cc-100.csv; traditional and simplified "
        "Chinese, and both encodings of Burmese, are added up, romanized text is left out"
    ),
    table=_table(_CC100),
)
WIKIPEDIA = PretrainingSizes(
    unit="MB of Wikipedia",
    source=(
        "text of the Wikipedia dump of October 2020, github.com/mayhewsw/multilingual-data-stats, "
        "wiki/wiki.csv; it stands for the dump of 2018 that mBERT was pretrained on, in samples"
    ),
    table=_table(_WIKIPEDIA),
)
