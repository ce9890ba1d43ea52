"""A summary in at most ten lines that fit a terminal: what was asked comes first, and what does not fit is
counted. No number is broken in two, and every number has its interval and its mark.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from xlbench.contracts import Number, Role
from xlbench.output import clean, counted

if TYPE_CHECKING:
    from xlbench.contracts import Headline
    from xlbench.reporting.summary import Block, Summary

MOST = 10
"""Lines."""
WIDTH = 80
"""Columns."""
HELPS, HARMS, UNCLEAR = "▲", "▼", "·"
MARKS = {"helps": HELPS, "harms": HARMS, "no clear effect": UNCLEAR}
"""By verdict, wherever one is shown in few columns; together with colour."""
_LABELS = 14
"""Most columns of a label."""

Kind: TypeAlias = Role | Literal["title", "warning", "check failed", "check", "next step", "files"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a label, which may be empty, and a text."""

    label: str
    role: Kind
    text: str


def lines(summary: Summary, width: int = WIDTH, most: int = MOST) -> list[Line]:
    """The summary in lines of `width` columns, a label of the same width before each but the title. Commands
    and paths alone may be longer: they are never cut.
    """
    if not summary.blocks:
        return [
            Line(
                "", "title", "Nothing to sum up: there are no results yet, or their probes are not installed."
            ),
            *_foot(summary, width),
        ][:most]
    column = _column(summary)
    room = width - column
    above, below = [*_title(summary, width)], [*_checks(summary, room), *_basis(summary, room)]
    below += _foot(summary, room)
    return [*above, *_findings(summary, room, max(1, most - len(above) - len(below))), *below]


def padded(each: Iterable[Line]) -> list[tuple[str, Line]]:
    """Each line's label as wide as the widest, "" for a title's."""
    from rich.cells import cell_len

    found = list(each)
    column = max((cell_len(x.label) for x in found), default=0) + 2
    return [("" if x.role == "title" else x.label + " " * (column - cell_len(x.label)), x) for x in found]


def _column(summary: Summary) -> int:
    """Columns that labels take, with the space after them."""
    labels = ("Checks", *(_label(summary, x) for x in summary.blocks))
    return min(_LABELS, max(map(_cells, labels))) + 2


def _label(summary: Summary, block: Block) -> str:
    """A task, with its model where there are several."""
    task = clean(block.task or "all tasks")
    text = task if len(summary.models) < 2 else f"{task} {clean(block.model)}"
    return _cut(text, _LABELS)


def _title(summary: Summary, width: int) -> Iterator[Line]:
    models = summary.models
    many = f"{len(models)} models" if len(models) > 3 else ", ".join(map(clean, models))
    first = next((x for x in summary.blocks if x.verdicts), None)
    if first is None:
        yield Line("", "title", _cut(many, width))
        return
    steps = {x.steps for x in summary.blocks if x.steps is not None}
    after = f", {counted(steps.pop(), 'step')}" if len(steps) == 1 else ""
    what = f": {_reading(summary) or 'change'} in {_unit(summary)} [95% CI]"
    tested = any(x.role in MARKS for one in summary.blocks for x in one.verdicts)
    legends = [
        f"; {HELPS} helps {HARMS} harms {UNCLEAR} no clear effect",
        f"; {HELPS} helps {HARMS} harms",
    ]
    for legend in legends if tested else [""]:
        text = f"{many}{after}{what}{legend}"
        if _cells(text) <= width:
            break
    if _cells(text) > width:
        text = f"{_cut(many, max(8, width - _cells(text) + _cells(many)))}{after}{what}{legend}"
    yield Line("", "title", text)


def _findings(summary: Summary, room: int, most: int) -> list[Line]:
    """What blocks say: the first, what was asked, in up to three lines at least; the others in one each, more
    where there is room; those for which there is none are counted on the last line.
    """
    every = list(summary.blocks)
    least = [1 + bool(x.warnings) for x in every]
    least[0] = min(_wanted(every[0]), 2 + least[0])
    shown, left = len(every), most
    if sum(least) > most:
        left = most - 1
        least[0] = max(1, min(least[0], left))
        shown = max(n for n in range(1, len(every) + 1) if sum(least[:n]) <= left or n == 1)
    share = least[:shown]
    for goal in range(2, 9):
        for i, block in enumerate(every[:shown]):
            if share[i] < min(goal, _wanted(block)) and sum(share) < left:
                share[i] += 1
    found: list[Line] = []
    for i, block in enumerate(every[:shown]):
        said = "" if block.probe == summary.blocks[0].probe or _named(block) else f"{clean(block.probe)}: "
        for role, text in _block(summary, block, room - _cells(said), share[i]):
            label = _label(summary, block)
            again = label == next((x.label for x in reversed(found) if x.label), None)
            found.append(Line("" if again else label, role, f"{_fitted(said, text, room)}{text}"))
            said = ""
    if shown < len(every):
        found.append(_rest(summary, every[shown:], room))
    return found


