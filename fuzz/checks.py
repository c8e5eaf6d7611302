"""What must hold for whatever bytes a decoder is given: one documented error or a sane answer, and clean words."""

from math import isfinite

from frmon.errors import DecodeError, Notice, Refused, Unreachable
from frmon.feeds.contract import Page, Settled, Venue
from frmon.feeds.text import clean, is_symbol
from frmon.model import Book, Listing, Status, Tick
from fuzz.targets import Parse

WORDS_AT_MOST = 200  # characters of any reason
DATE = "Sun, 22 Nov 2026 05:33:00 GMT"


def check(parse: Parse, raw: bytes) -> object:
    """What `parse` says, None where it raises what it may. AssertionError where it says what it must not."""
    try:
        found = parse(raw)
    except DecodeError as error:
        _words(str(error))
        return None
    except Refused as refusal:
        _refusal(refusal)
        return None
    except Notice as notice:
        _notice(notice)
        return None
    _answer(found)
    return found


def check_verdict(venue: Venue, status: int, body: bytes) -> None:
    """The verdict on an HTTP answer has a known status and clean words."""
    text = body[:40].decode("latin-1")
    for headers in (
        {"retry-after": text[:20]},
        {"retry-after": text, "date": DATE},
        {"retry-after": DATE, "date": text},
    ):
        _verdict(venue.verdict(status, headers, body))


def _verdict(found: Unreachable | None) -> None:
    if found is not None:
        assert isinstance(found, Unreachable)
        Status(found.status)
        _words(found.why)
        assert found.retry_s is None or 0 < found.retry_s <= 259_200


def _refusal(told: Refused) -> None:
    for words in (told.why, told.topic, told.symbol or "", told.request or ""):
        _words(words)
    assert told.symbol is None or is_symbol(told.symbol), told.symbol


def _notice(told: Notice) -> None:
    assert told.kind in {"listing", "shutdown", "maintenance"}
    _words(told.text)


def _answer(found: object) -> None:
    if isinstance(found, Page):
        assert found.skipped >= 0
        assert found.next is None or (found.next.path + found.next.query).isprintable()
        assert found.next is None or not set(" #\n") & set(found.next.path + found.next.query)
        for listing in found.listings:
            assert is_sane_listing(listing), listing
    elif isinstance(found, Book):
        assert is_sane_book(found), found
    elif isinstance(found, int):
        assert 1_420_000_000_000 < found < 4_102_444_800_000, found
    else:
        ticks = found[1] if isinstance(found, tuple) else found
        assert isinstance(ticks, (list, tuple))
        for one in ticks:
            assert is_sane_settlement(one) if isinstance(one, Settled) else is_sane(one), one


def is_sane(tick: Tick) -> bool:
    """Whether a tick can do no harm: a usable name, finite numbers, positive prices (0: no such side), rates and intervals
    that may be."""
    prices = (tick.last, tick.mark, tick.index, tick.bid_size, tick.ask_size, tick.volume_usd)
    return (
        is_symbol(tick.symbol)
        and all(p is None or (isfinite(p) and p > 0) for p in prices)
        and all(side is None or (isfinite(side) and side >= 0) for side in (tick.bid, tick.ask))
        and all(rate is None or -10 < rate < 10 for rate in (tick.funding_rate, tick.settled_rate))
        and (tick.funding_interval_h is None or 0 < tick.funding_interval_h <= 24)
        and all(ms is None or 1.42e12 < ms < 4.2e12 for ms in (tick.event_ms, tick.next_funding_ms or None))
    )


def is_sane_settlement(settled: Settled) -> bool:
    """Whether a settlement has a usable name, a time and a rate that may be."""
    return is_symbol(settled.symbol) and 1.42e12 < settled.at_ms < 4.2e12 and -10 < settled.rate < 10


def is_sane_listing(listing: Listing) -> bool:
    """Whether an instrument can be shown and asked for."""
    figures = (listing.tick, listing.contract)
    return (
        is_symbol(listing.symbol)
        and is_symbol(listing.base)
        and listing.status in {"trading", "halted", "prelaunch", "delisted"}
        and all(figure is None or (isfinite(figure) and figure > 0) for figure in figures)
        and (listing.funding_h is None or 0 < listing.funding_h <= 24)
        and all(ms is None or 1.42e12 < ms < 4.2e12 for ms in (listing.off_ms, listing.on_ms))
    )


def is_sane_book(book: Book) -> bool:
    """Whether the levels of an order book are finite, above zero and best first."""
    bids, asks = ([price for price, _ in side] for side in (book.bids, book.asks))
    levels = (*book.bids, *book.asks)
    return (
        all(isfinite(price) and isfinite(size) and price > 0 and size > 0 for price, size in levels)
        and bids == sorted(bids, reverse=True)
        and asks == sorted(asks)
    )


def _words(text: str) -> None:
    assert len(text) <= WORDS_AT_MOST, len(text)
    assert clean(text, WORDS_AT_MOST) == text.strip(), ascii(text)
