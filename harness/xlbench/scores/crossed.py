"""What predicts the effect: a linear model with crossed random transfer and target languages."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from xlbench.contracts import Number
from xlbench.scores.estimate import LEVEL
from xlbench.scores.significance import words

Pair: TypeAlias = tuple[str, str]
"""Transfer language, target language."""

FEWEST = 4
"""Transfer languages, and target languages, below which nothing is fitted."""


class Term(NamedTuple):
    """One predictor's part in the effects."""

    name: str
    varies: str
    """With what it varies: "transfer", "target" or "pair"."""
    number: Number
    """Change of the effect, in points: from no to yes, or for one standard deviation of the predictor."""


class Crossed(NamedTuple):
    """A fitted model."""

    terms: tuple[Term, ...]
    deviations: Mapping[str, float]
    """Standard deviations, in points, of what is left: between transfer languages, between targets, rest."""
    left_out: Mapping[str, str]
    """Predictors that are not in the model, and why."""


def crossed(effects: Mapping[Pair, float], predictors: Mapping[str, Mapping[Pair, float]]) -> Crossed | None:
    """Effect = predictors + random transfer language + random target language + rest, by REML.

    Crossed random effects (Baayen, Davidson & Bates 2008), fitted by statsmodels as variance components of
    one group. Tests are Student's t with the degrees of freedom of the level at which a predictor varies
    (Schluchter & Elashoff 1990), corrected over the predictors. None where languages are too few to say
    anything, or the fit fails. `predictors` are in order of priority: of those that vary with one level the
    last are left out until a degree of freedom is left.
    """
    pairs = list(effects)
    names = [list(dict.fromkeys(pair[i] for pair in pairs)) for i in (0, 1)]
    if min(map(len, names)) < FEWEST:
        return None
    frame = pd.DataFrame(pairs, columns=["transfer", "target"])
    levels = {
        "transfer": len(names[0]),
        "target": len(names[1]),
        "pair": len(pairs) - sum(map(len, names)) + 1,
    }
    columns, varies, left_out = _columns(frame, predictors, {x: n - 2 for x, n in levels.items()})
    freedom = {x: n - 1 - sum(v == x for v in varies.values()) for x, n in levels.items()}
    fitted = _fit(frame, np.array(list(effects.values())), columns)
    if fitted is None:
        return None
    values, errors, deviations = fitted
    return Crossed(_terms(columns, varies, freedom, values, errors), deviations, left_out)


def _columns(
    frame: pd.DataFrame, predictors: Mapping[str, Mapping[Pair, float]], room: Mapping[str, int]
) -> tuple[dict[str, np.ndarray], dict[str, str], dict[str, str]]:
    """Usable predictors, with what they vary, both by name; those that are not, with the reason.

    `room`: how many there may be at each level, the first ones.
    """
    pairs: list[Pair] = list(frame.itertuples(index=False, name=None))
    found: dict[str, np.ndarray] = {}
    varies: dict[str, str] = {}
    left_out: dict[str, str] = {}
    matrix = np.ones((len(pairs), 1))
    for name, table in predictors.items():
        if unknown := sum(pair not in table for pair in pairs):
            left_out[name] = f"not known of {unknown} pairs"
            continue
        column = np.array([table[pair] for pair in pairs], dtype=np.float64)
        if not set(column) <= {0.0, 1.0} and column.std() > 0:
            column = (column - column.mean()) / column.std()
        wider = np.column_stack([matrix, column])
        if np.linalg.matrix_rank(wider) < wider.shape[1]:
            left_out[name] = "the same for all pairs" if np.ptp(column) == 0 else "told by the others"
            continue
        level = _varies(frame, column)
        if sum(x == level for x in varies.values()) >= room[level]:
            left_out[name] = _FEW[level]
            continue
        found[name], varies[name], matrix = column, level, wider
    return found, varies, left_out


_FEW = {
    "transfer": "too few transfer languages for one more",
    "target": "too few target languages for one more",
    "pair": "too few pairs for one more",
}


def _varies(frame: pd.DataFrame, column: np.ndarray) -> str:
    one = frame.assign(x=column)
    for level in ("transfer", "target"):
        if (one.groupby(level)["x"].nunique() == 1).all():
            return level
    return "pair"


def _fit(
    frame: pd.DataFrame, effects: np.ndarray, columns: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, dict[str, float]] | None:
    from statsmodels.regression.mixed_linear_model import MixedLM

    data = frame.assign(effect=effects, all=1, **{f"x{i}": x for i, x in enumerate(columns.values())})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a variance of 0 lies on the boundary, which it warns of
        try:
            fit = MixedLM.from_formula(
                " + ".join(["effect ~ 1", *(f"x{i}" for i in range(len(columns)))]),
                data=data,
                groups="all",
                vc_formula={"transfer": "0 + C(transfer)", "target": "0 + C(target)"},
                use_sparse=True,
            ).fit(reml=True, method="powell")
        except (np.linalg.LinAlgError, ValueError):
            return None
    parts = dict(zip(fit.model.exog_vc.names, fit.vcomp, strict=True)) | {"rest": fit.scale}
    errors = np.asarray(fit.bse_fe)
    if not np.isfinite(errors).all():
        return None
    return np.asarray(fit.fe_params), errors, {name: float(x) ** 0.5 for name, x in parts.items()}


def _terms(
    columns: Mapping[str, np.ndarray],
    varies: Mapping[str, str],
    freedom: Mapping[str, int],
    values: np.ndarray,
    errors: np.ndarray,
) -> tuple[Term, ...]:
    from scipy.special import stdtr, stdtrit

    found = []
    for name, value, error in zip(columns, values[1:], errors[1:], strict=True):
        n = freedom[varies[name]]
        reach = float(stdtrit(n, (1 + LEVEL) / 2)) * error
        p = 2 * float(stdtr(n, -abs(value) / error))
        number = Number(float(value), float(value - reach), float(value + reach), signed=True)
        found.append((Term(name, varies[name], number), p))
    said = words([(p, term.number.value or 0.0) for term, p in found])
    return tuple(
        term._replace(number=replace(term.number, word=word))
        for (term, _), word in zip(found, said, strict=True)
    )
