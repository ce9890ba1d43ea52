"""A matrix as a heat map."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from xlbench.report.text import CLEAR, EMPTY, clean, clear
from xlbench.results.aside import put, writing

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.contracts import Matrix, Number

_CELL_WIDTH, _CELL_HEIGHT, _SCALE = 52, 30, 1.5


def picture(matrix: Matrix, path: Path) -> None:
    """Write a PNG: blue above 0, red below, the values in the cells, the largest effect at full colour.

    Bold values help or harm by a corrected test; a language's effect on itself is framed; what is missing
    stays white with a dash. Raises ResultsError where it cannot be written.
    """
    import altair as alt

    content = io.BytesIO()
    with alt.data_transformers.enable("default", max_rows=None):
        _chart(matrix).save(content, format="png", scale_factor=_SCALE)
    with writing(path.parent, "--out"):
        path.parent.mkdir(parents=True, exist_ok=True)
        put(path, content.getvalue())


def _chart(matrix: Matrix) -> Any:
    import altair as alt

    cells = [
        _cell(matrix, row, column, number)
        for row, line in zip(matrix.rows, matrix.cells, strict=True)
        for column, number in zip(matrix.columns, line, strict=True)
    ]
    reach = max((abs(x["value"]) for x in cells if x["value"] is not None), default=0) or 1.0
    low = -reach if matrix.diverging else 0.0
    scale = alt.Scale(scheme="redblue" if matrix.diverging else "blues", domain=[low, reach])
    x = alt.X("column:N", sort=[clean(name) for name in matrix.columns], title=clean(matrix.column_title))
    y = alt.Y("row:N", sort=[clean(name) for name in matrix.rows], title=clean(matrix.row_title))
    base = alt.Chart({"values": cells}).encode(
        x=x.axis(orient="top", labelAngle=-45, labelLimit=220), y=y.axis(labelLimit=220, labelPadding=6)
    )
    known, missing = alt.datum.value != None, alt.datum.label == EMPTY  # noqa: E711 - expressions of Vega
    legend = alt.Legend(title=clean(matrix.unit), gradientLength=120)
    layers = [
        base.transform_filter(known)
        .mark_rect()
        .encode(color=alt.Color("value:Q", scale=scale, legend=legend)),
        base.transform_filter(missing).mark_rect(fill="white", stroke="#bbbbbb", strokeDash=[3, 3]),
        base.transform_filter(alt.datum.itself).mark_rect(fillOpacity=0, stroke="black", strokeWidth=2),
        *(
            base.transform_filter(alt.datum.clear == clear)
            .mark_text(fontSize=12, fontWeight="bold" if clear else "normal")
            .encode(
                text="label:N",
                color=alt.condition(
                    abs(alt.datum.value) > 0.7 * reach, alt.value("white"), alt.value("black")
                ),
            )
            for clear in (True, False)
        ),
    ]
    title = alt.TitleParams(
        clean(matrix.title), subtitle=_legend(matrix, cells), anchor="start", fontSize=16, offset=12
    )
    return (
        alt.layer(*layers)
        .properties(
            title=title,
            width=alt.Step(_CELL_WIDTH),
            height=alt.Step(_CELL_HEIGHT),
            padding=16,
            background="white",
        )
        .configure_axis(domain=False, ticks=False, labelFontSize=12, titleFontSize=13, titlePadding=10)
        .configure_view(stroke=None)
        .configure_legend(labelFontSize=11, titleFontSize=12)
    )


def _cell(matrix: Matrix, row: str, column: str, number: Number) -> dict[str, Any]:
    return {
        "row": clean(row),
        "column": clean(column),
        "value": number.value,
        "label": _label(matrix, number),
        "clear": clear(number),
        "itself": row == column and bool(_label(matrix, number)),
    }


def _label(matrix: Matrix, number: Number) -> str:
    if number.value is None:
        return EMPTY if number.missing else ""
    text = f"{number.value:+.1f}" if matrix.diverging else f"{number.value:.1f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "−")


def _legend(matrix: Matrix, cells: list[dict[str, Any]]) -> list[str]:
    """What the marks mean, for those that are there."""
    said = []
    if any(x["clear"] for x in cells):
        said.append(CLEAR)
    if any(x["itself"] for x in cells):
        said.append("framed: a language on itself")
    if any(x["label"] == EMPTY for x in cells):
        said.append(f"{EMPTY}: missing")
    return ["; ".join(said)] if said else []
