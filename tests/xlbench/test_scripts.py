"""Scripts, determined from letters."""

import pytest

from xlbench.data.scripts import SIMPLIFIED, TRADITIONAL, letters, script


@pytest.mark.parametrize(
    ("text", "usual", "found"),
    [
        ("Ово је ћирилица, a ovo nije вест", "Latn", "Cyrl"),
        ("Ovo je latinica, као што се види; sve ostalo je tako", "Cyrl", "Latn"),
        ("यह देवनागरी है, Kashmiri की एक लिपि", "Arab", "Deva"),
        ("這個國家的語言學問題還沒有經過討論，我們應該說話", "Hans", "Hant"),
        ("这个国家的语言学问题还没有经过讨论，我们应该说话", "Hant", "Hans"),
        ("山水人口手足牛羊白黑大小上下左右天地火木金土日月", "Hant", "Hant"),
        ("山水人口手足牛羊白黑大小上下左右天地火木金土日月", "Jpan", "Hani"),
        ("これは日本の新聞記事から取った短い文章です", "Hans", "Jpan"),
        ("이것은 한국어 문장입니다. 서울은 대한민국의 수도입니다", "Kore", "Kore"),
        ("یہ اردو کا ایک جملہ ہے جو یہاں لکھا گیا ہے", "Aran", "Aran"),
        ("123 456", "Thai", "Thai"),
        ("kurz", "Thai", "Thai"),
    ],
)
def test_most_letters_decide(text: str, usual: str, found: str) -> None:
    assert script(letters([text]), usual) == found


def test_the_two_lists_are_parallel_and_apart() -> None:
    assert len(SIMPLIFIED) == len(TRADITIONAL) == len(set(SIMPLIFIED)) == len(set(TRADITIONAL))
    assert not set(SIMPLIFIED) & set(TRADITIONAL)
