"""Budgets over rolling windows: nothing is sent before it fits what the venue allows, also after a restart.

A venue counts when a request arrives, we when it leaves; so a window is stretched and a limit only used to `headroom`.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import count
from math import ceil, floor, inf, isfinite
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec

from frmon.clock import Clock
from frmon.feeds.contract import Rule

STRETCH_S = 0.25  # a window is longer by this, or by STRETCH of itself if that is more
STRETCH = 0.05
SHORTEST_SLEEP_S = 0.001  # rounding must not make a wait endless
LONGEST_BAR_S = 3 * 86_400.0  # no venue documents a longer ban; a saved one is cut to this
BANNED = "BANNED"
LARGEST_FILE = 4_000_000  # bytes

Bill = dict[str, int]
"""Name of a rule -> units."""


class Wait(msgspec.Struct, frozen=True):
    """A request that waits: seconds until it is granted, and whether the venue's word is why: "BANNED", "BLOCKED", or "" when it
    is what was spent already."""

    seconds: float
    barred: str = ""

    @property
    def is_barred(self) -> bool:
        """Whether the venue forbids it for now."""
        return bool(self.barred)

    @property
    def words(self) -> str:
        """ "waiting 12 s (quota)"."""
        why = {"BANNED": "ban", "BLOCKED": "blocked"}.get(self.barred, "quota")
        return f"waiting {ceil(self.seconds)} s ({why})"


class Spent(msgspec.Struct, frozen=True):
    """What was spent on one rule: (age in seconds when saved, units); and for how long it was still barred."""

    spent: list[tuple[float, int]] = []
    barred_s: float = 0.0
    barred_as: str = BANNED


class State(msgspec.Struct, frozen=True):
    """A pacer's memory as it is saved. Ages are relative to the moment of saving, so a set clock cannot spoil them."""

    saved_ms: int
    saved_mono: float
    rules: dict[str, Spent] = {}


class Pacer:
    """Grants requests in the order they came, rule by rule, as soon as no rolling window of any rule would overflow.

    `saved`: what `export` gave in an earlier life (anything else is ignored).
    """

    def __init__(self, clock: Clock, rules: Sequence[Rule], headroom: float = 0.8, saved: object = None) -> None:
        self.grants = 0  # how many were given so far: unchanged means nothing new to save
        self._clock = clock
        self._ledgers = {rule.name: Ledger(rule, headroom) for rule in rules}
        self._serials = count()
        self._restore(saved)

    async def grant(self, costs: Sequence[tuple[str, int]], who: str = "") -> None:
        """Wait until these (rule, units) may be spent, then record them as spent now. Cancelled while waiting, it
        spends nothing. `who`: the name under which `waits` lists it. ValueError: unknown rule, or more units than the
        rule ever allows."""
        bill = self._bill(costs)
        ticket = Ticket(next(self._serials), bill, who)
        ledgers = [self._ledgers[name] for name in bill]
        for ledger in ledgers:
            ledger.queue.append(ticket)
        try:
            if not self._is_first(ticket):
                await ticket.turn.wait()
            while (wait := ready_at(ledgers, bill, self._clock.mono()) - self._clock.mono()) > 0:
                await self._clock.sleep(max(wait, SHORTEST_SLEEP_S))
            for ledger in ledgers:
                ledger.record(bill[ledger.name], self._clock.mono())
            self.grants += 1
        finally:
            self._leave(ticket)

    def wait_s(self, costs: Sequence[tuple[str, int]]) -> float:
        """Seconds that a grant would take if it were asked for now, behind all that wait already."""
        bills = [ticket.bill for ticket in self._waiting()]
        return self._turns([*bills, self._bill(costs)])[-1] - self._clock.mono()

    def waits(self) -> dict[str, Wait]:
        """Who waits for a grant now, by name; of several of one name the one whose turn comes last."""
        tickets = self._waiting()
        now = self._clock.mono()
        found = {}
        for ticket, at in zip(tickets, self._turns([t.bill for t in tickets]), strict=True):
            barred = (self._ledgers[n].barred_as for n in ticket.bill if self._ledgers[n].barred_until > now)
            found[ticket.who] = Wait(at - now, next(barred, ""))
        return found

    def used(self, name: str) -> tuple[int, int]:
        """(units spent in the window that ends now, the venue's own limit)."""
        ledger = self._ledgers[name]
        ledger.forget(self._clock.mono())
        return ledger.total, ledger.rule.limit

    def penalise(self, name: str, until_mono: float) -> None:
        """Grant nothing on this rule until then. A later end counts, an earlier one does not shorten it."""
        ledger = self._ledgers[name]
        ledger.barred_until = max(ledger.barred_until, until_mono)

    def bar(self, costs: Sequence[tuple[str, int]], seconds: float, status: str = BANNED) -> None:
        """Grant nothing that costs these rules for so long. `status`: what the venue's word means, BANNED or BLOCKED."""
        for name, _ in costs:
            self.penalise(name, self._clock.mono() + seconds)
            self._ledgers[name].barred_as = status

    def export(self) -> object:
        """What to save (plain data for JSON), for `saved`."""
        now = self._clock.mono()
        rules = {name: ledger.export(now) for name, ledger in self._ledgers.items()}
        return msgspec.to_builtins(State(self._clock.now_ms(), now, rules))

    def _restore(self, saved: object) -> None:
        try:
            state = msgspec.convert(saved, State)
            now = self._clock.mono()
            gone = _elapsed(self._clock.now_ms() - state.saved_ms, now - state.saved_mono)
        except (msgspec.ValidationError, OverflowError):
            return
        for name, spent in state.rules.items():
            if name in self._ledgers:
                self._ledgers[name].restore(spent, now, gone)

    def _waiting(self) -> "list[Ticket]":
        """In the order of their turns."""
        waiting = {t.serial: t for ledger in self._ledgers.values() for t in ledger.queue}
        return [waiting[serial] for serial in sorted(waiting)]

    def _turns(self, bills: Sequence[Bill]) -> list[float]:
        """When each would be granted, one behind the other."""
        copies = {name: self._ledgers[name].copy() for bill in bills for name in bill}
        now, turns = self._clock.mono(), []
        for bill in bills:
            ledgers = [copies[name] for name in bill]
            turns.append(ready_at(ledgers, bill, max([now, *(ledger.last_at for ledger in ledgers)])))
            for ledger in ledgers:
                ledger.record(bill[ledger.name], turns[-1])
        return turns

    def _bill(self, costs: Iterable[tuple[str, int]]) -> Bill:
        bill: Bill = {}
        for name, units in costs:
            bill[name] = bill.get(name, 0) + units
        for name, units in bill.items():
            if name not in self._ledgers:
                raise ValueError(f"no rule is named {name!r}")
            if not 0 <= units <= self._ledgers[name].rule.limit:
                raise ValueError(f"{units} units never fit {self._ledgers[name].rule.limit} of {name!r}")
        return bill

    def _is_first(self, ticket: "Ticket") -> bool:
        return all(self._ledgers[name].queue[0] is ticket for name in ticket.bill)

    def _leave(self, ticket: "Ticket") -> None:
        """Out of all queues; whoever is first everywhere now may go on."""
        for name in ticket.bill:
            queue = self._ledgers[name].queue
            queue.remove(ticket)
            if queue and self._is_first(queue[0]):
                queue[0].turn.set()


