"""Colours: two themes of our own, and what each meaning looks like in any theme."""

import os
from collections.abc import Mapping

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

DARK = "frmon-dark"
LIGHT = "frmon-light"
PLAIN = "ansi-dark"
PLAIN_LIGHT = "ansi-light"

THEMES = (
    Theme(
        name=DARK,
        primary="#6cb6ff",
        secondary="#8b98a9",
        accent="#6cb6ff",
        success="#3fd68f",
        warning="#e3b341",
        error="#ff6b6b",
        foreground="#d0d7de",
        background="#0d1117",
        surface="#11161d",
        panel="#18202a",
        dark=True,
        variables={
            "scrollbar": "#2a3442",
            "scrollbar-hover": "#3a4658",
            "scrollbar-active": "#4a586c",
            "scrollbar-background": "#0d1117",
            "scrollbar-background-hover": "#0d1117",
            "scrollbar-background-active": "#0d1117",
        },
    ),
    Theme(
        name=LIGHT,
        primary="#0550ae",
        secondary="#57606a",
        accent="#0550ae",
        success="#0a7f42",
        warning="#8a5a00",
        error="#c2182b",
        foreground="#24292f",
        background="#fcfcfa",
        surface="#f4f5f6",
        panel="#e8ebee",
        dark=False,
        variables={
            "scrollbar": "#c3cad2",
            "scrollbar-hover": "#a9b2bc",
            "scrollbar-active": "#8d97a3",
            "scrollbar-background": "#fcfcfa",
            "scrollbar-background-hover": "#fcfcfa",
            "scrollbar-background-active": "#fcfcfa",
        },
    ),
)


def wants_plain(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal or its user asks for no colours of ours."""
    return "NO_COLOR" in environ or environ.get("TERM", "") in {"dumb", "linux", "vt100"}


HUES = ("hue0", "hue1", "hue2", "hue3", "hue4", "hue5")
"""Lines of a chart, by venue."""
_ON_DARK = ("#e3b341", "#58a6ff", "#f0883e", "#39c5bb", "#d2a8ff", "#7ee787")
_ON_LIGHT = ("#8a5a00", "#0550ae", "#bc4c00", "#0f766e", "#7a3fc0", "#1a7f37")
_OF_TERMINAL = ("yellow", "blue", "magenta", "cyan", "green", "red")

UNDERS = ("base", "cursor", "head", "bar", "field")
"""What may lie under a whole line."""


def palette(theme: Theme) -> dict[str, dict[str, Style]]:
    """What lies under a line -> meaning -> style, in a theme."""
    inks = _terminal() if theme.ansi else _derived(theme)
    return {under: _upon(inks["base"] + inks[under], inks) for under in UNDERS}


def _upon(base: Style, inks: dict[str, Style]) -> dict[str, Style]:
    """Each meaning upon a ground. On a reversed ground colours would be patches: only weight is left."""
    return {name: base + (Style(bold=ink.bold) if base.reverse else ink) for name, ink in inks.items()}


def _derived(theme: Theme) -> dict[str, Style]:
    back = Color.parse(theme.background or ("#121212" if theme.dark else "#e0e0e0"))
    fore = Color.parse(theme.foreground or ("#e0e0e0" if theme.dark else "#202020"))
    panel = Color.parse(theme.panel) if theme.panel else back.blend(fore, 0.08)
    accent = Color.parse(theme.accent or theme.primary)
    good = Color.parse(theme.success or "#3fd68f")
    warn = Color.parse(theme.warning or "#e3b341")
    bad = Color.parse(theme.error or "#ff6b6b")

    def ink(colour: Color, under: Color | None = None, bold: bool | None = None) -> Style:
        return Style(color=colour.rich_color, bgcolor=None if under is None else under.rich_color, bold=bold)

    surface = Color.parse(theme.surface) if theme.surface else back.blend(fore, 0.04)
    return {
        "base": ink(fore, back),
        "field": ink(fore, surface),
        "text": ink(fore.blend(back, 0.1)),
        "bright": ink(fore, bold=True),
        "dim": ink(fore.blend(back, 0.45)),
        "stale": ink(fore.blend(back, 0.62)),
        "coin": ink(fore, bold=True),
        "pin": ink(warn),
        "venue": ink(fore.blend(back, 0.35)),
        "accent": ink(accent),
        "key": ink(accent, bold=True),
        "good": ink(good, bold=True),
        "up": ink(good.blend(fore, 0.25)),
        "down": ink(bad.blend(fore, 0.3)),
        "warn": ink(warn),
        "error": ink(bad, bold=True),
        "head": ink(fore.blend(back, 0.35), panel),
        "sorted": ink(accent, panel, bold=True),
        "cursor": Style(bgcolor=back.blend(accent, 0.2).rich_color),
        "bar": ink(fore.blend(back, 0.25), panel),
        "notice": ink(back, warn, bold=True),
        "alarm": ink(back, bad, bold=True),
        "calm": ink(back, accent, bold=True),
        **{name: ink(Color.parse(hue)) for name, hue in zip(HUES, _ON_DARK if theme.dark else _ON_LIGHT, strict=True)},
    }


def _terminal() -> dict[str, Style]:
    """The terminal's own colours; every difference also shows without any colour."""
    parse = Style.parse
    return {
        "base": parse("default on default"),
        "field": parse("default"),
        "text": parse("default"),
        "bright": parse("bold default"),
        "dim": parse("dim default"),
        "stale": parse("dim default"),
        "coin": parse("bold default"),
        "pin": parse("yellow"),
        "venue": parse("default"),
        "accent": parse("cyan"),
        "key": parse("bold cyan"),
        "good": parse("bold green"),
        "up": parse("green"),
        "down": parse("red"),
        "warn": parse("yellow"),
        "error": parse("bold red"),
        "head": parse("underline default"),
        "sorted": parse("bold underline default"),
        "cursor": parse("reverse"),
        "bar": parse("default"),
        "notice": parse("bold reverse yellow"),
        "alarm": parse("bold reverse red"),
        "calm": parse("bold reverse cyan"),
        **{name: parse(colour) for name, colour in zip(HUES, _OF_TERMINAL, strict=True)},
    }
