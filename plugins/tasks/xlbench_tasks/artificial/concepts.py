"""What can be talked about: concepts by class, with the more general concept that covers each."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PEOPLE = _words(
    "farmer teacher doctor soldier singer merchant sailor ruler baker writer judge guard student "
    "neighbour friend hunter child widow priest thief"
)
ANIMALS = _words("dog horse bird cow wolf cat goat bear fox sheep")
TOOLS = _words("hammer knife rope axe needle lamp")
FOODS = _words("bread apple cheese honey egg salt fish")
VEHICLES = _words("boat cart ship sledge")
CLOTHES = _words("coat hat shoe ring")
WRITINGS = _words("letter book song map")
PLACES = _words("river mountain forest field market village city harbour road valley garden island")
INSTITUTIONS = _words("bank school company guild council club")
SEASONS = _words("morning evening night summer winter spring")

CLASSES = {
    "person": PEOPLE,
    "animal": ANIMALS,
    "tool": TOOLS,
    "food": FOODS,
    "vehicle": VEHICLES,
    "garment": CLOTHES,
    "writing": WRITINGS,
    "place": PLACES,
}
GENERAL = {special: general for general, specials in CLASSES.items() for special in specials}
"""The more general concept: a farmer is a person."""
THINGS = TOOLS + FOODS + VEHICLES + CLOTHES + WRITINGS
NOUNS = (*GENERAL, *CLASSES, *INSTITUTIONS, *SEASONS)

ACTS_ON_BEINGS = _words(
    "follow help teach praise watch call trust blame warn find fear hear forget visit save carry"
)
"""Not symmetric: that A follows B is taken to exclude that B follows A."""
ACTS_ON_THINGS = _words("buy sell make break lose hide paint clean bring steal want need")
TRANSFERS = _words("give send show lend")
DOINGS = _words("sleep run sing laugh wait fall work dance travel rest shout swim")
OPINIONS = _words("say believe think know hope")
VERBS = ACTS_ON_BEINGS + ACTS_ON_THINGS + TRANSFERS + DOINGS + OPINIONS

OF_BEINGS = _words("old young big small rich poor strong tall quiet happy brave tired clever")
OF_THINGS = _words("old big small red black white new clean heavy strange precious")
QUALITIES = tuple(dict.fromkeys(OF_BEINGS + OF_THINGS))

MANNERS = _words("quickly slowly quietly often again badly gladly together")
TIMES_OF = {"past": ("yesterday", "once"), "present": ("today", "now"), "future": ("tomorrow", "soon")}
"""Adverbs of time by the tense they go with."""
TIMES = tuple(time for times in TIMES_OF.values() for time in times)

PRONOUNS = _words("I you he she we they")
DIGITS = _words("10 4 12 7")
"""Numbers that all languages write alike."""
NUMBERS = _words("two three four five")
DETERMINERS = ("the", "this", "that", "every")
RELATIONS = _words("in to from near with of")
LINKS = ("and", "but")
SUBORDINATORS = ("that-clause", "because")
TENSES = tuple(TIMES_OF)
PARTICLES = ("not", "plural")
SUFFIXES = _words(
    "-plural -accusative -genitive -locative -dative -past -present -future -many -adverb -quality"
)

CORE = NOUNS + VERBS + QUALITIES
"""The concepts whose roots lexical distance is measured on."""
SHORT = (
    PRONOUNS
    + NUMBERS
    + DETERMINERS
    + RELATIONS
    + LINKS
    + SUBORDINATORS
    + TENSES
    + PARTICLES
    + TIMES
    + MANNERS
)
CONCEPTS = CORE + SHORT + SUFFIXES
