"""What recommendations cost: choices of a source language on trial, each target left out of what they know.

    python -m benchmarks.recommend PATH ... [--score COLUMN] [--only COLUMN=VALUE] [--rows sources|targets]
    python -m benchmarks.recommend [--matrices 20]
    python -m benchmarks.recommend --coverage 200

Each PATH is a published matrix (the formats of xpos, NN-Rank, the Linguistic Blood Bank and ATLAS, as
`xlbench import` reads them; a wide one whose first cell does not say what its rows are as PATH@sources or
PATH@targets, or with --rows), or a folder of xlbench's own results. Without a PATH, matrices are made up
whose truth is known: levels of targets, qualities of sources, and what is special of the pair, by distance or
not. `--coverage` makes that many of each world, and counts how often the shortlist of an unmeasured target
has a source within 5% of the best, and its prediction intervals hold its effects; both promise 90%.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xlbench.contracts import Records
from xlbench.data.matrices import ROWS, Rows, read
from xlbench.errors import XlbenchError
from xlbench.plugins import load
from xlbench.results import Store
from xlbench.scores.choices import best_donor, centred_donor, is_close, own_effects
from xlbench.scores.predict import Predictor
from xlbench.scores.shortlist import checked, shortlisted
from xlbench_probes.transfer_features import apart, pair_features

if TYPE_CHECKING:
    from xlbench.plugins import Registry
    from xlbench.scores.choices import Chooser
    from xlbench.scores.crossed import Pair

OURS, BEST = "xlbench", "best donor overall"
TRUTH = "who knows all that can be known"
"""Of a made-up matrix: the truth, but for what is special of a pair and known to nobody, and noise."""


class Panel(NamedTuple):
    """A matrix on trial."""

    name: str
    unit: str
    effects: Mapping[Pair, float]
    features: Mapping[str, Mapping[Pair, float]]
    apart: Mapping[Pair, float]
    knowable: Mapping[Pair, float] = MappingProxyType({})
    """Of a made-up one: what of each effect follows from the source and the distance."""


class World(NamedTuple):
    """A made-up matrix: shares of its variance, which add up to 1 with noise."""

    name: str
    sources: int
    targets: int
    additive: float
    """Of levels and qualities, 4 to 1."""
    distance: float
    """Of what a known distance says of the pair."""
    hidden: float
    """Of what is special of the pair, and known to nobody."""


WORLDS = (
    World("additive", 20, 30, 0.95, 0.0, 0.0),
    World("distances say the rest", 20, 30, 0.88, 0.09, 0.0),
    World("distances say half of the rest", 20, 30, 0.88, 0.05, 0.04),
    World("distances mislead", 20, 30, 0.88, 0.0, 0.09),
    World("few languages", 8, 12, 0.8, 0.1, 0.05),
)
SPREAD = 20.0
"""Standard deviation of a made-up matrix, in points."""


def made(world: World, seed: int, more: int = 0) -> tuple[Panel, dict[Pair, float]]:
    """A made-up matrix; with `more`, so many further targets that it does not have, and effects on them."""
    rng = np.random.default_rng([seed, *map(ord, world.name)])
    names = [f"s{i:02}" for i in range(world.sources)]
    targets = [*names[: world.targets // 2], *(f"t{i:02}" for i in range(world.targets // 2, world.targets))]
    targets += [f"u{i:02}" for i in range(more)]
    everyone = list(dict.fromkeys([*names, *targets]))
    at = {x: rng.normal(size=2) for x in everyone}
    far = {(a, b): float(np.linalg.norm(at[a] - at[b])) for a in everyone for b in everyone}
    level, quality = rng.normal(size=len(targets)), rng.normal(size=len(names))
    by_distance = np.array([[-far[f, g] for g in targets] for f in names])
    hidden = rng.normal(size=(len(names), 3)) @ rng.normal(size=(3, len(targets)))
    noise = max(0.0, 1 - world.additive - world.distance - world.hidden)
    y = (world.additive * 0.8) ** 0.5 * level + ((world.additive * 0.2) ** 0.5 * quality)[:, None]
    y = y + world.distance**0.5 * _special(by_distance)
    knowable = {(f, g): SPREAD * float(y[i, j]) for i, f in enumerate(names) for j, g in enumerate(targets)}
    y = y + world.hidden**0.5 * _special(hidden)
    y = 50 + SPREAD * (y + noise**0.5 * rng.normal(size=y.shape))
    effects = {(f, g): float(y[i, j]) for i, f in enumerate(names) for j, g in enumerate(targets) if f != g}
    known = {pair: x for pair, x in effects.items() if not pair[1].startswith("u")}
    features = {"made-up distance": {pair: far[pair] for pair in effects}}
    return Panel(f"made up: {world.name}", "points", known, features, far, knowable), {
        pair: x for pair, x in effects.items() if pair not in known
    }


def _special(x: np.ndarray) -> np.ndarray:
    """Without what is of one side alone, with variance 1."""
    rest = x - x.mean(axis=0) - x.mean(axis=1, keepdims=True) + x.mean()
    return np.asarray(rest / rest.std())


@cache
def _registry() -> Registry:
    return load()


def published(path: str, rows: Rows | None, column: str | None, only: Mapping[str, str]) -> Panel:
    """A file's matrix, with what the installed plugins know of its languages. Raises DataError."""
    place, at, said = path.rpartition("@")
    if at and said in ROWS:
        path, rows = place, "sources" if said == "sources" else "targets"
    registry = _registry()
    found = read(Path(path), rows=rows, column=column, only=only, known=registry.languages, skip_unknown=True)
    languages = {
        x: registry.languages[x] for x in (*found.sources, *found.targets) if x in registry.languages
    }
    records = Records((), (), {}, {}, {}, languages, {}, tuple(registry.distances))
    features = pair_features(records, "", list(found.scores))
    left_out = f"; no languages: {', '.join(found.skipped)}" if found.skipped else ""
    name = f"{found.name} ({found.layout}{left_out})"
    return Panel(name, "the file's unit", found.scores, features, apart(records, found.targets))


