"""Missing or malformed data of single languages: reported before anything trains, or left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from xlbench.contracts import Explained, Unavailable, mixture
from xlbench.data import amounts
from xlbench.data.clean_text import CleanText
from xlbench.data.examples import read as read_examples
from xlbench.data.scripts import letters, script
from xlbench.errors import DataError
from xlbench.spec.problems import ManyProblemsError, Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from xlbench.contracts import Corpus, Resolved, Split, Study, TaskData


def check_data(resolved: Resolved) -> Resolved:
    """Read all training and test data and all text of a study, so that what is broken shows now.

    Returns the study, or with `skip_unavailable` what is left of it, with the scripts that the data are
    written in. Raises ManyProblemsError with a line a broken file or language.
    """
    rest, problems, written = resolved, Problems(), Written()
    for read in (_examples, _text):
        found = []
        for one, action in read(rest):
            with problems.kept():
                try:
                    written.see(one, action())
                except DataError as error:
                    found.append(replace(one, reason=str(error)))
                    if not resolved.study.skip_unavailable:
                        raise
        try:
            rest = without(rest, found)
        except ManyProblemsError:
            if not problems.lines:
                raise
            break
    for task, how in rest.training.items():
        if not problems.lines and how.examples is not None:
            none = [x for x in rest.train_languages(task) if not rest.size(task, x, "train")]
            if none:
                problems.add(f"adapter.examples: {how.examples} leave none for {', '.join(none)}; give more")
    if not problems.lines:
        problems.lines += [*amounts.unmatched(rest), *_not_parallel(rest)]
    if problems.lines:
        raise ManyProblemsError(problems.lines)
    made = written_in(rest, written.scripts(rest))
    return replace(made, remarks=(*written.remarks(rest), *in_training(rest)))


def _not_parallel(resolved: Resolved) -> list[str]:
    """A line for each task that the study calls parallel and whose test sets have different numbers of rows,
    so that row i is not the same in all.
    """
    found = []
    for task in resolved.study.parallel:
        sizes = {x: len(resolved.data[task].examples(x, "test")) for x in resolved.targets[task]}
        most = max(sizes.values(), default=0)
        if fewer := [x for x, size in sizes.items() if size < most]:
            full = next(x for x, size in sizes.items() if size == most)
            found.append(
                f"parallel: {task} has {most:,} test rows in {full} and {sizes[fewer[0]]:,} in {fewer[0]}, "
                "so that rows do not correspond; give files with the same rows, or leave out --parallel"
            )
    return found


def _examples(resolved: Resolved) -> Iterable[tuple[Unavailable, Callable[[], Iterable[str]]]]:
    for task in resolved.tasks:
        for x in resolved.train_languages(task):
            yield Unavailable("train", x, ""), partial(_texts, resolved, task, x, "train")
        for x in resolved.targets[task]:
            yield Unavailable("test", x, "", task), partial(_texts, resolved, task, x, "test")


def _texts(resolved: Resolved, task: str, language: str, split: Split) -> Iterable[str]:
    """Texts of a split, which is read and checked."""
    found = read_examples(resolved, task, language, split)
    return (text for example in found for text in example.own_sentences())


def _text(resolved: Resolved) -> Iterable[tuple[Unavailable, Callable[[], Iterable[str]]]]:
    for x in resolved.text_languages():
        yield Unavailable("text", x, ""), partial(_lines, resolved, x)


def _lines(resolved: Resolved, language: str) -> Iterable[str]:
    resolved.text_lines(language, resolved.mlm.lines)
    return resolved.corpus.lines(language, resolved.mlm.lines)


@dataclass
class Written:
    """Letters of the data of a study, by what they are for and language."""

    counts: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)

    def see(self, one: Unavailable, texts: Iterable[str]) -> None:
        """Count letters."""
        self.counts.setdefault((one.what, one.language), Counter()).update(letters(texts))

    def scripts(self, resolved: Resolved) -> dict[str, str]:
        """By language: the script of its test data; where it has none here, of its text, or its training
        data.
        """
        found = {}
        for code, language in resolved.languages.items():
            for what in ("test", "text", "train"):
                if (what, code) in self.counts:
                    found[code] = script(self.counts[what, code], language.script)
                    break
        return found

    def remarks(self, resolved: Resolved) -> list[str]:
        """A line for each language whose data are not in its usual script, or in several."""
        names = {"test": "test data", "text": "text", "train": "training data"}
        found = []
        for code, language in resolved.languages.items():
            usual = language.script
            seen = {
                name: script(self.counts[what, code], usual)
                for what, name in names.items()
                if (what, code) in self.counts
            }
            if len(set(seen.values())) > 1:
                each = ", ".join(f"{name} {x}" for name, x in seen.items())
                found.append(f"{code}: scripts differ: {each}; what is learnt in one may not help in another")
            elif seen and usual not in (*seen.values(), "Zzzz"):
                found.append(f"{code}: data are in the script {next(iter(seen.values()))}, not {usual}")
        return found


def in_training(resolved: Resolved) -> list[str]:
    """A line for each test set that shares examples with the training data of its task."""
    found = []
    for task, targets in resolved.targets.items():
        trained = {
            x.sentences()
            for code in resolved.train_languages(task)
            for x in resolved.examples(task, code, "train")
        }
        for code in targets if trained else ():
            tested = resolved.examples(task, code, "test")
            if shared := sum(x.sentences() in trained for x in tested):
                found.append(
                    f"{task} {code} test: {shared:,} of {len(tested):,} examples are in the training data too"
                )
    return found


def written_in(resolved: Resolved, scripts: Mapping[str, str]) -> Resolved:
    """The study with the scripts that its data are written in, by language."""
    languages = {
        code: replace(x, script=scripts.get(code, x.script)) for code, x in resolved.languages.items()
    }
    made = replace(resolved, languages=languages)
    made._sizes.update(resolved._sizes)
    return made


def missing(
    study: Study, data: Mapping[str, TaskData], training_data: Mapping[str, TaskData], corpus: Corpus
) -> list[Unavailable]:
    """What a study asks for that its data do not have; no data is read."""
    found = []
    tested = {x for one in data.values() for x in one.languages("test")}
    for task, one in data.items():
        absent = [x for x in study.targets if x not in tested]
        found += [Unavailable("test", x, f"none in {one.name}", task) for x in absent]
    for task, one in training_data.items():
        absent = [x for x in study.train_languages if x not in one.languages("train")]
        found += [Unavailable("train", x, f"none for {task} in {one.name}") for x in absent]
    if having := corpus.languages():
        reference = [study.reference] if study.reference else []
        asked = dict.fromkeys((*mixture.each(study.transfer), *study.beneath, *reference))
        absent = [x for x in asked if x not in having and x not in study.language_adapters]
        found += [Unavailable("text", x, f"none in {corpus.name}") for x in absent]
    return found


def less(study: Study, found: Sequence[Unavailable], targets: Mapping[str, Collection[str]]) -> Study:
    """The study without what is not to be had; `targets` are those that each task has left."""
    untrained = {x.language for x in found if x.what == "train"}
    silent = {x.language for x in found if x.what == "text"}
    tested = {x for one in targets.values() for x in one}
    controls, given = study.controls, study.language_adapters
    if controls is not None and study.reference in silent:
        controls = tuple(x for x in controls if x != "reference")
    return replace(
        study,
        train_languages=tuple(
            x
            for x in study.train_languages
            if x not in untrained and not (x in silent and x in study.beneath and x not in given)
        ),
        transfer=tuple(x for x in study.transfer if x in given or not silent & {*mixture.languages(x)}),
        targets=tuple(x for x in study.targets if x in tested),
        controls=controls,
    )


def is_whole(study: Study, asked: Study) -> bool:
    """Whether something is left of each list of languages."""
    names = ("train_languages", "transfer", "targets")
    return all(getattr(study, x) or not getattr(asked, x) for x in names)


def without(resolved: Resolved, found: Sequence[Unavailable]) -> Resolved:
    """What is left of a study. Raises ManyProblemsError, with the reasons, where that is no study."""
    if not found:
        return resolved
    gaps = {(x.task, x.language) for x in found if x.what == "test"}
    targets = {
        task: tuple(x for x in languages if (task, x) not in gaps)
        for task, languages in resolved.targets.items()
    }
    study = less(resolved.study, found, targets)
    if not is_whole(study, resolved.study) or not all(targets.values()):
        raise ManyProblemsError(
            [
                *map(str, found),
                "no languages remain after skipping these; fix the data or drop --skip-unavailable",
            ]
        )
    text = resolved.corpus
    if isinstance(text, CleanText):
        silent = text.without | {x.language for x in found if x.what == "text"}
        tests = {x: (resolved.data[x], one) for x, one in targets.items()}
        text = replace(text, tests=tests, without=silent)
    skipped = tuple(dict.fromkeys((*resolved.unavailable, *found)))
    return replace(resolved, study=study, targets=targets, corpus=text, unavailable=skipped)


def left_out(resolved: Resolved) -> tuple[str, ...]:
    """A line for each task that has no test data in some of the study's targets, and for what is skipped."""
    lines = []
    skipped = {(x.task, x.language) for x in resolved.unavailable if x.what == "test"}
    for task, targets in resolved.targets.items():
        absent = [x for x in resolved.study.targets if x not in targets and (task, x) not in skipped]
        if absent:
            lines.append(f"{task}: no test data in {', '.join(absent)}; left out there")
    return (*lines, *map(str, resolved.unavailable))


def notes(resolved: Resolved) -> tuple[str, ...]:
    """A line for what was done to the data of each language in reading them, and for each choice among
    several sets of a language. Raises DataError as reading them does.
    """
    found: dict[str, None] = {}
    for task in resolved.tasks:
        splits: tuple[tuple[Split, Sequence[str]], ...] = (
            ("train", resolved.train_languages(task)), ("test", resolved.targets[task]),
        )  # fmt: skip
        for split, languages in splits:
            if not languages:
                continue
            data, _ = resolved.source(task, split)
            if not isinstance(data, Explained):
                continue
            found |= dict.fromkeys(f"{data.task} {x}" for x in data.remarks())
            for language in languages:
                if said := data.notes(language, split):
                    found[f"{data.task} {language} {split}: {'; '.join(said)}"] = None
    if isinstance(resolved.corpus, Explained):
        found |= dict.fromkeys(f"text {x}" for x in resolved.corpus.remarks())
    return (*found, *resolved.remarks)
