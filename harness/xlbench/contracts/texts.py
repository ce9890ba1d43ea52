"""The texts of a study: whose text it may use, how it is treated and learned from, and what tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import mixture
from xlbench.contracts.cell import Json, digest
from xlbench.contracts.identity import said
from xlbench.contracts.treatment import MIXTURE, PLAIN
from xlbench.errors import DataError, StudyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xlbench.contracts.adapter import GivenAdapter, LanguageTraining
    from xlbench.contracts.data import Dropped, Split, TaskData, Text
    from xlbench.contracts.method import Method
    from xlbench.contracts.objective import Family, Objective
    from xlbench.contracts.study import FinetuningSettings, Match, Study
    from xlbench.contracts.treatment import Treatment


class StudyTexts:
    """What of `Resolved` is about texts."""

    study: Study
    corpus: Text
    mlm: FinetuningSettings
    method: Method
    family: Family
    given: Mapping[str, GivenAdapter]
    origins: Mapping[str, str]
    _sizes: dict[tuple[str, str, str], int]

    def text_lines(self, language: str, limit: int) -> int:
        """Number of lines of text of a language, at most `limit`. Reads the text, once; raises DataError."""
        key = ("", language, str(limit))
        if key not in self._sizes:
            self._sizes[key] = len(self.corpus.lines(language, limit))
        return self._sizes[key]

    @property
    def matched(self) -> Match | None:
        """What steps have in equal amounts; None where each has as many chunks as any other."""
        return None if self.study.match == "steps" else self.study.match

    def text_languages(self) -> tuple[str, ...]:
        """Languages whose text the study may use: transfer languages, those of its controls, the
        reference language that amounts are matched with, and those whose adapters lie beneath task adapters
        in training.
        """
        study, having = self.study, set(self.corpus.languages())
        controls = (study.controls or ()) if study.transfer else ()
        named = dict.fromkeys(mixture.each(study.transfer))
        for control in controls:
            if control in self.method.treatments:
                named |= dict.fromkeys(self.method.treatments[control].beside)
        compared = "reference" in controls or (self.matched and study.transfer)
        if compared and study.reference is not None:
            named[study.reference] = None
        if "target" in controls:
            named |= dict.fromkeys(study.targets)
        named |= dict.fromkeys(x for x in study.beneath if x not in self.given)
        return tuple(x for x in named if x in having)

    def dropped(self) -> dict[str, Dropped]:
        """By language of the text: lines that are not used, where there are any. Raises DataError."""
        found = {x: self.corpus.dropped(x, self.mlm.lines) for x in self.text_languages()}
        return {x: lines for x, lines in found.items() if lines}

    def near_duplicates(self) -> dict[str, int]:
        """By language of the text: lines that are a test sentence but for one word, where there are any; they
        are used. Raises DataError.
        """
        found = {x: self.corpus.near_duplicates(x, self.mlm.lines) for x in self.text_languages()}
        return {x: count for x, count in found.items() if count}

    def text_shares(self, text: str, treatment: str = PLAIN) -> dict[str, float]:
        """The languages that a text is made of, one or several ("deu+tur"), with their shares, which add up
        to 1. Raises StudyError.
        """
        found, one = mixture.shares(text), self.treatment(treatment)
        beside = [x for x in one.beside if x not in found]
        parts = len(found) + len(beside)
        if one.stage == "languages" and parts == 1:
            raise StudyError(
                f"the treatment {treatment!r} puts several languages together, and {text!r} is one; name "
                f"more, as in {text}+eng"
            )
        return {x: y * len(found) / parts for x, y in found.items()} | dict.fromkeys(beside, 1 / parts)

    def treatment(self, name: str) -> Treatment:
        """A text treatment. Raises StudyError for one that is not registered."""
        if name not in self.method.treatments:
            known = ", ".join(self.method.treatments)
            raise StudyError(f"no text treatment {name!r}; known are {known}")
        return self.method.treatments[name]

    def treatment_identity(self, name: str) -> dict[str, Json]:
        """What tells a text treatment from others of its name; nothing for a built-in one at version 1 that
        has neither settings nor requirements.
        """
        return {**self.treatment(name).identity(), **self.method.identity("treatment", name)}

    def text_identity(
        self, text: str, treatment: str = PLAIN, how: FinetuningSettings | None = None
    ) -> dict[str, Json]:
        """Everything that can change the text that is trained on, its treatment aside, and how it is learned
        from (None: the study's own settings).
        """
        mlm, parts = how or self.mlm, self.text_shares(text, treatment)
        made: dict[str, Json] = {"language": text}
        if len(parts) == 1:
            made |= self._text(next(iter(parts)), mlm.lines)
        else:
            of_each = [(x, round(y, 6), self._text(x, mlm.lines)) for x, y in parts.items()]
            made["parts"] = [{"language": x, "share": y, **told} for x, y, told in of_each]
            if self.treatment(treatment).stage != "languages":
                made |= self.treatment_identity(MIXTURE)
        made |= {**said(mlm), **self._objective_identity(mlm)}
        if self.matched:
            reference = self.study.reference
            told = {} if reference is None else self._text(reference, mlm.lines)
            made["match"] = {"amount": self.matched, "reference": reference, **told}
        return made

    def objective(self, how: FinetuningSettings | LanguageTraining) -> Objective:
        """What a text is learned from by: the objective that settings name, or the model's own. Raises
        StudyError where none is registered, or it cannot train the model.
        """
        if how.objective is not None:
            one = self.method.objectives.get(how.objective)
            if one is None or self.family not in one.families:
                fits = [x for x, y in self.method.objectives.items() if self.family in y.families]
                raise StudyError(
                    f"no objective {how.objective!r} for models of the family {self.family}; known are "
                    f"{', '.join(fits)}"
                )
            return one
        if (found := self.method.own_objective(self.family)) is None:
            raise StudyError(f"no objective is registered that models of the family {self.family} have")
        return found

    def _objective_identity(self, how: FinetuningSettings | LanguageTraining) -> dict[str, Json]:
        """What tells its objective from others of the name."""
        return self.method.identity("objective", self.objective(how).name)

    def _text(self, language: str, lines: int) -> dict[str, Json]:
        """What tells a text; clean text has the identity of the corpus alone."""
        made: dict[str, Json] = {"text": told(self.corpus, language), **self._origin("text")}
        if dropped := self.corpus.dropped(language, lines):
            made["dropped"] = digest([*sorted((*dropped.repeated, *dropped.tested))])[:16]
        return made

    def _origin(self, *names: str) -> dict[str, Json]:
        """What tells third parties' plugins apart, for identities: nothing where all are built in."""
        found = dict.fromkeys(self.origins[x] for x in names if x in self.origins)
        return {"plugin": " and ".join(found)} if found else {}


def told(one: TaskData | Text, language: str, *split: Split) -> str:
    """The fingerprint of data or text. Raises DataError where a plugin gives none."""
    found: object = one.fingerprint(language, *split)
    if not isinstance(found, str) or not found.strip():
        raise DataError(
            f"{one.name}: the fingerprint in {language} must be a text that is not empty, not {found!r}; the "
            "plugin is at fault"
        )
    return found
