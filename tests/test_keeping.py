"""What the engine sees reaches the journal: what, when, and how often."""

from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest

from frmon import spread
from frmon.clock import ManualClock, SystemClock
from frmon.events import EventLog
from frmon.funding import Change, FundingEvent
from frmon.keeping import FOLLOW_S, RESET_S, Keeping, Seen, signal_row
from frmon.model import LegKey, LineState, Market, Signal, VenueState
from frmon.signals.episodes import KEPT, Episodes, Moment
from frmon.signals.trigger import Reading
from frmon.storage.journal import Journal
from frmon.storage.records import (
    CoinGap,
    EpisodeRow,
    EventRow,
    LegBar,
    Record,
    SampleRow,
    Settlement,
    SignalRow,
)
from frmon.storage.state import JournalState
from frmon.vigil import Vigil
from tests.given import TERMS, Desk, leg
from tests.storage.made import rows

R = TypeVar("R")
A, B = leg("binance"), leg("okx")
MINUTE = 29_922_000


class Heard(Journal):
    """A journal that never writes, and keeps what it was told to."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SystemClock(), lambda _text: None, simulated=False)
        self.put_in: list[Record] = []
        self.said = JournalState(status="OK")

    def put(self, record: Record) -> None:
        self.put_in.append(record)

    @property
    def state(self) -> JournalState:
        return self.said


class Room:
    """Two legs of a coin, the clock in hand, and what was put."""

    def __init__(self, path: Path) -> None:
        self.wall = ManualClock(MINUTE * 60_000, 1_000.0)
        self.clock = Vigil(self.wall, 5.0)
        self.clock.begin()
        self.desk = Desk(A, B)
        self.episodes = Episodes(8.0)
        self.states: list[VenueState] = []
        self.log = EventLog(self.clock)
        self.journal = Heard(path / "frmon.db")
        seen = Seen(
            board=self.desk.board, episodes=self.episodes, states=lambda: self.states, freshness=TERMS.freshness
        )
        self.keeping = Keeping(self.journal, seen, self.clock, self.log.tell)
        self.log.hear = self.keeping.hear_event

    def put(self, kind: type[R]) -> list[R]:
        """What was put of this kind."""
        return [record for record in self.journal.put_in if isinstance(record, kind)]

    def pass_(self, seconds: int, *, quoted: bool = True) -> None:
        """A look a second; the legs are quoted before each."""
        for _ in range(seconds):
            self.wall.advance(1.0)
            now = self.clock.mono()
            if quoted:
                self.desk.say(A, 100.0, 100.1, now)
                self.desk.say(B, 101.0, 101.1, now)
            for row in self.desk.board.rows.values():
                row.spread = spread.best(row, TERMS, now, self.clock.now_ms())
            self.keeping.look()

    def moment(self) -> Moment:
        return Moment(self.clock.mono(), self.clock.now_ms())

    def read(self, percent: float, coin: str = "PEPE") -> Reading:
        return Reading((coin, "okx", "binance"), percent, 101.0, 100.1)

    def follow(self, percent: float | None) -> None:
        """One sample of the open episode."""
        reading = None if percent is None else self.read(percent)
        self.episodes.follow("spread", 0.5, {reading.key: reading} if reading else {}, lambda _key: True, self.moment())
        self.episodes.publish()


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def fired(at_ms: int = 1) -> Signal:
    return Signal(
        symbol="PEPE", short_exchange="okx", long_exchange="binance", spread_percent=0.9, price_short=101.0,
        price_long=100.1, observed_at="", observed_ms=at_ms,
    )  # fmt: skip


def test_a_minute_is_put_when_it_is_over_and_the_running_one_at_the_end(room: Room) -> None:
    room.pass_(59)
    assert not room.put(LegBar)
    room.pass_(1)
    assert [bar.bar.start for bar in room.put(LegBar)] == [MINUTE, MINUTE]
    [gap] = room.put(CoinGap)
    assert (gap.coin, gap.gap.seconds) == ("PEPE", 59)
    assert gap.gap.most == pytest.approx((101 - 100.1) / 100.1 * 100)
    assert (gap.pair.buy, gap.pair.sell) == (("binance", "perp"), ("okx", "perp"))
    room.pass_(20)
    room.keeping.finish()
    assert [bar.bar.start for bar in room.put(LegBar)][2:] == [MINUTE + 1, MINUTE + 1]


def test_legs_that_are_not_fresh_have_no_minutes(room: Room) -> None:
    room.pass_(10)
    room.journal.put_in.clear()
    room.desk.line("okx", Market.PERP).live = False
    room.pass_(60, quoted=False)
    room.pass_(60, quoted=False)
    assert [bar.leg.venue for bar in room.put(LegBar)] == ["binance", "okx"]  # of the minute in which they were


def test_a_signal_is_put_at_once_and_saved_when_the_file_has_it(room: Room) -> None:
    signal = fired()
    room.keeping.hear_signal(signal)
    [row] = room.put(SignalRow)
    assert (row.coin, row.short, row.long, row.percent) == ("PEPE", "okx", "binance", 0.9)
    assert signal not in room.keeping.saved
    room.keeping.saved.hear([row])
    assert signal in room.keeping.saved
    assert fired(2) not in room.keeping.saved
    assert "PEPE" not in room.keeping.saved


async def test_saved_is_what_a_transaction_has_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "frmon.db"
    clock = Vigil(SystemClock(), 5.0)
    board = Desk(A, B).board
    journal = Journal(path, clock, lambda _text: None, simulated=False)
    seen = Seen(board=board, episodes=Episodes(8.0), states=list, freshness=TERMS.freshness)
    keeping = Keeping(journal, seen, clock, lambda _text: None)
    keeping.hear_signal(fired())
    assert fired() not in keeping.saved
    keeping.start()
    while fired() not in keeping.saved:
        assert rows(path, "SELECT count(*) FROM sqlite_schema") if path.exists() else True
        await clock.sleep(0.01)
    assert rows(path, "SELECT coin, percent FROM signal") == [("PEPE", 0.9)]
    keeping.hear_signal(fired(2))
    await keeping.end()
    assert rows(path, "SELECT count(*) FROM signal") == [(2,)]
    assert fired(2) in keeping.saved


def test_an_episode_is_put_when_it_opens_now_and_then_and_when_it_closes(room: Room) -> None:
    room.pass_(1)
    room.episodes.begin("spread", room.read(0.7), room.moment())
    room.episodes.publish()
    assert [(e.peak_pct, e.reason) for e in room.put(EpisodeRow)] == [(0.7, None)]
    for n in range(20):
        room.pass_(1)
        room.follow(0.8 + n / 100)
    between = room.put(EpisodeRow)[1:]
    assert 2 <= len(between) <= 20 / FOLLOW_S
    assert all(a.peak_pct < b.peak_pct for a, b in pairwise(between))
    room.follow(0.1)
    last = room.put(EpisodeRow)[-1]
    assert (last.reason, last.closed_ms) == ("narrow", room.clock.now_ms())
    assert last.peak_pct == pytest.approx(0.99)
    room.pass_(20)
    assert room.put(EpisodeRow)[-1] is last


def test_what_lasts_without_a_sample_is_not_put_again(room: Room) -> None:
    room.episodes.begin("spread", room.read(0.7), room.moment())
    room.episodes.publish()
    for _ in range(30):
        room.pass_(1)
        room.follow(None)
    assert len(room.put(EpisodeRow)) == 1


def test_however_many_close_at_once_all_are_put(room: Room) -> None:
    coins = [f"C{n}" for n in range(3 * KEPT)]
    for coin in coins:
        room.episodes.begin("spread", room.read(0.7, coin), room.moment())
    room.episodes.follow("spread", 0.5, {}, lambda _key: False, room.moment())
    assert sorted(e.coin for e in room.put(EpisodeRow) if e.reason == "gone") == sorted(coins)


def test_when_an_episode_was_seen_is_told_by_its_own_time_whatever_the_wall_clock_does(room: Room) -> None:
    room.episodes.begin("spread", room.read(0.7), room.moment())
    room.episodes.publish()
    opened_ms = room.clock.now_ms()
    room.pass_(7)
    room.wall.step_wall(-3600.0)
    room.clock.now_ms()
    room.clock.follow()
    room.follow(0.9)
    room.keeping.finish()
    assert room.put(EpisodeRow)[-1].seen_ms == opened_ms + 7_000


def test_an_open_episode_is_put_as_it_is_at_the_end(room: Room) -> None:
    room.episodes.begin("spread", room.read(0.7), room.moment())
    room.pass_(1)
    room.follow(0.9)
    room.keeping.finish()
    assert (room.put(EpisodeRow)[-1].last_pct, room.put(EpisodeRow)[-1].reason) == (0.9, None)


def test_an_event_is_put_at_once_and_a_repeated_one_once_more(room: Room) -> None:
    for _ in range(12):
        room.log.tell("okx: LIVE → RECONNECT")
        room.pass_(1)
    assert [e.text for e in room.put(EventRow)] == ["okx: LIVE → RECONNECT"]
    room.pass_(61)
    assert [e.text for e in room.put(EventRow)] == ["okx: LIVE → RECONNECT", "okx: LIVE → RECONNECT x12"]
    room.log.tell("okx: LIVE → RECONNECT")
    room.log.tell("okx: LIVE → RECONNECT")
    room.keeping.finish()
    assert [e.text for e in room.put(EventRow)][2:] == ["okx: LIVE → RECONNECT", "okx: LIVE → RECONNECT x2"]


def settled(before: float | None, *, stated: bool = True) -> FundingEvent:
    return FundingEvent(
        kind=Change.SETTLEMENT, coin="PEPE", key=B.key, at_ms=5, before=before, after=0.0, stated=stated, interval_h=8.0
    )


def test_what_a_settlement_paid_is_put_with_who_says_so(room: Room) -> None:
    room.keeping.hear_settlement(settled(0.0003))
    room.keeping.hear_settlement(settled(0.0001, stated=False))
    room.keeping.hear_settlement(settled(None))
    gone = FundingEvent(
        kind=Change.SETTLEMENT, coin="X", key=LegKey("okx", Market.PERP, "X"), at_ms=5, before=1.0, after=0.0
    )
    room.keeping.hear_settlement(gone)
    assert [(s.rate, s.source, s.interval_h, s.leg.symbol) for s in room.put(Settlement)] == [
        (0.0003, "stream", 8.0, "PEPEUSDT"),
        (0.0001, "estimate", 8.0, "PEPEUSDT"),
    ]


def test_once_a_minute_the_program_itself_is_sampled(room: Room) -> None:
    line = LineState(name="okx perp 1", reconnects=3)
    room.states = [VenueState(name="okx", legs=5, fresh_legs=4, messages_per_s=7.5, reconnects=3, lines=[line])]
    room.pass_(61)
    [sample] = room.put(SampleRow)
    assert (sample.legs, sample.fresh_legs, sample.messages_per_s, sample.reconnects) == (5, 4, 7.5, 3)
    assert sample.rss_mb is not None
    assert sample.rss_mb > 10
    assert sample.cpu_pct is not None
    room.clock.worst_s = 0.25
    room.pass_(60)
    assert [(s.loop_lag_ms, s.reconnects) for s in room.put(SampleRow)] == [(0.0, 3), (250.0, 0)]


def test_what_is_wrong_with_storage_is_said_as_long_as_it_is_and_a_new_file_for_a_while(room: Room) -> None:
    assert room.keeping.notices() == ()
    room.journal.said = JournalState(status="DISK", detail="database or disk is full")
    assert room.keeping.notices() == ("storage: DISK (database or disk is full)",)
    room.journal.said = JournalState(status="RESET", detail="put aside")
    room.pass_(1)
    assert room.keeping.notices() == ("storage: RESET (put aside)",)
    room.pass_(int(RESET_S) + 1)
    assert room.keeping.notices() == ()


@pytest.mark.parametrize("hours", [-1, 1])
@pytest.mark.parametrize("follows", [False, True])
def test_a_wall_clock_that_is_set_makes_no_minute_twice_unless_it_is_followed_back(
    room: Room, hours: int, follows: bool
) -> None:
    """With an injected clock. Not followed: minutes go on. Followed: they are those of the new clock from then on."""
    room.pass_(120)
    room.wall.step_wall(hours * 3600.0)
    room.clock.now_ms()
    if follows:
        room.clock.follow()
    room.pass_(120)
    room.keeping.finish()
    starts = [bar.bar.start - MINUTE for bar in room.put(LegBar) if bar.leg.venue == "okx"]
    moved = hours * 60 if follows else 0
    assert starts == [0, 1, *([2] if follows else []), 2 + moved, 3 + moved, 4 + moved]
    assert len(set(starts)) == len(starts)


def test_a_signal_is_written_with_all_that_it_says() -> None:
    row = signal_row(fired(7))
    assert (row.at_ms, row.kind, row.price_short, row.price_long, row.note) == (7, "spread", 101.0, 100.1, "")
