"""Rolling up equals brute force, and rolling twice equals rolling once."""

from hypothesis import given
from hypothesis import strategies as st

from frmon.storage.bars import Bar, Gap, roll_bars, roll_gaps

PRICE = st.integers(1, 1000).map(lambda n: n / 8)
MAYBE = st.one_of(st.none(), PRICE)


@st.composite
def minutes(draw: st.DrawFn) -> list[int]:
    first = draw(st.integers(29_000_000, 29_000_500))
    return [first + n for n in sorted(draw(st.sets(st.integers(0, 200), max_size=60)))]


@st.composite
def bars(draw: st.DrawFn) -> list[Bar]:
    found = []
    for start in draw(minutes()):
        low, a, b, high = sorted(draw(st.tuples(PRICE, PRICE, PRICE, PRICE)))
        more = draw(st.tuples(PRICE, PRICE, MAYBE, MAYBE, MAYBE, st.integers(0, 99)))
        found.append(Bar(start, a, high, low, b, *more))
    return found


def brute(bars: list[Bar], step: int) -> dict[int, Bar]:
    found = {}
    for start in {b.start // step * step for b in bars}:
        inside = [b for minute in range(start, start + step) for b in bars if b.start == minute]
        marks, indices, rates = ([getattr(b, name) for b in inside] for name in ("mark_price", "index_price", "rate"))
        found[start] = inside[-1]._replace(
            start=start,
            open=inside[0].open,
            high=sorted(b.high for b in inside)[-1],
            low=sorted(b.low for b in inside)[0],
            mark_price=([None] + [m for m in marks if m is not None])[-1],
            index_price=([None] + [m for m in indices if m is not None])[-1],
            rate=([None] + [r for r in rates if r is not None])[-1],
            updates=sum(b.updates for b in inside),
        )
    return found


@given(bars(), st.sampled_from((15, 60)))
def test_bars_roll_up_as_brute_force_says(given_bars: list[Bar], step: int) -> None:
    rolled = roll_bars(given_bars, step)
    assert {b.start: b for b in rolled} == brute(given_bars, step)
    assert [b.start for b in rolled] == sorted(b.start for b in rolled)
    assert roll_bars(roll_bars(given_bars, 15), 60) == roll_bars(given_bars, 60)


@given(minutes(), st.data())
def test_spreads_roll_up_as_brute_force_says(starts: list[int], data: st.DataObject) -> None:
    gaps = [Gap(s, *data.draw(st.tuples(PRICE, PRICE, PRICE, st.integers(1, 9), st.integers(1, 60)))) for s in starts]
    for rolled in roll_gaps(gaps, 15):
        inside = [g for g in gaps if rolled.start <= g.start < rolled.start + 15]
        each_second = [g.mean for g in inside for _ in range(g.seconds)]
        assert rolled.seconds == len(each_second)
        assert rolled.most == max(g.most for g in inside)
        assert abs(rolled.mean - sum(each_second) / len(each_second)) < 1e-9
        assert (rolled.last, rolled.pair) == (inside[-1].last, inside[-1].pair)
