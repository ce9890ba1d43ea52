"""What a hub or a mirror may not do: name paths elsewhere, have a password shown."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import Hub, Repository
from hub_sets import environment

from xlbench.hub.guard import hidden, is_path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LIES = {
    "climbing-commit": {"sha": "../../../../escaped"},
    "absolute-commit": {"sha": "/escaped"},
    "short-commit": {"sha": COMMIT[:39]},
    "upper-commit": {"sha": COMMIT.upper()},
    "climbing-file": {"file": "../../../../escaped"},
    "absolute-file": {"file": "/escaped"},
    "windows-file": {"file": "a\\..\\..\\escaped"},
    "drive-file": {"file": "C:escaped"},
    "nul-file": {"file": "escaped\0"},
    "climbing-header": {"commit": "../../../../escaped"},
    "climbing-etag": {"etag": "../../../../escaped"},
    "climbing-etag-alone": {"etag": ".."},
}
ASK = """
import json, sys
from xlbench import hub
from xlbench.errors import XlbenchError
said = {}
for name in json.loads(sys.argv[1]):
    try:
        found = hub.find(hub.Repo(f"org/{name}", "model", "a checkpoint folder"), *sys.argv[2:])
        said[name] = hub.fetch(found, "config.json").read_text()
    except XlbenchError as error:
        said[name] = f"{type(error).__name__} {error}"
print(json.dumps(said))
"""


def ask(names: list[str], home: Path, url: str, *revision: str) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(names), *revision],
        env=environment(home, url), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "secret" not in done.stdout + done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_names_of_a_server_never_become_paths_elsewhere(tmp_path: Path) -> None:
    home = tmp_path / "a" / "b" / "home"
    names = ["sound", *LIES]
    made = [
        Repository(f"org/{x}", "model", {"main": {"config.json": b"{}", "ab: c/ü.txt": b""}}) for x in names
    ]
    with Hub(*made) as hub:
        hub.lies = {f"org/{x}": lies for x, lies in LIES.items()}
        said = ask(names, home, hub.url)
    assert said.pop("sound") == "{}"
    for name, line in said.items():
        assert line.startswith(f"ModelError org/{name}: the server names "), line
        assert "\n" not in line
        assert line.isprintable()
    assert not [x for x in tmp_path.rglob("*") if "escaped" in x.name]
    assert [x.name for x in tmp_path.iterdir()] == ["a"]
    assert not Path("/escaped").exists()


def test_a_revision_is_no_path_elsewhere_either(tmp_path: Path) -> None:
    with Hub(Repository("org/sound", "model", {"main": {"config.json": b"{}"}})) as hub:
        line = ask(["sound"], tmp_path / "home", hub.url, "../../main")["sound"]
    assert line.startswith("ModelError org/sound: '../../main' is no revision")
    assert not list(tmp_path.iterdir())


def test_a_kept_list_that_was_tampered_with_is_asked_for_again(tmp_path: Path) -> None:
    made = Repository("org/sound", "model", {"main": {"config.json": b"{}"}})
    with Hub(made) as hub:
        for _ in range(2):
            assert ask(["sound"], tmp_path, hub.url) == {"sound": "{}"}
            (kept,) = (tmp_path / "xlbench" / "hub").glob("*/*/files.json")
            kept.write_text(json.dumps({"../../config.json": {"size": 2, "digest": ""}}))


def test_the_password_of_the_address_is_never_shown(tmp_path: Path) -> None:
    with Hub(Repository("org/gated", "model", {"main": {"config.json": b"{}"}}, "gated")) as hub:
        hub.fail("api/models/org/gated", 403, times=9)
        url = hub.url.replace("://", "://name:secret@")
        said = ask(["gated", "none"], tmp_path, url)
    assert all(x.startswith("ModelError org/") for x in said.values())
    assert f"ask for it at {hub.url}/org/gated" in said["gated"]
    ask(["nowhere"], tmp_path, "http://name:secret@127.0.0.1:1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see http://u:p@h/x and https://t@h", "see http://h/x and https://h"),
        ("http://u:p@q@h", "http://h"),
        ("org/name@main of https://h/a@b", "org/name@main of https://h/a@b"),
    ],
)
def test_addresses_are_shown_without_names_and_passwords(text: str, expected: str) -> None:
    assert hidden(text) == expected


def test_what_is_a_path() -> None:
    assert all(map(is_path, ("a", "a/b.c", ".gitattributes", "a b/ç", "data:1/x", "..a/b..")))
    assert not any(
        map(
            is_path,
            ("", "/a", "a/", "a//b", ".", "a/../b", "..", "...", "a\\b", "C:/x", "a\n", "\0", 3, None),
        )
    )