def _named(block: Block) -> bool:
    """Whether what it says starts with its probe's name."""
    return any(x.text.lower().startswith(f"{block.probe.lower()}: ") for x in block.headlines)


def _fitted(said: str, text: str, room: int) -> str:
    """The probe before a text, "stacking: ", cut where a number needs its columns, or left out."""
    left = room - _cells(text)
    if _cells(said) <= left:
        return said
    return f"{_cut(said.removesuffix(': '), left - 2)}: " if left > _cells("x…: ") else ""


def _rest(summary: Summary, blocks: Sequence[Block], room: int) -> Line:
    """Blocks for which there is no room, as counts of targets."""
    said: list[str] = []
    several = len({(x.task, x.model) for x in summary.blocks}) > 1
    for block in blocks:
        probe = "" if block.probe == summary.blocks[0].probe else clean(block.probe)
        label = _label(summary, block) if several or not probe else ""
        short = " ".join(filter(None, (probe, label, _counts(block), "(warning)" if block.warnings else "")))
        after = len(blocks) - len(said) - 1
        more = f"; and {after} more" if after else ""
        if _cells("; ".join([*said, short]) + more) > room:
            break
        said.append(short)
    left = len(blocks) - len(said)
    more = f"; and {left} more" if said else f"{counted(left, 'page')} more: xlbench show --list"
    return Line("Also", "note", "; ".join(said) + (more if left else ""))


def _counts(block: Block) -> str:
    """Of how many targets a block says what."""
    if not block.verdicts:
        return ""
    helped, harmed, targets = _sides(block, "helps"), _sides(block, "harms"), len(block.targets)
    if not any(x.role in MARKS for x in block.verdicts):
        alone = any(x.role == "this run only" for x in block.verdicts)
        return "one seed" if alone else "not known"
    counts = ((HELPS, len(helped)), (HARMS, len(harmed)))
    said = " ".join(f"{mark} {n}" for mark, n in counts if n) or f"{UNCLEAR} 0"
    return f"{said} of {targets}"


def _sides(block: Block, role: str) -> list[Headline]:
    return [x for x in block.verdicts if x.role == role]


def _wanted(block: Block) -> int:
    """Lines that a block has something to say in."""
    warning = bool(block.warnings)
    if not block.verdicts:
        return warning + max(1, len(block.headlines))
    helped, harmed = _sides(block, "helps"), _sides(block, "harms")
    others = {x.role for x in block.verdicts} - {"helps", "harms"}
    return warning + max(1, min(3, len(helped)) + min(2, len(harmed)) + len(others))


def _block(summary: Summary, block: Block, room: int, most: int) -> Iterator[tuple[Kind, str]]:
    """What a block says in at most so many lines, its warnings first."""
    if block.warnings:
        more = f" (and {len(block.warnings) - 1} more)" if len(block.warnings) > 1 else ""
        yield "warning", f"Warning: {_cut(clean(block.warnings[0]), room - 9 - len(more))}{more}"
        most -= 1
    if not most:
        return
    if not block.verdicts:
        for one in block.headlines[:most]:
            yield one.role, _cut(clean(one.text), room)
        return
    helped, harmed = _sides(block, "helps"), _sides(block, "harms")
    others = _others(summary, block)
    kinds = (len(helped) > 0) + (len(harmed) > 0) + len(others)
    if most < kinds:
        yield from _short(summary, block, room, most)
        return
    extra = most - kinds
    if helped:
        rows = min(len(helped), 1 + extra)
        extra -= rows - 1
        yield from (("helps", x) for x in _rows(summary, block, helped, room, rows))
    if harmed:
        yield from (("harms", x) for x in _rows(summary, block, harmed, room, min(len(harmed), 1 + extra)))
    for role, start, names, end in others:
        yield role, _listed(start, names, end, room)


