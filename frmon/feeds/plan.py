"""Which lines a stream needs for these symbols, and what to ask again after a refusal. Pure."""

from collections.abc import Collection, Sequence
from itertools import pairwise

import msgspec

from frmon.errors import Refused
from frmon.feeds.contract import Stream


class LinePlan(msgspec.Struct, frozen=True):
    """One line to keep up: its name on screen and its symbols (none where the stream covers its whole market)."""

    name: str
    symbols: tuple[str, ...]


class Change(msgspec.Struct, frozen=True):
    """What changes on the line with this index; an index past the last line opens a new one."""

    line: int
    leave: tuple[str, ...] = ()
    join: tuple[str, ...] = ()


def lines(venue: str, stream: Stream, symbols: Collection[str]) -> list[LinePlan]:
    """The lines for these symbols: sorted, as few lines as the limits allow, evenly filled. No symbols, no lines."""
    if not stream.per_symbol:
        return [LinePlan(line_name(venue, stream, 0), ())]
    wanted = sorted(chosen(stream, symbols))
    number = -(-len(wanted) // stream.symbols_per_line)
    while number < len(wanted) and not all(_fits(stream, part) for part in _split(wanted, number)):
        number += 1
    return [LinePlan(line_name(venue, stream, i), tuple(part)) for i, part in enumerate(_split(wanted, number))]


def line_name(venue: str, stream: Stream, index: int) -> str:
    """A line's name: "VENUE spot 2" for index 1."""
    return f"{venue} {stream.name} {index + 1}"


def chosen(stream: Stream, symbols: Collection[str]) -> list[str]:
    """Each symbol once, at most as many as the stream allows in all: of a sequence the first ones, else the first by
    name."""
    ordered = symbols if isinstance(symbols, Sequence) else sorted(symbols)
    return list(dict.fromkeys(ordered))[: stream.symbols_at_most]


def prefer(ranked: Sequence[str], current: Collection[str], most: int) -> set[str]:
    """At most `most` symbols for an on-demand stream: the most interesting, but whoever is carried already stays while
    he is among the first one and a half times as many, so that neighbours in rank do not swap for ever."""
    sticky = [s for s in ranked[: most + most // 2] if s in current]
    best = ranked[: most // 2]
    return set(list(dict.fromkeys([*best, *sticky, *ranked]))[:most])


def rebalance(current: Sequence[Collection[str]], stream: Stream, symbols: Collection[str]) -> list[Change]:
    """How the lines with these symbols come to carry just `symbols`: who is unwanted (or on a second line too) leaves,
    who is new joins the emptiest line with room, a new line only where all are full. Other lines are not mentioned."""
    if not stream.per_symbol:
        return [] if current else [Change(0)]
    wanted = chosen(stream, symbols)
    missing = set(wanted)
    kept: list[set[str]] = []
    for line in current:
        kept.append(missing.intersection(line))
        missing -= kept[-1]
    leave = [tuple(sorted(set(line) - kept[i])) for i, line in enumerate(current)]
    join = _place(kept, stream, sorted(missing))
    leave += [()] * (len(join) - len(leave))
    pairs = enumerate(zip(leave, join, strict=True))
    return [Change(i, left, tuple(joined)) for i, (left, joined) in pairs if left or joined]


def after_refusal(stream: Stream, asked: Sequence[str], refused: Refused) -> tuple[list[tuple[str, ...]], list[str]]:
    """(groups to ask again, rejected symbols) after a frame that asked for `asked` was refused.

    Each group goes into frames of its own: where the venue did not say which symbol it means, the halves are asked
    apart until the culprit stands alone. A duplicate is live already. On a line that is about to close nothing is
    asked again. A refusal that names a foreign symbol and no request is none of these symbols' business."""
    culprit = _culprit(asked, refused)
    if culprit is None and refused.symbol is not None and refused.request is None:
        return [], []
    if refused.closing:
        return [], [] if culprit is None or refused.duplicate else [culprit]
    if culprit is None and len(asked) > 1:
        half = len(asked) // 2
        return [tuple(asked[:half]), tuple(asked[half:])], []
    out = {culprit} if culprit is not None else set(asked)
    rest = tuple(s for s in asked if s not in out) if stream.refusal_voids_ask else ()
    return [rest] if rest else [], [] if refused.duplicate else sorted(out)


def _culprit(asked: Sequence[str], refused: Refused) -> str | None:
    """The refused symbol as we wrote it; None where the venue named none of these."""
    named = (refused.symbol or "").casefold()
    return next((s for s in asked if s.casefold() == named), None)


def _split(symbols: list[str], number: int) -> list[list[str]]:
    """`number` neighbouring parts whose lengths differ by one at most."""
    bounds = [len(symbols) * i // number for i in range(number + 1)] if number else []
    return [symbols[a:b] for a, b in pairwise(bounds)]


def _fits(stream: Stream, symbols: Collection[str]) -> bool:
    return len(symbols) <= stream.symbols_per_line and _has_chars(stream, symbols)


def _has_chars(stream: Stream, symbols: Collection[str]) -> bool:
    return stream.line_chars is None or sum(map(stream.topic_chars, symbols)) <= stream.line_chars


def _place(kept: Sequence[set[str]], stream: Stream, newcomers: Sequence[str]) -> list[list[str]]:
    """Who joins which line; longer than `kept` where lines are new."""
    join: list[list[str]] = [[] for _ in kept]
    filled = [list(line) for line in kept]
    for symbol in newcomers:
        room = [i for i, line in enumerate(filled) if _fits(stream, [*line, symbol])]
        index = min(room, key=lambda i: len(filled[i]), default=len(filled))
        if index == len(filled):
            join.append([])
            filled.append([])
        join[index].append(symbol)
        filled[index].append(symbol)
    return join