def stored(folder: Path) -> Iterator[Panel]:
    """Effects of the last study of a folder, by task and reading, at the largest number of steps."""
    from xlbench.probing import Reading
    from xlbench_probes.transfer_view import PROBE, View, read_outs

    store = Store(folder).existing()
    metrics = {name: x.metric for name, x in _registry().tasks.items()}
    reading = Reading(store.records(metrics, None))
    for task in reading.tasks(PROBE):
        for read_out in read_outs(reading, task):
            view = View.of(reading, task, read_out)
            effects, features = view.known_pairs(view.last)
            if effects:
                name = f"{folder}: {task}, {read_out}, {view.last} steps"
                between = apart(reading.records, view.targets)
                yield Panel(name, view.metric.unit, effects, features, between)


def rules(panel: Panel, predictor: Predictor) -> dict[str, Chooser]:
    """The choices on trial, by name."""

    def ours(_: object, target: str, candidates: Sequence[str]) -> Mapping[str, float]:
        said = predictor.left_out[target].order
        return {f: said[f] for f in candidates if f in said}

    def random(_: object, target: str, candidates: Sequence[str]) -> Mapping[str, float]:
        return dict.fromkeys(candidates, 0.0)

    def english(_: object, target: str, candidates: Sequence[str]) -> Mapping[str, float]:
        return {f: 0.0 for f in candidates if f == "eng"}

    def nearest(table: Mapping[Pair, float]) -> Chooser:
        return lambda _, target, candidates: {
            f: -table[f, target] for f in candidates if (f, target) in table
        }

    def kin(_: object, target: str, candidates: Sequence[str]) -> Mapping[str, float]:
        tables = [panel.features.get(x, {}) for x in ("same genus", "same family")]
        return {
            f: sum(x[f, target] for x in tables) for f in candidates if all((f, target) in x for x in tables)
        }

    def truth(_: object, target: str, candidates: Sequence[str]) -> Mapping[str, float]:
        return {f: panel.knowable[f, target] for f in candidates if (f, target) in panel.knowable}

    near = {
        f"nearest by {name}": nearest(table)
        for name, table in panel.features.items()
        if name.endswith("distance")
    }
    return {
        "random": random,
        "English": english,
        "nearest by genus and family": kin,
        **near,
        BEST: best_donor,
        f"{BEST}, centred by target": centred_donor,
        OURS: ours,
        TRUTH: truth,
    }