def _short(summary: Summary, block: Block, room: int, most: int) -> Iterator[tuple[Kind, str]]:
    """In fewer lines than there are kinds of things to say: what helps, what harms, with the rest counted."""
    helped, harmed = _sides(block, "helps"), _sides(block, "harms")
    sides = [x for x in (helped, harmed) if x]
    for i, side in enumerate(sides[:most]):
        last = i == min(len(sides), most) - 1
        (text,) = _rows(summary, block, side, room, 1)
        if last:  # the counts have what is more
            few = text.partition("; and ")[0]
            (first,) = _rows(summary, block, side[:1], room, 1)
            ends = (f"{x}; {_counts(block)}" for x in (few, first))
            text = next((x for x in ends if _cells(x) <= room), text)
        yield side[0].role, text
    if not sides:
        role, start, names, end = _others(summary, block)[0]
        yield role, _listed(start, names, end, room)


def _others(summary: Summary, block: Block) -> list[tuple[Role, str, list[str], str]]:
    """Targets that nothing clearly helps, or of which nothing can be said: a role, and how its line starts,
    whom it names, and how it ends.
    """
    helped = {x.target for x in _sides(block, "helps")}
    open_ = {x.target: x.role for x in block.verdicts if x.role in ("this run only", "not known")}
    found: list[tuple[Role, str, list[str], str]] = []
    none = [x for x in block.targets if x not in helped and x not in open_]
    if none:
        least = [
            x.detectable for x in block.verdicts if x.role == "no clear effect" and x.detectable is not None
        ]
        end = f" (minimum detectable effect {_range(least)})" if least else ""
        found.append(
            ("no clear effect", f"{UNCLEAR} none clearly helps ", [summary.name(x) for x in none], end)
        )
    alone = [summary.name(x) for x, role in open_.items() if role == "this run only"]
    if alone:
        found.append(("this run only", "one seed, so no verdict (run more: --seeds 3): ", alone, ""))
    unknown = [summary.name(x) for x, role in open_.items() if role == "not known"]
    if unknown:
        found.append(("not known", "not known, results are missing: ", unknown, ""))
    return found


def _listed(start: str, names: Sequence[str], end: str, room: int) -> str:
    """As many names as fit; of the others, how many. The end where there is room for it."""
    texts = [clean(x) for x in names]
    whole = start + ", ".join(texts)
    if _cells(whole) <= room:
        return whole + end if _cells(whole + end) <= room else whole
    for few in range(len(texts) - 1, 0, -1):
        text = f"{start}{', '.join(texts[:few])} and {len(texts) - few} more"
        if _cells(text) <= room:
            return text
    return _cut(f"{start}{counted(len(texts), 'target')}", room)


def _rows(summary: Summary, block: Block, side: Sequence[Headline], room: int, most: int) -> Iterator[str]:
    """Who helps, or harms, whom: one row each where rows are enough; otherwise several in a row, by donor."""
    groups: list[list[Headline]]
    if len(side) <= most:
        groups = [[one] for one in side]
    else:
        donors = Counter(x.donor for x in side)
        order, most = sorted(donors, key=lambda x: -donors[x]), min(most, len(donors))
        groups = [[x for x in side if x.donor == donor] for donor in order[: most - 1]]
        groups.append([x for x in side if x.donor in order[most - 1 :]])
    for group in groups:
        yield _row(summary, block, group, room)


def _row(summary: Summary, block: Block, side: Sequence[Headline], room: int) -> str:
    """As many as fit, with names where that costs none of them, and how many more there are."""
    mark, end = MARKS[side[0].role], _end(summary, block)

    def text(style: int, few: int, more: str = "; and {}") -> str:
        items = []
        for i, one in enumerate(side[:few]):
            donor, target = _names(summary, one.donor)[style], _names(summary, one.target)[style]
            verb = ("helps" if one.role == "helps" else "harms") if style == 0 else "→"
            whom = f"{verb} {'itself' if one.donor == one.target else target}"
            again = i > 0 and side[i - 1].donor == one.donor
            items.append(f"{target if again else f'{donor} {whom}'} {_number(one)}")
        left = more.format(counted(len(side) - few, "more target")) if few < len(side) else ""
        return f"{mark} {', '.join(items)}{end}{left}"

    for few in range(len(side), 0, -1):
        for style in range(2 if few > 1 else 3):
            if _cells(found := text(style, few)) <= room:
                return found
    return text(2, 1, f"; +{len(side) - 1}")


def _end(summary: Summary, block: Block) -> str:
    """What the numbers of a block are where the title does not say it: unit and reading."""
    one = block.verdicts[0]
    unit = f" {clean(one.unit)}" if one.unit != _unit(summary) else ""
    reading = f" ({clean(one.reading)})" if one.reading and one.reading != _reading(summary) else ""
    return unit + reading


