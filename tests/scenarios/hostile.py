"""What somebody who can list a coin or write an error message may try on a terminal, and a reader of what arrived there."""

import re

PAYLOADS = (
    "\x1b]0;owned\x07", "\x1b]52;c;Y3VybCBldmls\x07", "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "\x1b[2J\x1b[H",
    "\x1b[?1049l", "\x1bP+q544e\x1b\\", "\x1b_apc\x1b\\", "\x1b^pm\x1b\\", "\x1bXsos\x1b\\", "\x9b31m", "\x9d0;c1\x9c",
    "\x1b[6n", "\x1bc", "\x1b[?1003h", "\x1b[5;5H", "a\rb", "a\nERROR fake", "\x07\x08\x0b\x0c", "\x7f\x00", "\t",
    "[/]", "[@click=app.quit]x[/]", "[red]x", "[link=file:///etc]x[/link]", "\u202egnp.exe", "\u2066x\u2069", "a\u200bb",
    "\u2028line\u2029", "\ufeff", "\ud800", "\U000e0041\U000e0042", "1\ufe0f\u20e3", "\u0301" * 30, "x" * 100_000,
)  # fmt: skip
"""Escape sequences of seven and eight bits, line ends, markup, text that runs backwards or has no width, and much of it."""

SEQUENCE = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[P_^X][^\x1b]*(?:\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x1f\x7f-\x9f]|[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
OWN_TEXT = re.compile(r"\d+")


def shapes(sent: bytes) -> set[str]:
    """Every sequence and every character without a glyph, numbers left out; the shape of a pointer is one of its own."""
    found = SEQUENCE.findall(sent.decode("utf-8", "surrogateescape"))
    return {OWN_TEXT.sub("#", re.sub(r"^(\x1b\]22;)[a-z-]+", r"\1", text)).replace(";#", "") for text in found}
