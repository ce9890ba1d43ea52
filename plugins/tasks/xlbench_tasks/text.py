"""Unlabelled text on the hub: Wikipedia, and any set by its id. A folder of text needs no plugin."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.data import languages
from xlbench.errors import DataError
from xlbench.readers import HubText

if TYPE_CHECKING:
    from xlbench.contracts import Corpus, Language

WIKIPEDIA = "wikimedia/wikipedia"
DUMP = "20231101"
FORM = "hub:OWNER/NAME:COLUMN:CONFIG"
EXAMPLE = "hub:HuggingFaceFW/fineweb-2:text:{iso639_3}_{script}"


@dataclass(frozen=True)
class Wikipedia(HubText):
    """Paragraphs of articles, in the order of the dump; `wikipedia:SEED` has articles drawn by a seed."""

    form: str = "wikipedia:SEED"

    def domain(self, language: str) -> str | None:
        """The encyclopedia."""
        return "wikipedia"

    def languages(self) -> Collection[str]:
        """ISO 639-3 codes of the languages that have an edition; needs no network."""
        return tuple(sorted(self.configs))

    def member(self, argument: str, languages: Mapping[str, Language]) -> HubText:
        """Articles of all over the edition. Raises DataError where the argument is no number."""
        if not argument.isdecimal():
            raise DataError(
                f"{self.name}:{argument}: the seed must be a whole number, such as in wikipedia:1"
            )
        return replace(self, name=f"{self.name}:{argument}", seed=int(argument), _found=[])


@dataclass(frozen=True)
class AnyHubText:
    """Text sets of the hub by id, column and configuration; by itself it has no text."""

    name: str = "hub"
    source: str = f"any text set of the hub, named as {FORM}"
    form: str = FORM

    def member(self, argument: str, languages: Mapping[str, Language]) -> HubText:
        """One set. Of CONFIG, `{iso639_3}`, `{iso639_1}` (its three letters where there are no two) and
        `{script}` (ISO 15924) are filled in by language; or CONFIG is `LANG=CONFIG`, for one language alone.

        Raises DataError for an argument that is not like that.
        """
        repo, _, rest = argument.partition(":")
        column, _, config = rest.partition(":")
        if repo.count("/") != 1 or not column or not config:
            raise DataError(f"hub:{argument}: text on the hub is named as {FORM}, such as {EXAMPLE}")
        return HubText(f"hub:{argument}", "text set", repo, column, _configs(config, languages))

    def languages(self) -> Collection[str]:
        """None."""
        return ()

    def fingerprint(self, language: str) -> str:
        """Raises DataError."""
        raise DataError(f"hub: names no set; text on the hub is named as {FORM}, such as {EXAMPLE}")

    def lines(self, language: str, limit: int) -> Sequence[str]:
        """Raises DataError."""
        raise DataError(f"hub: names no set; text on the hub is named as {FORM}, such as {EXAMPLE}")


def _configs(template: str, known: Mapping[str, Language]) -> dict[str, str]:
    """By ISO 639-3 code. Raises DataError for a template that is none."""
    import langcodes

    code, one, config = template.partition("=")
    if one:
        if code not in known:
            raise DataError(
                f"{template}: {code!r} is not a language in ISO 639-3; `xlbench list languages` has them"
            )
        return {code: config}
    found = {}
    for iso, language in known.items():
        short = langcodes.Language.get(iso).language or iso
        try:
            found[iso] = template.format(iso639_3=iso, iso639_1=short, script=language.script)
        except (KeyError, IndexError, ValueError):
            raise DataError(
                f"{template}: only {{iso639_3}}, {{iso639_1}} and {{script}} are filled in, as in {EXAMPLE}"
            ) from None
    if len(set(found.values())) == 1 < len(found):
        raise DataError(
            f"{template}: the same for all languages; name one as LANG={template}, such as swa={template}"
        )
    return found


@hookimpl
def xlbench_corpora() -> Iterator[Corpus]:
    """Wikipedia, and the sets of the hub by id."""
    editions = {code: f"{DUMP}.{edition}" for code, edition in languages.wikipedias().items()}
    yield Wikipedia("wikipedia", f"Wikipedia, dump of {DUMP}, CC BY-SA", WIKIPEDIA, "text", editions)
    yield AnyHubText()
