"""A stored study as one object: what was found as tables and charts, for scripts and notebooks."""

from __future__ import annotations

import html
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlbench.errors import ResultsError
from xlbench.frames import Tables
from xlbench.output import clean
from xlbench.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Iterable

    import altair as alt
    import pandas as pd

    from xlbench.contracts import Page

QUESTION = (
    "Which language should I adapt on to help this one, on this task, with this model, and what gets hurt?"
)


@dataclass(frozen=True)
class Result:
    """What a study found. Everything is read from its folder when it is first asked for."""

    results: Path
    """The folder."""
    study_id: str
    plugins: tuple[object, ...] = field(default=(), repr=False)
    """Those that are not installed, as `xlbench.run` takes them."""

    @cached_property
    def stored(self) -> Stored:
        """The study as it is stored. What cannot be read is a UserWarning each."""
        read = Stored(self.results, self.study_id, self.plugins)
        for line in read.unread():
            warnings.warn(line, stacklevel=2)
        return read

    @cached_property
    def tables(self) -> Tables:
        """By name, as the study's probes offer them."""
        found = Tables(self.stored)
        for line in found.problems:
            warnings.warn(line, stacklevel=2)
        return found

    @property
    def pages(self) -> list[Page]:
        """As `xlbench show` prints them. What cannot be made is a UserWarning each."""
        for line in self.stored.problems:
            warnings.warn(line, stacklevel=2)
        return [page for _, page in self.stored.pages]

    def frame(self, name: str, *, probe: str | None = None, **where: Any) -> pd.DataFrame:
        """A tidy table by name (`result.tables.names` has all), one row per number; only rows with these
        values in their columns, such as `task="pos"`. `probe` is needed where two probes have a table of that
        name. Raises ResultsError, also for a value that no row has.
        """
        table = self.tables.frame(name, probe)
        for column, value in where.items():
            if column not in table.columns:
                raise ResultsError(
                    f"the table {name!r} has no column {column!r}; it has: {', '.join(table.columns)}"
                )
            found = table[column].isna() if value is None else table[column] == value
            if not table.empty and not found.any():
                known = ", ".join(dict.fromkeys(map(str, table[column])))
                raise ResultsError(f"the table {name!r} has no {column} {value!r}; it has: {known}")
            table = table[found].reset_index(drop=True)
        return table

    def effects(self, **where: Any) -> pd.DataFrame:
        """The effect of each transfer language on each target: columns model, task, transfer, target,
        steps, reading, own_text (whether it is the target's own text), effect with its 95% interval from low
        to high, q, verdict, n (test examples), seeds, and more.
        """
        return self.frame("effects", **where)

    def donations(self, **where: Any) -> pd.DataFrame:
        """The mean effect of each transfer language on all targets but itself."""
        return self.frame("donations", **where)

    def interference(self, **where: Any) -> pd.DataFrame:
        """What the adapter of a partner language does to the score of a language with its own."""
        return self.frame("interference", **where)

    def scores(self) -> pd.DataFrame:
        """Every stored score of the study, as `xlbench.load_results` gives them."""
        from xlbench.stored import load_results

        return load_results(self.results, self.study_id, plugins=self.plugins)

    def predictions(self) -> pd.DataFrame:
        """What was predicted of each example, of a study that kept predictions (`keep_predictions`): gold and
        predicted as JSON, whether that is correct (empty where only the metric can say), the metric's
        statistics, and the condition. Jobs without any are a UserWarning.
        """
        from xlbench.stored import read_predictions

        table, lines = read_predictions(self.results, self.study_id, self.plugins)
        for line in lines:
            warnings.warn(line, stacklevel=2)
        return table

    def heatmap(self, table: str | pd.DataFrame = "effects", **where: Any) -> alt.TopLevelMixin:
        """Who helps whom: a matrix of a table's effects, by its two columns of languages. At the most steps,
        in the first task and reading, unless `where` says otherwise.
        """
        from xlbench.reporting import frame_charts

        frame = self._chosen(table, where)
        rows, columns = next(
            (pair for pair in _SIDES if set(pair) <= {*frame.columns}), ("transfer", "target")
        )
        # Targets whose own text alone was trained on have no row of their own.
        if "own_text" in frame.columns:
            frame = frame[frame[rows].isin(frame[~frame["own_text"]][rows])]
        return frame_charts.heat_map(frame, rows, columns, self._title("Effect", frame), self.name)

    def ranking(self, table: str | pd.DataFrame = "donations", **where: Any) -> alt.TopLevelMixin:
        """Transfer languages by their mean effect, with intervals; rows as in `heatmap`."""
        from xlbench.reporting import frame_charts

        frame = self._chosen(table, where)
        return frame_charts.ranking(frame, _first(frame), self._title(_what(frame), frame), self.name)

    def curves(self, table: str | pd.DataFrame = "donations", **where: Any) -> alt.TopLevelMixin:
        """The same over steps."""
        from xlbench.reporting import frame_charts

        frame = self._chosen(table, {"steps": ..., **where})
        return frame_charts.curves(frame, _first(frame, "steps"), self._title(_what(frame), frame), self.name)

    def to_latex(self, table: str | pd.DataFrame = "donations", *, caption: str = "", **where: Any) -> str:
        """A table for a paper, with the package booktabs: rounded as on the pages, names of languages beside
        their codes, everything that LaTeX would obey escaped. `table` is a name, or what `frame` gave.
        """
        from xlbench.reporting import paper

        return paper.latex(self._table(table, where), caption, self.name)

    def to_markdown(self, table: str | pd.DataFrame = "donations", *, caption: str = "", **where: Any) -> str:
        """The same in GitHub's markdown."""
        from xlbench.reporting import paper

        return paper.markdown(self._table(table, where), caption, self.name)

    def name(self, code: str) -> str:
        """A language's name with its code, "Finnish (fin)"; of "deu+tur" each; otherwise the same."""
        return self.stored.name(code)

    def _repr_html_(self) -> str:
        """The question, the answer, and where the files are."""
        from xlbench.reporting.summary_lines import lines

        title, *others = lines(self.stored.summary, width=160)
        items = "".join(f"<li>{_quoted(f'{x.label}: {x.text}' if x.label else x.text)}</li>" for x in others)
        files = [self.results, *(x for x in (self.results / "report.html",) if x.is_file())]
        where = ", ".join(f"<code>{_quoted(str(x))}</code>" for x in files)
        tables = ", ".join(f"<code>{_quoted(x)}</code>" for x in self.tables.names) or "none"
        return (
            f"<div><p><b>{_quoted(QUESTION)}</b></p><p>{_quoted(title.text)}</p><ul>{items}</ul>"
            f"<p>Study {_quoted(self.study_id)}; tables: {tables}; files: {where}</p></div>"
        )

    def _table(self, table: str | pd.DataFrame, where: dict[str, Any]) -> pd.DataFrame:
        if isinstance(table, str):
            return self.frame(table, **where)
        if where:
            raise ResultsError("rows are chosen of a table that is named; of your own, choose them before")
        return table

    def _chosen(self, table: str | pd.DataFrame, where: dict[str, Any]) -> pd.DataFrame:
        """Rows of one chart."""
        frame = self._table(table, {k: v for k, v in where.items() if v is not ...})
        if not isinstance(table, str) or frame.empty:
            return frame
        for column in _ONE_OF:
            if column in frame.columns and column not in where and frame[column].notna().any():
                most = column == "steps"
                value = frame[column].max() if most else frame[column].dropna().iloc[0]
                frame = frame[frame[column] == value]
        return frame.reset_index(drop=True)

    def _title(self, what: str, frame: pd.DataFrame) -> str:
        """Names what a picture needs to be read alone: model, task, steps, n and seeds."""
        said = []
        for column, form in _SAID.items():
            if column in frame.columns and (span := _span(frame[column])):
                said.append(form.format(span).removesuffix("s" if span == "1" and form in _COUNTED else ""))
        return clean(f"{what}: {', '.join(said)}")


