"""A summary as JSON: a stable shape, described in docs/reference/results.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlbench.output import clean
from xlbench.reporting.parts.numbers import finite, word
from xlbench.reporting.summary_lines import lines

if TYPE_CHECKING:
    from xlbench.contracts import Headline
    from xlbench.reporting.summary import Block, Summary

VERSION = 1
"""Of the shape; raised where something in it is renamed or goes."""


def as_json(summary: Summary) -> dict[str, Any]:
    """Plain data."""
    return {
        "version": VERSION,
        "models": [clean(x) for x in summary.models],
        "findings": [_finding(summary, x, one) for x in summary.blocks for one in (*x.headlines, *x.sure)],
        "checks": [
            {
                **_where(block),
                "name": clean(x.name),
                "short": clean(x.short),
                "outcome": x.outcome,
                "reading": clean(x.reading),
                "text": clean(x.text),
            }
            for block in summary.blocks
            for x in block.checks
        ],
        "warnings": [clean(x) for x in summary.warnings],
        "commands": [clean(x) for x in summary.commands],
        "files": [clean(x) for x in summary.files],
        "lines": [{"label": x.label, "role": x.role, "text": x.text} for x in lines(summary)],
    }


def _where(block: Block) -> dict[str, str]:
    return {"model": clean(block.model), "probe": clean(block.probe), "task": clean(block.task)}


def _finding(summary: Summary, block: Block, one: Headline) -> dict[str, Any]:
    number = one.number
    return {
        **_where(block),
        "role": one.role,
        "text": clean(one.text),
        "target": clean(one.target),
        "target_name": clean(summary.name(one.target)),
        "donor": clean(one.donor),
        "donor_name": clean(summary.name(one.donor)),
        "estimate": None if number is None else finite(number.value),
        "low": None if number is None else finite(number.low),
        "high": None if number is None else finite(number.high),
        "verdict": None if number is None else word(number),
        "minimum_detectable_effect": finite(one.detectable),
        "unit": clean(one.unit),
        "measure": clean(one.measure),
        "reading": clean(one.reading),
        "steps": one.steps,
        "more": one.more,
    }