def _unit(summary: Summary) -> str:
    """What the title names."""
    return next((x.verdicts[0].unit for x in summary.blocks if x.verdicts), "points")


def _reading(summary: Summary) -> str:
    """What the title names."""
    return next((x.reading for x in summary.blocks if x.verdicts), "")


def _names(summary: Summary, code: str) -> tuple[str, str, str]:
    """A language's label, its name where no other has it, and its code."""
    label = clean(summary.name(code))
    name = label.removesuffix(f" ({code})")
    same = sum(x.startswith(f"{name} (") for x in summary.names.values()) > 1
    return label, label if same else name, clean(code)


def _number(one: Headline) -> str:
    """The value and its interval, as tables have them."""
    number = one.number
    if number is None or number.value is None:
        return ""
    if number.low is None or number.high is None:
        return number.text()
    return f"{number.text()} [{number.text(number.low)}, {number.text(number.high)}]"


def _range(values: Sequence[float]) -> str:
    low, high = (Number(x).text() for x in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _checks(summary: Summary, room: int) -> Iterator[Line]:
    """Outcomes of checks: those that failed first, with the reading and the tasks that they are about."""
    found: dict[str, dict[str, list[tuple[str, str]]]] = {"fail": {}, "not measured": {}, "pass": {}}
    for block in summary.blocks:
        for x in block.checks:
            about = clean(x.reading) if x.reading != block.reading else ""
            found[x.outcome].setdefault(clean(x.short or x.name), []).append((about, _label(summary, block)))
    if not any(found.values()):
        return
    blocks = len([x for x in summary.blocks if x.checks])
    worse: set[str] = set()
    parts, short = [], []
    for outcome, head in (("fail", "FAIL"), ("not measured", "not measured"), ("pass", "pass")):
        groups: dict[str, list[str]] = {}
        for name, where in found[outcome].items():
            if outcome == "pass" and name in worse:
                continue
            readings = ", ".join(dict.fromkeys(about for about, _ in where if about))
            tasks = ", ".join(of for _, of in where) if len(where) < blocks else ""
            said = f" for {readings}" * bool(readings) + f" ({tasks})" * bool(tasks)
            groups.setdefault(said if outcome != "pass" else "", []).append(name)
        worse |= set(found[outcome])
        parts += [f"{head}{of}: {', '.join(names)}" for of, names in groups.items()]
        if groups:
            short.append(f"{head}: {', '.join(x for names in groups.values() for x in names)}")
    text = "; ".join(parts)
    if _cells(text) > room:
        text = "; ".join(short)
    if _cells(text) > room:
        text = "; ".join(f"{len(some)} {head}" for head, some in found.items() if some)
    doubtful = any(not about for where in found["fail"].values() for about, _ in where)
    yield Line("Checks", "check failed" if doubtful else "check", text)


def _basis(summary: Summary, room: int) -> Iterator[Line]:
    """How sure it is: of how many runs, adapters and test examples, and with what correction."""
    every = [(block, clean(x.text)) for block in summary.blocks for x in block.sure]
    if not every:
        return
    block, text = every[0]
    of = f" ({_label(summary, block)})" if len({x for _, x in every}) > 1 else ""
    tested = any(x.role in MARKS for one in summary.blocks for x in one.verdicts)
    rate = "; 5% false discovery rate" if tested else ""
    fits = (x for x in (text + of + rate, text + rate, text) if _cells(x) <= room)
    yield Line("Basis", "how sure", next(fits, _cut(text, room)))


def _foot(summary: Summary, room: int) -> Iterator[Line]:
    """What to do next, and where to read more. Neither is cut."""
    for label, role, each in (("Next", "next step", summary.commands), ("Files", "files", summary.files)):
        texts = [clean(x) for x in each]
        if texts:
            few = next((n for n in range(len(texts), 1, -1) if _cells("; ".join(texts[:n])) <= room), 1)
            yield Line(label, role, "; ".join(texts[:few]))  # type: ignore[arg-type]


def _cells(text: str) -> int:
    """Columns; of marks as wide as what stands for them where an encoding lacks them."""
    from rich.cells import cell_len

    return cell_len(text) + text.count("→") + 2 * text.count("…")


def _cut(text: str, room: int) -> str:
    """A text that is no number, at most so many columns wide."""
    if _cells(text) <= room:
        return text
    while text and _cells(text) > room - 3:
        text = text[:-1]
    return f"{text.rstrip()}…"