class Cost(NamedTuple):
    """What a choice comes to on each target."""

    lost: np.ndarray
    """Shape (targets,), in the matrix' unit."""
    close: float
    """Share of targets, in percent, whose choice is within 5% of the best."""
    known: int
    """Targets of which the rule knows anything; at the others it chooses at random."""


def cost(panel: Panel, targets: Sequence[str], choose: Chooser) -> Cost:
    """See `Cost`. Among sources that the rule ranks first alike, the mean."""
    lost, close, known = [], 0.0, 0
    for target in targets:
        own = own_effects(panel.effects, target)
        said = choose(panel.effects, target, list(own)) or {}
        known += bool(said)
        top = [own[f] for f, x in said.items() if x == max(said.values())] or list(own.values())
        best = max(own.values())
        lost.append(best - float(np.mean(top)))
        close += float(np.mean([is_close(x, best) for x in top]))
    return Cost(np.array(lost), 100 * close / max(1, len(targets)), known)


def trial(panel: Panel) -> str:
    """A panel's tables, in Markdown."""
    predictor = Predictor(panel.effects, panel.features, panel.apart)
    targets = list(predictor.left_out)
    sizes = [len(own_effects(panel.effects, g)) for g in targets]
    found = {name: cost(panel, targets, rule) for name, rule in rules(panel, predictor).items()}
    lines = [
        f"\n{panel.name}\n",
        f"{len(predictor.sources)} sources, {len(targets)} targets, {sum(sizes)} pairs of two languages; "
        f"{_additive(panel):.0f}% of their variance is of levels of targets and qualities of sources.\n",
        f"| choice | lost ({panel.unit}) | within 5% of the best | targets known |",
        "|---|---|---|---|",
        *(
            f"| {name} | {x.lost.mean():.3g} | {x.close:.0f}% | {x.known} |"
            for name, x in found.items()
            if x.known
        ),
    ]
    apart_ = found[BEST].lost - found[OURS].lost
    low, high = _interval(apart_)
    lines.append(
        f"\n{BEST} minus {OURS}: {apart_.mean():+.3g} (95% CI {low:+.3g} to {high:+.3g}, over targets); "
        f"positive: {OURS} loses less."
    )
    tried = checked(panel.effects, predictor)
    mean = float(np.mean(sizes))
    lines.append(
        f"Shortlists: {tried.held} of {tried.targets} have a source within 5% of the best; {tried.size:.1f} "
        f"of {mean:.1f} sources on average ({100 * tried.size / mean:.0f}%). {tried.covered:.0f}% of effects "
        "are in their 90% prediction intervals."
    )
    return "\n".join(lines)


def trials(world: World, count: int) -> str:
    """A row: means over so many made-up matrices of a world, the interval over matrices."""
    found: dict[str, list[float]] = {}
    lists: list[tuple[float, float]] = []
    for seed in range(count):
        panel, _ = made(world, seed)
        predictor = Predictor(panel.effects, panel.features, panel.apart)
        targets = list(predictor.left_out)
        for name, rule in rules(panel, predictor).items():
            found.setdefault(name, []).append(float(cost(panel, targets, rule).lost.mean()))
        tried = checked(panel.effects, predictor)
        lists.append((100 * tried.held / tried.targets, tried.size))
    low, high = _interval(np.array(found[BEST]) - np.array(found[OURS]))
    means = " | ".join(f"{np.mean(found[x]):.1f}" for x in MADE)
    held, size = np.mean(lists, axis=0)
    gain = np.mean(found[BEST]) - np.mean(found[OURS])
    return (
        f"| {world.name} | {world.sources} x {world.targets} | {means} | "
        f"{gain:+.2f} [{low:+.2f}, {high:+.2f}] | {held:.0f}% | {size:.1f} |"
    )


