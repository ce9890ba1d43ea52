"""The controls of a study: names that are any, with all that they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts.settings import nearest
from xlbench.contracts.treatment import MIXTURE, OF_OTHER_LANGUAGES, PLAIN
from xlbench.plugins.registry import split

_NO_CONTROLS = {
    PLAIN: "plain text of the transfer languages is no control; leave it out",
    MIXTURE: "a mixture is a text of its own, no control; name it as --transfer deu:0.7+tur:0.3",
}

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xlbench.contracts import Corpus, Study, Treatment
    from xlbench.plugins import Registry
    from xlbench.spec.problems import Problems


def check(study: Study, registry: Registry, problems: Problems) -> None:
    """One line for each control that is unknown, or cannot be run here."""
    for control in study.controls or ():
        if control in _NO_CONTROLS:
            problems.add(f"controls: {_NO_CONTROLS[control]}")
        elif control not in (*OF_OTHER_LANGUAGES, *registry.method.treatments):
            claimed = registry.claims("treatment", split(control)[1])
            known = [*OF_OTHER_LANGUAGES, *(x for x in registry.method.treatments if x not in _NO_CONTROLS)]
            why = f": {registry.unknown('treatment', control)}" if claimed else nearest(control, known)
            problems.add(f"unknown control {control!r}{why}")
    for one in treatments(study, registry):
        if absent := one.missing():
            named = registry.method.named("treatment", one.name)
            problems.add(f"controls: {named} needs {' and '.join(absent)}; pip install {' '.join(absent)}")


def check_texts(study: Study, registry: Registry, corpus: Corpus, problems: Problems) -> None:
    """A line for each language that a control reads beside the transfer languages and that has no text."""
    having = corpus.languages()
    for one in treatments(study, registry):
        for language in one.beside if study.transfer and having else ():
            if language not in having:
                problems.add(f"controls: {one.name} reads text in {language}, and {corpus.name} has none")


def treatments(study: Study, registry: Registry) -> Iterator[Treatment]:
    """The treatments among the controls."""
    known = registry.method.treatments
    return (known[x] for x in study.controls or () if x in known)


def beside(study: Study, registry: Registry) -> tuple[str, ...]:
    """Languages that controls read beside the transfer languages."""
    return tuple(x for one in treatments(study, registry) for x in one.beside)
