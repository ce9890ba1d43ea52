"""From meanings to sentences: a language puts its words in its order, with its endings."""

from __future__ import annotations

from functools import cache

from xlbench_tasks.artificial import concepts as c
from xlbench_tasks.artificial.lexicon import Lexicon, lexicon
from xlbench_tasks.artificial.meanings import Event, Meaning, Thing
from xlbench_tasks.artificial.sentence import Sentence

_ENTITY = {"person": "PER", "place": "LOC", "organisation": "ORG"}
_CASE_OF = {"in": "-locative", "to": "-dative"}


class _Name:
    """One mention of a name: the words that carry the same object are one entity."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


class _Token:
    """A word on its way into a sentence."""

    __slots__ = ("form", "head", "index", "name", "relation", "upos")

    def __init__(
        self, form: str, upos: str, relation: str, head: _Token | None, name: _Name | None = None
    ) -> None:
        self.form = form
        self.upos = upos
        self.relation = relation
        self.head = head
        self.name = name
        self.index = 0


class Speaker:
    """Says meanings in one language, the same meaning always the same way."""

    def __init__(self, words: Lexicon) -> None:
        grammar = words.grammar
        self._form = words.form
        self._capitalise = words.spelling.capitalise
        self._clause_order = grammar.clause
        self._adjective_first = grammar.adjective == "before"
        self._adposition_first = grammar.adposition == "before"
        self._genitive_first = grammar.genitive == "before"
        self._quantifier_first = grammar.quantifier == "before"
        self._suffixing = grammar.suffixing
        self._cases = grammar.cases
        self._article = grammar.article

    def say(self, meaning: Meaning) -> Sentence:
        """The sentence for a meaning."""
        event, link, second = meaning
        if second is None:
            tokens, root = self._clause(event, "root", None)
        elif link == "that-clause":
            tokens, root = self._clause(event, "root", None, second)
        else:
            tokens, root = self._clause(event, "root", None)
            because = link == "because"
            other, verb = self._clause(second, "advcl" if because else "conj", root)
            if link != "and":
                tokens.append(_Token(",", "PUNCT", "punct", verb))
            tokens.append(
                _Token(self._form(link), *(("SCONJ", "mark") if because else ("CCONJ", "cc")), verb)
            )
            tokens += other
        tokens.append(_Token(".", "PUNCT", "punct", root))
        return self._finish(tokens)

    def _finish(self, tokens: list[_Token]) -> Sentence:
        entities = []
        name: _Name | None = None
        start = 0
        for index, token in enumerate(tokens):
            token.index = index + 1
            if token.name is not name:
                if name is not None:
                    entities.append((start, index, name.kind))
                name, start = token.name, index
        words = [x.form for x in tokens]
        words[0] = self._capitalise(words[0])
        return Sentence(
            tuple(words),
            tuple([x.upos for x in tokens]),
            tuple([0 if x.head is None else x.head.index for x in tokens]),
            tuple([x.relation for x in tokens]),
            tuple(entities),
        )

    def _clause(
        self, event: Event, relation: str, head: _Token | None, told: Event | None = None
    ) -> tuple[list[_Token], _Token]:
        """Words of a clause in order, and its verb."""
        form = self._form
        agent = event.agent
        if self._suffixing:
            many = agent.plural or agent.head in ("we", "they")
            verb = _Token(
                form(event.action, "-" + event.tense, "-many" if many else ""), "VERB", relation, head
            )
        else:
            verb = _Token(form(event.action), "VERB", relation, head)
        verbal = [verb]
        if event.negated:
            verbal.insert(0, _Token(form("not"), "PART", "advmod", verb))
        if not self._suffixing and event.tense != "present":
            auxiliary = _Token(form(event.tense), "AUX", "aux", verb)
            if self._clause_order == "SOV":
                verbal.append(auxiliary)
            else:
                verbal.insert(len(verbal) - 1, auxiliary)

        subject = self._thing(agent, "nsubj", verb)
        objects = [] if event.patient is None else self._thing(event.patient, "obj", verb, "-accusative")
        around = [] if event.recipient is None else self._oblique(event.recipient, "to", verb)
        if event.companion is not None:
            around += self._oblique(event.companion, "with", verb)
        if event.place is not None:
            around += self._oblique(event.place, event.relation, verb)
        if event.manner:
            word = form(event.manner, "-adverb") if self._suffixing else form(event.manner)
            manner = _Token(word, "ADV", "advmod", verb)
            verbal.insert(0 if self._clause_order == "SOV" else len(verbal), manner)
        time = self._time(event.time, verb) if event.time else []
        if told is not None:
            inner, inner_verb = self._clause(told, "ccomp", verb)
            mark = _Token(form("that-clause"), "SCONJ", "mark", inner_verb)
            objects = [*inner, mark] if self._clause_order == "SOV" else [mark, *inner]

        if self._clause_order == "SVO":
            return [*time, *subject, *verbal, *objects, *around], verb
        if self._clause_order == "SOV":
            return [*time, *subject, *around, *objects, *verbal], verb
        return [*verbal, *subject, *objects, *around, *time], verb

    def _time(self, time: str, verb: _Token) -> list[_Token]:
        if time in c.TIMES:
            return [_Token(self._form(time), "ADV", "advmod", verb)]
        return self._oblique(Thing("noun", time), "in", verb)

    def _oblique(self, thing: Thing, preposition: str, verb: _Token) -> list[_Token]:
        if self._cases and preposition in _CASE_OF:
            return self._thing(thing, "obl", verb, _CASE_OF[preposition])
        return self._with_adposition(self._thing(thing, "obl", verb), preposition, verb)

    def _with_adposition(self, phrase: list[_Token], word: str, above: _Token) -> list[_Token]:
        head = next(x for x in phrase if x.head is above)
        adposition = _Token(self._form(word), "ADP", "case", head)
        return [adposition, *phrase] if self._adposition_first else [*phrase, adposition]

    def _thing(self, thing: Thing, relation: str, above: _Token, case: str = "") -> list[_Token]:
        """Words of a noun phrase in order."""
        form = self._form
        if not self._cases:
            case = ""
        kind = thing.kind
        if kind == "pronoun":
            return [_Token(form(thing.head, case), "PRON", relation, above)]
        if kind != "noun":
            name = _Name(_ENTITY[kind])
            if not thing.second:
                return [_Token(form(thing.head, case), "PROPN", relation, above, name)]
            if kind == "person":
                head = _Token(form(thing.head), "PROPN", relation, above, name)
                return [head, _Token(form(thing.second, case), "PROPN", "flat", head, name)]
            head = _Token(self._capitalise(form(thing.head, case)), "PROPN", relation, above, name)
            town = _Token(form(thing.second, "-genitive" if self._cases else ""), "PROPN", "nmod", head, name)
            return [town, head] if self._genitive_first else [head, town]

        plural = "-plural" if thing.plural and self._suffixing else ""
        head = _Token(form(thing.head, plural, case), "NOUN", relation, above)
        before: list[_Token] = []
        after: list[_Token] = []
        if thing.quality:
            word = form(thing.quality, "-quality", plural) if self._suffixing else form(thing.quality)
            (before if self._adjective_first else after).append(_Token(word, "ADJ", "amod", head))
        if thing.plural and not self._suffixing and not thing.number:
            before.insert(0, _Token(form("plural"), "PART", "advmod", head))
        if thing.owner is not None:
            owner = self._thing(thing.owner, "nmod", head, "-genitive")
            if not self._cases:
                owner = self._with_adposition(owner, "of", head)
            if self._genitive_first:
                before = owner + before
            else:
                after = after + owner
        quantifiers = []
        if thing.determiner and (self._article or thing.determiner != "the"):
            quantifiers.append(_Token(form(thing.determiner), "DET", "det", head))
        if thing.number:
            number = thing.number if thing.number.isdigit() else form(thing.number)
            quantifiers.append(_Token(number, "NUM", "nummod", head))
        if quantifiers:
            if self._quantifier_first:
                before = quantifiers + before
            else:
                after += quantifiers[::-1]
        return [*before, head, *after]


@cache
def speaker(code: str) -> Speaker:
    """The speaker of a living language, made once a process."""
    return Speaker(lexicon(code))