_ONE_OF = ("task", "steps", "reading", "composition", "order")
"""Columns of which a chart shows one value."""
_COUNTED = ("{} steps", "{} seeds")
_SAID = {
    "model": "{}", "task": "{}", "steps": "{} steps", "reading": "task adapter {}", "composition": "{}",
    "order": "{} order", "n": "n = {}", "seeds": "{} seeds",
}  # fmt: skip
"""How a title says what a column has."""
_LANGUAGES = ("transfer", "adapter", "partners", "target", "language")
"""Columns of languages."""
_SIDES = (("transfer", "target"), ("partners", "language"), ("adapter", "target"))
"""Columns that are rows and columns of a heat map."""


def open_results(
    path: str | Path = "results", study: str | None = None, *, plugins: Iterable[object] = ()
) -> Result:
    """The last started study of a folder of results, or one by its id, as `xlbench.run` gives it.
    Raises ResultsError.
    """
    from xlbench.results import Store

    return Result(Path(path), Store(Path(path)).study(study).id, tuple(plugins))


def _first(frame: pd.DataFrame, *beside: str) -> str:
    """The column of languages that a chart has one row for: the first that tells rows apart, with others."""
    there = [x for x in _LANGUAGES if x in frame.columns]
    apart = (x for x in there if not frame.duplicated([x, *(y for y in beside if y in frame.columns)]).any())
    return next(apart, there[0] if there else _LANGUAGES[0])


def _what(frame: pd.DataFrame) -> str:
    """What the effects of a table are."""
    return "Effect" if any({*pair} <= {*frame.columns} for pair in _SIDES) else "Mean effect"


def _span(column: pd.Series[Any]) -> str:
    """The one value, or the lowest and highest number; "" for none."""
    known = column.dropna()
    if known.empty:
        return ""
    values = sorted(known.unique())
    if len(values) == 1:
        return str(values[0])
    return f"{values[0]} to {values[-1]}" if not isinstance(values[0], str) else ""


def _quoted(text: str) -> str:
    return html.escape(clean(text))
