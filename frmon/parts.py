"""The parts of a picture, as other programs read them: field names, order and meanings are a contract with them; unknown
is null. Prices are in USDT per one coin, times Unix milliseconds (`_ms`) or ISO 8601 in UTC (`at`)."""

import msgspec

from frmon.config import SignalSettings

SCHEMA = 1


class LinePart(msgspec.Struct, frozen=True, kw_only=True):
    """One WebSocket."""

    name: str
    status: str
    detail: str
    symbols: int
    messages: int
    last_message_age_s: float | None
    lag_ms: float | None
    reconnects: int
    outdated: int


class VenuePart(msgspec.Struct, frozen=True, kw_only=True):
    """One venue."""

    status: str
    detail: str
    legs: int
    fresh_legs: int
    messages_per_s: float
    reconnects: int
    listings_age_s: dict[str, float]
    lines: list[LinePart]


class LegPart(msgspec.Struct, frozen=True, kw_only=True):
    """One leg. `volume_24h_usd` in USDT; `funding_rate` a fraction per interval; `quarantine`: why this leg is not
    compared with the others, null = it is. The rest is absent where there is nothing to say: `halted`: only true;
    `asset_class`: crypto; `off_ms`, `on_ms`: announced end and start of trading; `settled_rate`: what the last settlement
    paid; `funding_age_s`: of a predicted rate that was not confirmed lately."""

    venue: str
    market: str
    symbol: str
    multiplier: int
    bid: float | None
    ask: float | None
    last: float | None
    mark: float | None
    index: float | None
    volume_24h_usd: float | None
    funding_rate: float | None
    funding_interval_h: float | int | None
    next_funding_ms: int | None
    event_ms: int | None
    received_ms: int | None
    age_s: float | None
    fresh: bool
    source: str | None
    quarantine: str | None
    halted: bool | msgspec.UnsetType = msgspec.UNSET
    asset_class: str | msgspec.UnsetType = msgspec.UNSET
    off_ms: int | msgspec.UnsetType = msgspec.UNSET
    on_ms: int | msgspec.UnsetType = msgspec.UNSET
    settled_rate: float | msgspec.UnsetType = msgspec.UNSET
    funding_age_s: float | msgspec.UnsetType = msgspec.UNSET


class LegNews(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is another now of a leg that is known: fields of `LegPart`, absent where nothing changed."""

    venue: str
    market: str
    symbol: str
    bid: float | msgspec.UnsetType | None = msgspec.UNSET
    ask: float | msgspec.UnsetType | None = msgspec.UNSET
    last: float | msgspec.UnsetType | None = msgspec.UNSET
    mark: float | msgspec.UnsetType | None = msgspec.UNSET
    index: float | msgspec.UnsetType | None = msgspec.UNSET
    volume_24h_usd: float | msgspec.UnsetType | None = msgspec.UNSET
    funding_rate: float | msgspec.UnsetType | None = msgspec.UNSET
    funding_interval_h: float | int | msgspec.UnsetType | None = msgspec.UNSET
    next_funding_ms: int | msgspec.UnsetType | None = msgspec.UNSET
    event_ms: int | msgspec.UnsetType | None = msgspec.UNSET
    received_ms: int | msgspec.UnsetType | None = msgspec.UNSET
    age_s: float | msgspec.UnsetType | None = msgspec.UNSET
    fresh: bool | msgspec.UnsetType = msgspec.UNSET
    source: str | msgspec.UnsetType | None = msgspec.UNSET
    funding_age_s: float | msgspec.UnsetType = msgspec.UNSET


class SpanPart(msgspec.Struct, frozen=True, kw_only=True):
    """A coin's best gross spread, in percent, at equal steps, the oldest first; null where none was known. `ago_s`: since the
    end of the last step."""

    step_s: float
    ago_s: float
    values: list[float | None]


class PastPart(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a coin: the finest steps first."""

    coin: str
    spans: list[SpanPart]


class SidePart(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a spread. `symbol` tells apart two legs of one venue and market; `price`: null only where a pair is not
    a spread."""

    venue: str
    market: str
    price: float | None
    symbol: str


class SpreadPart(msgspec.Struct, frozen=True, kw_only=True):
    """The best pair of a coin."""

    buy: SidePart
    sell: SidePart
    gross_pct: float
    fees_pct: float
    net_pct: float
    carry_per_hour: float | None
    carry_apr_pct: float | None
    needs_borrow: bool


class GatePart(msgspec.Struct, frozen=True, kw_only=True):
    """One condition for a signal. `value` and `limit`: numbers where it measures, words where it names, null = unknown or
    none."""

    name: str
    value: str | float | None
    limit: str | float | None
    passed: bool
    words: str


class PairPart(msgspec.Struct, frozen=True, kw_only=True):
    """The pair that `why` judges: the coin's best, or the one that is nearest to being it."""

    buy: SidePart
    sell: SidePart


class CoinPart(msgspec.Struct, frozen=True, kw_only=True):
    """One coin. `why`: what a signal needs and whether it is met, with `why_pair`, absent unless asked for."""

    coin: str
    flags: list[str]
    legs: list[LegPart]
    spread: SpreadPart | None
    why_pair: PairPart | msgspec.UnsetType | None = msgspec.UNSET
    why: list[GatePart] | msgspec.UnsetType = msgspec.UNSET


class SignalPart(msgspec.Struct, frozen=True, kw_only=True):
    """One signal, under the seed's names. `kind`: which rule; `note`: what the numbers do not say, absent where they do."""

    symbol: str
    short_exchange: str
    long_exchange: str
    spread_percent: float
    price_short: float
    price_long: float
    observed_at: str
    kind: str
    note: str | msgspec.UnsetType = msgspec.UNSET


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment. Coins: highest gross spread first, those without one last, by name."""

    schema: int = SCHEMA
    simulated: bool
    at: str
    at_ms: int
    venues: dict[str, VenuePart]
    coins: list[CoinPart]
    signals: list[SignalPart]
    notices: list[str]  # what is wrong with the program itself, in words


class SignalLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `watch`: a signal that has just fired."""

    schema: int = SCHEMA
    type: str = "signal"
    simulated: bool
    symbol: str
    short_exchange: str
    long_exchange: str
    spread_percent: float
    price_short: float
    price_long: float
    observed_at: str
    kind: str
    note: str | msgspec.UnsetType = msgspec.UNSET


class TermsPart(msgspec.Struct, frozen=True, kw_only=True):
    """By what a running collector judges: who shows its picture must use the same. `market`: "" for the one that the
    configuration names, else SIMULATED or REPLAY; `fees`: venue -> market -> fraction."""

    market: str
    signals: SignalSettings
    fees: dict[str, dict[str, float]]
    sell_spot: bool
    classes: list[str]


class EpisodePart(msgspec.Struct, frozen=True, kw_only=True):
    """An episode that is not closed. Ages in seconds."""

    coin: str
    kind: str
    short: str
    long: str
    state: str
    opened_ms: int
    opened_pct: float
    live_pct: float
    peak_pct: float
    peak_ms: int
    area: float
    duration_s: float
    samples: int
    age_s: float
    seen_age_s: float
