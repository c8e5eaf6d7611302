"""The status bar and the banner: how the venues are doing, in as few or as many words as there is room for."""

from collections.abc import Mapping, Sequence

from frmon.model import Status, VenueState
from frmon.tui import figures
from frmon.tui.columns import Named
from frmon.tui.lines import Line, cut, width_of

GOOD = frozenset({Status.LIVE})
IDLE = frozenset({Status.CONNECTING, Status.OFF})
UNSURE = frozenset({Status.LAG, Status.PARTIAL, Status.RECONNECT, Status.REST, Status.MAINT})
_ORDER = (GOOD, IDLE, UNSURE)


def severity(status: Status) -> int:
    """0 fine, 1 idle, 2 unsure, 3 bad."""
    return next((n for n, group in enumerate(_ORDER) if status in group), 3)


def sign(status: Status, ascii_only: bool) -> tuple[str, str]:
    """The mark of a status and its style."""
    mark = ("+o~!" if ascii_only else "●○▲■")[severity(status)]
    return mark, ("good", "dim", "warn", "error")[severity(status)]


def venues_line(states: Sequence[VenueState], venues: Mapping[str, Named], width: int, ascii_only: bool) -> Line:
    """One entry per venue, all in the longest form that fits."""
    line: Line = ()
    for form in range(5):
        entries = [_entry(s, venues, form, ascii_only) for s in states]
        gap = "   " if form < 2 else "  "
        line = tuple(p for n, e in enumerate(entries) for p in (((gap, "bar"), *e) if n else e))
        if width_of(line) <= width - 1:
            break
    return ((" ", "bar"), *line)


def _entry(state: VenueState, venues: Mapping[str, Named], form: int, ascii_only: bool) -> Line:
    venue = venues.get(state.name)
    name = state.name if venue is None else venue.title if form == 0 else venue.code
    mark, style = sign(state.status, ascii_only)
    legs = f"{state.fresh_legs}/{state.legs}"
    rate = f"{figures.compact(state.messages_per_s)}/s"
    lag = "" if state.lag_ms is None else f" {state.lag_ms:.0f}ms"
    again = f" {'r' if ascii_only else '↻'}{state.reconnects}" if state.reconnects else ""
    share = f"{100 * state.fresh_legs // state.legs}%" if state.legs else "0/0"
    tail = (
        f" {legs} fresh {rate}{lag}{again}",
        f" {legs} {rate}{lag}{again}",
        f" {legs} {rate}",
        f" {share}",
        "",
    )[form]
    return (name, "bright"), (f" {mark} {state.status.value}", style), (tail, "bar")


def words_line(states: Sequence[VenueState], venues: Mapping[str, Named], notices: Sequence[str] = ()) -> str:
    """What is wrong, in words: with the program itself (`notices`, the first one), then at the venue that is worst off; ""
    when nothing is."""
    more = f" (and {len(notices) - 1} more)" if len(notices) > 1 else ""
    return "; ".join(filter(None, (*(f"{notice}{more}" for notice in notices[:1]), _venue_words(states, venues))))


def _venue_words(states: Sequence[VenueState], venues: Mapping[str, Named]) -> str:
    wrong = [s for s in states if severity(s.status) >= 2 or s.detail]
    if not wrong:
        return ""
    worst = max(wrong, key=lambda s: severity(s.status))
    venue = venues.get(worst.name)
    name = worst.name if venue is None else venue.title
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return f"{name} {worst.status.value}{': ' if worst.detail else ''}{worst.detail}{more}"


def bottom_line(left: Sequence[Line], right: Line, width: int) -> Line:
    """One line with text at both ends; of the left groups as many as fit, a single one is cut."""
    room = max(0, width - width_of(right) - 3)
    kept: Line = cut(left[0], room) if len(left) == 1 else ()
    for group in left if len(left) > 1 else ():
        if width_of((*kept, *group)) > room:
            break
        kept = (*kept, *group)
    gap = max(1, width - 2 - width_of(kept) - width_of(right))
    return ((" ", "bar"), *kept, (" " * gap, "bar"), *right, (" ", "bar"))


def simulated_text(simulated: str) -> str:
    """What every screen says of a market that is not the real one."""
    return f"{simulated} MARKET - not real prices" if simulated else ""


def are_all_down(states: Sequence[VenueState]) -> bool:
    """Whether no venue gives any data because of errors."""
    return bool(states) and all(_is_down(s) for s in states)


def _is_down(state: VenueState) -> bool:
    """Whatever its word: a venue with fresh legs gives data, by streams or by REST."""
    return not state.fresh_legs and (severity(state.status) == 3 or state.status is Status.RECONNECT)


def banner_line(simulated: str, frozen_s: float | None, trouble: str) -> Line:
    """What must not be overlooked, as blocks of colour; empty when there is nothing."""
    blocks: list[tuple[str, str]] = []
    if simulated:
        blocks.append((f" {simulated_text(simulated)} ", "notice"))
    if frozen_s is not None:
        blocks.append((f" PAUSED {figures.duration(frozen_s)} - feeds go on, p resumes ", "calm"))
    if trouble:
        blocks.append((f" {trouble} ", "alarm"))
    return tuple(blocks)


def waiting_lines(states: Sequence[VenueState], venues: Mapping[str, Named], ascii_only: bool) -> list[Line]:
    """What goes on before there are rows, venue by venue."""
    wide = max((width_of([(v.title, "")]) for v in venues.values()), default=0)
    lines: list[Line] = [(), (("  Connecting", "bright"),), ()]
    for state in states:
        venue = venues.get(state.name)
        title = state.name if venue is None else venue.title
        mark, style = sign(state.status, ascii_only)
        told = state.detail or f"{state.legs} legs listed, {state.fresh_legs} fresh"
        lines.append(
            (
                (f"  {title.ljust(wide)}  ", "text"),
                (f"{mark} {state.status.value:<11}", style),
                (f" {told}", "dim"),
            )
        )
        lines += [
            ((f"    {' ' * wide}{s.name}: {s.status.value} {s.detail}".rstrip(), "stale"),) for s in state.lines[:3]
        ]
    return lines
