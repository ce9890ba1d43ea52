"""Colours of charts and pages. Text on its ground has a contrast of 4.5 at least, marks of 3 (WCAG AA)."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

Name: TypeAlias = Literal["light", "dark"]
NAMES: tuple[Name, ...] = ("light", "dark")

FONT = "sans-serif"

_INK: dict[Name, dict[str, str]] = {
    "light": {
        "ground": "#ffffff",
        "ink": "#1c2430",
        "soft": "#566171",
        "line": "#d4d9e0",
        "weak": "#1c2430",
        "strong": "#ffffff",
        "above": "#1264a8",
        "below": "#b02a1f",
    },
    "dark": {
        "ground": "#14181f",
        "ink": "#e8ecf2",
        "soft": "#a9b4c2",
        "line": "#3a4452",
        "weak": "#f4f6f9",
        "strong": "#ffffff",
        "above": "#6db3f2",
        "below": "#f28b82",
    },
}
_DIVERGING: dict[Name, list[str]] = {
    "light": ["#9d1420", "#d6604d", "#f4bfa6", "#f5f5f5", "#abd0e6", "#4393c3", "#12528f"],
    "dark": ["#b8303a", "#93353a", "#5c3238", "#272e38", "#264764", "#285f93", "#2b72bf"],
}
_RAMP: dict[Name, list[str]] = {
    "light": ["#f2f6fb", "#abd0e6", "#4393c3", "#12528f"],
    "dark": ["#202833", "#264764", "#285f93", "#2b72bf"],
}
_CURVES: dict[Name, list[str]] = {
    "light": ["#1264a8", "#b8480b", "#1a7d48", "#8a3ea8", "#94660a", "#c2185b", "#4d5b6a", "#007a88"],
    "dark": ["#6db3f2", "#f29a5c", "#62c58f", "#cf9be8", "#dcb44f", "#f58bb0", "#aab7c6", "#4fc7d4"],
}


def colours(name: Name) -> dict[str, str]:
    """Values of the parameters that every chart has: `ink`, `soft`, `line`, and `weak` and `strong`, the
    colours of text on weak and strong fields; `above` and `below` 0; `ground` lies behind.
    """
    return dict(_INK[name])


def params(**more: Any) -> list[dict[str, Any]]:
    """Parameters of a specification that a page may set: its own, and the colours."""
    return [{"name": name, "value": value} for name, value in {**colours("light"), **more}.items()]


def config(name: Name) -> dict[str, Any]:
    """Vega-Lite's configuration."""
    colour = _INK[name]
    words = {"labelColor": colour["ink"], "titleColor": colour["ink"], "titleFontWeight": 600}
    return {
        "background": colour["ground"],
        "font": FONT,
        "range": {
            "diverging": {"scheme": _DIVERGING[name]},
            "ramp": {"scheme": _RAMP[name]},
            "category": _CURVES[name],
        },
        "axis": {
            **words,
            "domainColor": colour["line"],
            "gridColor": colour["line"],
            "tickColor": colour["line"],
            "labelFontSize": 12,
            "titleFontSize": 13,
            "titlePadding": 10,
        },
        "legend": {**words, "labelFontSize": 12, "titleFontSize": 12},
        "title": {
            "color": colour["ink"],
            "subtitleColor": colour["soft"],
            "anchor": "start",
            "fontSize": 16,
            "subtitleFontSize": 12,
            "offset": 12,
        },
        "view": {"stroke": None},
    }
