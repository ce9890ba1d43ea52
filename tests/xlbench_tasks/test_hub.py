"""Published data: from a hub on this machine, from the cache, and from nowhere.

Each of the few processes tries many things, since address and cache are read when libraries are imported.
"""

import ast
from dataclasses import dataclass
from typing import Any

import pytest
from hub_server import Hub, sha256
from hub_sets import NOWHERE, questions, read, scripted, treebanks, web, wikiann, wikipedia, xnli

from xlbench.contracts import Answered, Classified, Parsed, Revised, Tagged, TaskData
from xlbench.data import languages
from xlbench_tasks import dep, ner, nli, pos, qa

DATA = {x.name: x for module in (ner, pos, nli) for x in module.xlbench_task_data()}
TYDIQA, XQUAD = qa.xlbench_task_data()
KNOWN = "__import__('xlbench.plugins').plugins.load().languages"
WEB = f"anything.member('org/web:body:{{iso639_3}}_{{script}}', {KNOWN})"
SEEDED = "wikipedia.member('7', {})"
SCRIPTED = (
    "HubData('s', 'ner', 'org/scripted', '', {'bam': 'bam'}, ('tokens', 'ner_tags'), ner.decode, "
    "revision=hub.CONVERTED)"
)
READABLE = {
    "ner": "wikiann.examples('eng', 'test')",
    "first": "wikiann.examples('eng', 'test', 1)",
    "fingerprint": "wikiann.fingerprint('eng', 'test'), wikiann.commit",
    "tag": "wikiann.at('v1').fingerprint('eng', 'test'), wikiann.at('v1').examples('eng', 'test')",
    "pos": "ud.examples('eng', 'test')",
    "trees": "trees.examples('eng', 'test')",
    "tydiqa": "tydiqa.examples('fin', 'test'), tydiqa.examples('eng', 'test', 1)",
    "nli": "xnli.examples('eng', 'test', 1)",
    "scripted": f"{SCRIPTED}.examples('bam', 'test')",
    "wikipedia": "wikipedia.fingerprint('deu'), wikipedia.lines('deu', 5)",
    "seeded": f"{SEEDED}.fingerprint('deu'), {SEEDED}.lines('deu', 99)",
    "web": f"(lambda x: (x.languages(), x.lines('deu', 9), x.commit))({WEB})",
    "named": f"anything.member('org/web:body:tur=tur', {KNOWN}).lines('tur', 9)",
}
REFUSED = {
    "label": "wikiann.examples('deu', 'test')",
    "no root": "trees.examples('deu', 'test')",
    "no relation": "trees.examples('fra', 'test')",
    "no answer": "xquad.examples('zho', 'test')",
    "no label": "xnli.examples('eng', 'test')",
    "no revision": "wikiann.at('v2').fingerprint('eng', 'test')",
    "no files": "wikiann.examples('fra', 'test')",
    "no column": "HubData('s', 'ner', 'org/scripted', '', {'bam': 'bam'}, ('words',), ner.decode, "
    "revision=hub.CONVERTED).examples('bam', 'test')",
    "no text column": f"anything.member('org/web:text:tur=tur', {KNOWN}).lines('tur', 9)",
    "no configuration": f"anything.member('org/web:body:tur=xxx', {KNOWN}).lines('tur', 9)",
}