class Ticket:
    """One request that waits."""

    __slots__ = ("bill", "serial", "turn", "who")

    def __init__(self, serial: int, bill: Bill, who: str) -> None:
        self.serial = serial
        self.bill = bill
        self.who = who
        self.turn = asyncio.Event()


class Ledger:
    """One rule: what was spent in its window, and who waits for it. Times are monotonic seconds."""

    def __init__(self, rule: Rule, headroom: float) -> None:
        self.rule = rule
        self.name = rule.name
        self.limit = max(1, floor(rule.limit * headroom))
        self.window_s = rule.window_s + max(STRETCH_S, STRETCH * rule.window_s)
        self.spent: deque[tuple[float, int]] = deque()  # oldest first
        self.total = 0  # units in `spent`
        self.last_at = -inf
        self.barred_until = -inf
        self.barred_as = BANNED
        self.queue: deque[Ticket] = deque()

    def forget(self, now: float) -> None:
        """Drop what has left the window."""
        while self.spent and self.spent[0][0] + self.window_s <= now:
            self.total -= self.spent.popleft()[1]

    def ready_at(self, units: int, now: float) -> float:
        """The earliest time from `now` on at which so many units fit. What is more than `limit`, but not more than the
        venue's own, has to have the window for itself."""
        self.forget(now)
        at = max(now, self.barred_until)
        excess = self.total + units - max(self.limit, units) if units else 0
        for spent_at, spent in self.spent:
            if excess <= 0:
                break
            excess -= spent
            at = max(at, spent_at + self.window_s)
        return at

    def record(self, units: int, at: float) -> None:
        """These were spent."""
        self.last_at = at
        if units:
            self.spent.append((at, units))
            self.total += units

    def copy(self) -> "Ledger":
        """The same without the queue."""
        twin = Ledger(self.rule, 1.0)
        twin.limit = self.limit
        twin.spent = self.spent.copy()
        twin.total = self.total
        twin.last_at = self.last_at
        twin.barred_until, twin.barred_as = self.barred_until, self.barred_as
        return twin

    def export(self, now: float) -> Spent:
        """What to save of it."""
        self.forget(now)
        spent = [(now - at, units) for at, units in self.spent]
        return Spent(spent, max(0.0, self.barred_until - now), self.barred_as)

    def restore(self, saved: Spent, now: float, gone: float) -> None:
        """Take over what was saved `gone` seconds ago; what makes no sense is left out."""
        known = [(age, units) for age, units in saved.spent if isfinite(age) and units > 0]
        for age, units in sorted(known, reverse=True):
            self.record(units, now - max(0.0, age) - gone)
        self.forget(now)
        if saved.barred_s > gone:
            self.barred_until = now + min(saved.barred_s - gone, LONGEST_BAR_S)
            self.barred_as = saved.barred_as if saved.barred_as == "BLOCKED" else BANNED


def ready_at(ledgers: Iterable[Ledger], bill: Bill, now: float) -> float:
    """The earliest time from `now` on at which the whole bill fits."""
    return max((ledger.ready_at(bill[ledger.name], now) for ledger in ledgers), default=now)


def _elapsed(wall_ms: float, mono_s: float) -> float:
    """Seconds since the saving, rather too few than too many: the wall clock may have been set in between, and the
    monotonic one restarts with the machine (then it usually lies before the saved one)."""
    wall_s = max(0.0, wall_ms / 1000)
    return min(wall_s, mono_s) if mono_s >= 0 else wall_s


def load(path: Path) -> object:
    """What `save` wrote; None where there is nothing readable."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(LARGEST_FILE))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def save(path: Path, state: object) -> bool:
    """Write plain data as JSON for this user alone (0600), whole or not at all. False where that is impossible."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            made = Path(file.name)
            try:
                file.write(msgspec.json.encode(state))
                file.flush()
                made.replace(path)
            finally:
                made.unlink(missing_ok=True)
    except OSError:
        return False
    return True
