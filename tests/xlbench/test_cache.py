"""What is kept between commands: used while it is whole and asked for by the same name, else made again."""

from pathlib import Path

import pytest

from xlbench.files import cache


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was made so far; the cache is empty at first."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return []


def asked(made: list[bytes], name: str = "a/b.js") -> bytes:
    def make() -> bytes:
        made.append(b"line %d\nand more" % len(made))
        return made[-1]

    return cache.remembered(name, make)


def test_it_is_made_once_for_each_name(made: list[bytes]) -> None:
    assert asked(made) == asked(made) == made[0]
    assert asked(made, "a/c.js") == made[1]
    assert len(made) == 2


@pytest.mark.parametrize("damage", [lambda x: x[:-1], lambda x: x + b" ", lambda x: b"", lambda x: x[::-1]])
def test_what_changed_is_made_again(made: list[bytes], tmp_path: Path, damage: object) -> None:
    asked(made)
    (kept,) = (tmp_path / "xlbench" / "a").iterdir()
    kept.write_bytes(damage(kept.read_bytes()))  # type: ignore[operator]
    assert asked(made) == asked(made) == made[1]


def test_where_nothing_can_be_kept_it_is_made_each_time(
    made: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xlbench").write_text("in the way")
    assert [asked(made), asked(made)] == made
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "expanduser", lambda self: (_ for _ in ()).throw(RuntimeError("no home")))
    assert asked(made) == made[2]


def test_an_error_of_what_makes_it_is_kept_nowhere(made: list[bytes], tmp_path: Path) -> None:
    def fails() -> bytes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.remembered("a/b.js", fails)
    assert not list(tmp_path.rglob("*.js"))
    assert asked(made) == made[0]