MADE = ("random", "nearest by made-up distance", BEST, f"{BEST}, centred by target", OURS, TRUTH)


def _additive(panel: Panel) -> float:
    """Share of the variance, in percent, that levels and qualities explain (least squares)."""
    pairs = [pair for pair in panel.effects if pair[0] != pair[1]]
    y = np.array([panel.effects[pair] for pair in pairs])
    columns = [
        [float(pair[place] == x) for pair in pairs] for place in (0, 1) for x in {p[place] for p in pairs}
    ]
    x = np.array(columns).T
    fitted = x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(100 * (1 - ((y - fitted) ** 2).sum() / max(1e-12, ((y - y.mean()) ** 2).sum())))


def _interval(values: np.ndarray) -> tuple[float, float]:
    """95% CI of a mean, by a bootstrap over targets."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (2000, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def coverage(world: World, count: int, more: int = 4) -> str:
    """A row: how often the promises hold for targets that were never measured, and how long lists are."""
    held: list[bool] = []
    sizes: list[int] = []
    inside: list[float] = []
    for seed in range(count):
        panel, new = made(world, seed, more)
        predictor = Predictor(panel.effects, panel.features, panel.apart, list(new))
        for target in dict.fromkeys(g for _, g in new):
            own = own_effects(new, target)
            found = shortlisted(panel.effects, predictor, target, list(own))
            held.append(any(is_close(own[f], max(own.values())) for f in found.listed))
            sizes.append(len(found.listed))
            inside.append(
                float(np.mean([abs(own[f] - x) <= found.reach for f, x in found.predicted.items()]))
            )
    return (
        f"| {world.name} | {world.sources} x {world.targets} | {100 * np.mean(held):.1f}% | "
        f"{np.mean(sizes):.1f} | {100 * np.mean(inside):.1f}% |"
    )


def main(said: Sequence[str] | None = None) -> int:
    """See the module. Gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("paths", nargs="*", metavar="PATH")
    parser.add_argument("--score", metavar="COLUMN")
    parser.add_argument("--only", action="append", default=[], metavar="COLUMN=VALUE")
    parser.add_argument("--rows", choices=ROWS)
    parser.add_argument("--matrices", type=int, default=20, metavar="N")
    parser.add_argument("--coverage", type=int, default=0, metavar="N")
    asked = parser.parse_args(said)
    try:
        only = dict(x.split("=", 1) for x in asked.only if "=" in x)
        if asked.coverage:
            print("| world | size | shortlist holds | mean length | intervals hold |\n|---|---|---|---|---|")
            for world in WORLDS:
                print(coverage(world, asked.coverage), flush=True)
            return 0
        if not asked.paths:
            heads = (*MADE, f"{BEST} minus {OURS}", "shortlists hold", "mean length")
            print(f"| world | size | {' | '.join(heads)} |\n|{'---|' * (len(heads) + 2)}")
            for world in WORLDS:
                print(trials(world, asked.matrices), flush=True)
        for panel in _panels(asked.paths, asked.rows, asked.score, only):
            print(trial(panel), flush=True)
    except XlbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _panels(
    paths: Sequence[str], rows: Rows | None, column: str | None, only: Mapping[str, str]
) -> Iterable[Panel]:
    for path in paths:
        if Path(path).is_dir():
            yield from stored(Path(path))
        else:
            yield published(path, rows, column, only)


if __name__ == "__main__":
    sys.exit(main())
