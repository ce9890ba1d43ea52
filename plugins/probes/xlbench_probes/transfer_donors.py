"""What transfer languages were fine-tuned on: where from, how much, and how the tokenizer cuts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xlbench.contracts import Table
from xlbench.data import domains
from xlbench.probing import counted
from xlbench_probes.transfer import reading_of, run_of
from xlbench_probes.transfer_view import PROBE

if TYPE_CHECKING:
    from xlbench.contracts import Value
    from xlbench_probes.transfer_view import View

READ = {
    "tokens_read": "Tokens read",
    "words_read": "Words read",
    "bytes_read": "Bytes read",
    "times_read": "Times read",
}
"""Of `Lab.read`, by what columns call it."""


def texts(view: View) -> Table | None:
    """Transfer languages by donation, with their texts; None where nothing is known of them."""
    records, name = view.reading.records, view.reading.name
    cut = records.subwords.get(view.task)
    read = _read(view)
    columns: dict[str, list[Value]] = {}
    for f, _ in view.ranked_donors(view.last):
        one = records.texts.get(f)
        words = one.words if one else None
        fertility = cut.text.get(f) if cut else None
        for title, value in {
            "Transfer language": name(f),
            "Seen": view.reading.seen(f),
            "Domain": (one.domain if one else None) or "not known",
            "Lines": one.lines if one else None,
            "Words": words,
            "Words per line": round(words / one.lines, 1) if one and words else None,
            "Tokens per word": None if fertility is None else round(fertility, 2),
            **{title: read.get(f, {}).get(key) for key, title in READ.items()},
        }.items():
            columns.setdefault(title, []).append(value)
    if not records.texts and not read:
        return None
    match = str(records.study.get("match") or "steps")
    if match != "bytes" and None not in columns["Words read"]:
        del columns["Bytes read"]
    columns = {title: x for title, x in columns.items() if any(y is not None for y in x)}
    reference = name(str(records.study.get("reference")))
    how = (
        f"Each step has as many {match} in every language: as many as a step of the study's batch size has "
        f"in text of {reference}."
        if match != "steps"
        else "Each step has the same number of chunks in every language, whatever is in them; --match words "
        "gives all languages as many words."
    )
    return Table(
        f"Text of the transfer languages, {counted(view.last, 'step')}",
        tuple(columns),
        tuple(zip(*columns.values(), strict=True)),
        f"{how} Domain: where the text comes from. Lines and words: of the whole text that is used. Tokens "
        "per word: fertility under the model's tokenizer. Read: by one fine-tuning, mean over seeds, special "
        "tokens left out. Times read: how often the whole text would be read for that; chunks of a text are "
        "drawn without replacement, again and again. Words are what stands between spaces, and blank for "
        "scripts without them. A letter has 1 byte in Latin script without accents, 2 in Cyrillic, Greek, "
        "Arabic or Hebrew, 3 in Indic and East Asian scripts.",
    )


def coincidence(view: View) -> str:
    """What to say where no unseen transfer language shares a domain with a seen one; "" elsewhere."""
    records = view.reading.records
    known = {f: one.domain for f, one in records.texts.items() if one.domain is not None}
    said = domains.coincide(records.seen, known, view.transfer)
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def _read(view: View) -> dict[str, dict[str, float | int]]:
    """By transfer language: what fine-tunings on its plain text, to the largest number of steps, have read;
    means over seeds.
    """
    found: dict[str, dict[int, Mapping[str, float]]] = {}
    for job, cell in view.reading.planned(PROBE, view.task):
        run = run_of(job)
        if run.is_plain and run.steps == view.last and reading_of(job) == view.read_out:
            one = view.reading.evaluation(job, cell)
            if one is not None and "times_read" in one.extra:
                found.setdefault(run.name, {})[run.seed] = one.extra
    return {
        f: {
            key: round(
                sum(x[key] for x in by_seed.values()) / len(by_seed), 2 if key == "times_read" else None
            )
            for key in READ
            if all(key in x for x in by_seed.values())
        }
        for f, by_seed in found.items()
    }
