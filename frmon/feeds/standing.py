"""The one word for a venue and, in words, all that is wrong with it: pure."""

from collections.abc import Mapping, Sequence

from frmon.errors import Unreachable
from frmon.model import LineState, Status, VenueState

FATAL = {Status.BLOCKED, Status.BANNED, Status.TLS, Status.DNS}


def are_lost(states: Sequence[VenueState]) -> bool:
    """Whether no venue can be reached at all: the reason is not with the venues."""
    return bool(states) and all(s.status in {Status.RECONNECT, Status.DNS} and not s.fresh_legs for s in states)


def before_lists(troubles: Mapping[str, Unreachable], findings: Sequence[str] = ()) -> tuple[Status, str]:
    """While it is not known what the venue trades."""
    first = next(iter(troubles.values()), None)
    if first is not None:
        return Status(first.status), first.why
    return Status.CONNECTING, "; ".join(["asking what trades", *findings])


def of_venue(
    lines: Sequence[LineState],
    troubles: Mapping[str, Unreachable],
    findings: Sequence[str] = (),
    is_refuted: bool = False,
    has_stood: bool = False,
) -> tuple[Status, str]:
    """`lines`: those that carry data; `troubles`: what is asked by REST -> why it does not answer; `findings`: what sweeps
    found, in words; `is_refuted`: they found streams that say what is not true; `has_stood`: the venue was whole before, so
    that a line which only begins is one more, and nothing that is missing."""
    if not lines and not troubles and not has_stood:
        return Status.CONNECTING, "; ".join(["no line is asked for yet", *findings])
    words = [*(f"REST {name}: {trouble.why}" for name, trouble in troubles.items()), *findings]
    begun = [s for s in lines if has_stood and s.status is Status.CONNECTING]
    words += [f"{s.name} {s.status}" + (f": {s.detail}" if s.detail else "") for s in begun]
    lines = [s for s in lines if s not in begun]
    bad = [s for s in lines if s.status not in {Status.LIVE, Status.LAG}]
    if not bad:
        words += [f"{s.name}: {s.detail}" for s in lines if s.detail and s.status is Status.LIVE]
        return _without_bad_lines(lines, troubles, is_refuted), "; ".join(words)
    worst = min(bad, key=_rank)
    words.insert(0, f"{worst.name} {worst.status}" + (f": {worst.detail}" if worst.detail else ""))
    if len(bad) < len(lines):
        words.insert(0, f"{len(bad)} of {len(lines)} lines")
    status = Status.BANNED if _is_banned(troubles) else _status(bad, worst, len(lines), bool(troubles))
    return Status.MAINT if _is_maintained(troubles) and worst.status not in FATAL else status, "; ".join(words)


def at_rest(state: VenueState, trading: Mapping[str, int], halted: Mapping[str, int]) -> None:
    """Say so where whole markets of a venue rest: instruments that trade and that are halted, by market."""
    resting = [market for market in halted if not trading.get(market)]
    if not resting or state.status in FATAL:
        return
    everywhere = not any(trading.values())
    words = "; ".join(f"all {halted[m]} {m} instruments are halted" for m in resting)
    state.detail = f"{words}; {state.detail}" if state.detail else words
    if everywhere:
        state.status = Status.MAINT
    elif state.status in {Status.LIVE, Status.LAG}:
        state.status = Status.PARTIAL


def _is_banned(troubles: Mapping[str, Unreachable]) -> bool:
    return any(trouble.status == Status.BANNED for trouble in troubles.values())


def _is_maintained(troubles: Mapping[str, Unreachable]) -> bool:
    return any(trouble.status == Status.MAINT for trouble in troubles.values())


def _without_bad_lines(lines: Sequence[LineState], troubles: Mapping[str, Unreachable], is_refuted: bool) -> Status:
    """A ban says what we may not do, whoever still speaks."""
    if _is_banned(troubles):
        return Status.BANNED
    if _is_maintained(troubles):
        return Status.MAINT
    if troubles or is_refuted:
        return Status.PARTIAL
    return Status.LAG if any(s.status is Status.LAG for s in lines) else Status.LIVE


def _rank(line: LineState) -> int:
    """What to name first: what ends only when the venue says so, last what only begins."""
    return 0 if line.status in FATAL else 2 if line.status is Status.CONNECTING else 1


def _status(bad: Sequence[LineState], worst: LineState, lines: int, without_rest: bool) -> Status:
    if worst.status is Status.CONNECTING:
        return Status.CONNECTING
    if len(bad) < lines:
        return Status.PARTIAL
    return worst.status if without_rest or worst.status in FATAL else Status.REST