@dataclass
class Read:
    online: dict[str, str]
    asked: list[str]
    silent: dict[str, str]
    """The server stopped."""
    offline: dict[str, str]
    """And offline mode set."""
    commits: dict[str, str]
    """By repository and revision."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Read:
    home = tmp_path_factory.mktemp("home")
    repositories = [wikiann(), treebanks(), *questions(), xnli(), scripted(), wikipedia(), web()]
    commits = {f"{x.id}@{name}": x.commit(name) or "" for x in repositories for name in x.revisions}
    with Hub(*repositories) as hub:
        online = read(READABLE | REFUSED, home, hub.url)
    silent = read(READABLE | {"unheard": "wikiann.at('v3').fingerprint('eng', 'test')"}, home, NOWHERE)
    offline = read(READABLE, home, hub.url, HF_HUB_OFFLINE="1")
    return Read(online, hub.asked, silent, offline, commits)


def test_labels_go_by_name_and_shards_follow_each_other(found: Read) -> None:
    ada, lone, last = (
        Tagged(("Ada", "in", "Rom"), ("B-PER", "O", "B-LOC")),
        Tagged(("x",), ("O",)),
        Tagged(("te",), ("B-ORG",)),
    )
    assert found.online["ner"] == repr([ada, lone, last])
    assert found.online["first"] == repr([ada])
    main, tag = found.commits["unimelb-nlp/wikiann@main"], found.commits["unimelb-nlp/wikiann@v1"]
    assert found.online["fingerprint"] == repr((f"en@{main}", main))
    assert found.online["tag"] == repr((f"en@{tag}", [last]))


def test_treebanks_leave_ranges_out(found: Read) -> None:
    assert found.online["pos"] == repr([Tagged(("in", "dem"), ("ADP", "DET"))])


def test_trees_leave_ranges_and_subtypes_out(found: Read) -> None:
    assert found.online["trees"] == repr([Parsed(("in", "dem"), (2, 0), ("case", "root"))])


def test_questions_of_a_language_are_found_by_their_ids(found: Read) -> None:
    one = Answered("Wo?", "In Rom.", ("Rom",), (3,))
    assert found.online["tydiqa"] == repr(([one, one], [one]))


def test_what_is_tested_on_and_what_can_be_trained_on() -> None:
    assert set(TYDIQA.languages("train")) == set(TYDIQA.languages("test"))
    assert len(TYDIQA.languages("test")) == 9
    assert not TYDIQA.languages("dev")
    assert len(XQUAD.languages("test")) == 12
    assert not XQUAD.languages("train")
    assert set(XQUAD.languages("test")) <= languages.codes()
    (trees,) = dep.xlbench_task_data()
    assert trees.languages("train") == DATA["ud"].languages("train")


def test_inference_pairs(found: Read) -> None:
    assert found.online["nli"] == repr([Classified(("p", "h"), "entailment")])


def test_a_loading_script_is_read_from_the_conversion(found: Read) -> None:
    tags = ("O", "B-ORG", "I-ORG")
    assert found.online["scripted"] == repr([Tagged((f"w{i}",), (tag,)) for i, tag in enumerate(tags)])
    assert not any("scripted.py" in x for x in found.asked)


def test_wikipedia_is_read_in_the_order_of_the_dump(found: Read) -> None:
    commit = found.commits["wikimedia/wikipedia@main"]
    lines = ["Title 00", "Line of 00.", "Title 01", "Line of 01.", "Title 02"]
    assert found.online["wikipedia"] == repr((f"20231101.de@{commit}", lines))


def test_a_seed_draws_articles_from_all_over_the_edition(found: Read) -> None:
    fingerprint, lines = ast.literal_eval(found.online["seeded"])
    assert fingerprint == f"20231101.de@{found.commits['wikimedia/wikipedia@main']}#seed=7"
    whole = [
        f"{what} {i}{j}{end}"
        for i in range(2)
        for j in range(8)
        for what, end in (("Title", ""), ("Line of", "."))
    ]
    assert sorted(lines) == sorted(whole)
    assert lines != whole
    assert {x[6] for x in lines[:8:2]} == {"0", "1"}
    # An article's lines stay together.
    assert [x.replace("Title", "Line of") + "." for x in lines[::2]] == lines[1::2]


def test_any_text_set_by_id_and_column(found: Read) -> None:
    commit = found.commits["org/web@main"]
    assert found.online["web"] == repr((("deu",), ["Eins.", "Zwei.", "Drei."], commit))
    assert found.online["named"] == repr(["Bir."])


def test_what_cannot_be_used_is_one_line(found: Read) -> None:
    said = {name: found.online[name] for name in REFUSED}
    page = "/datasets/unimelb-nlp/wikiann/tree/main"
    assert said["label"].startswith("DataError unimelb-nlp/wikiann (de, test) row 1: unknown label 'B-FOO'")
    treebank = "DataError commul/universal_dependencies"
    assert said["no root"] == (
        f"{treebank} (de_gsd, test) row 0: word 1: no word of the sentence hangs from the root, 0; "
        "take other data"
    )
    assert said["no relation"] == f"{treebank} (fr_gsd, test) row 0: unknown label 'ROOT'; take other data"
    assert said["no answer"] == (
        "DataError google/xquad (xquad.zh, validation) row 1: answer_start 4 does not match the answer "
        "'Rom'; it is at 3; take other data"
    )
    assert "facebook/xnli (en, test) row 1: unknown label None" in said["no label"]
    assert "unimelb-nlp/wikiann: no revision 'v2' on the hub" in said["no revision"]
    assert said["no revision"].endswith(page)
    assert "unimelb-nlp/wikiann (fr, test): no parquet file of it at commit" in said["no files"]
    assert "no column words in 0000.parquet, which has tokens, ner_tags" in said["no column"]
    assert "no column 'text'; it has id, body" in said["no text column"]
    assert "org/web: no configuration 'xxx'" in said["no configuration"]
    assert all(x.startswith("DataError ") and "\n" not in x for x in said.values())


def test_a_second_start_needs_no_network(found: Read) -> None:
    online = {name: found.online[name] for name in READABLE}
    unheard = found.silent.pop("unheard")
    assert found.silent == found.offline == online
    assert unheard.startswith("DataError unimelb-nlp/wikiann: not in the local cache, and the hub cannot be")


def test_only_what_is_read_is_fetched_and_only_once(found: Read) -> None:
    files = wikiann().revisions["main"]
    for path, content in files.items():
        place = f"GET /store/{sha256(content)}"
        assert found.asked.count(place) == (1 if "test" in path else 0), path


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_languages_are_known_without_a_network(data: Any) -> None:
    assert isinstance(data, TaskData)
    assert isinstance(data, Revised)
    assert set(data.languages("dev")) <= set(data.languages("test")) <= languages.codes()
    assert "eng" in data.languages("train")


def test_every_configuration_of_wikiann_is_used() -> None:
    assert set(DATA["wikiann"].configs.values()) == ner.WIKIANN
    assert len(ner.WIKIANN) == 176 - 3
