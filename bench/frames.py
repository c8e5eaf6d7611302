"""Frames of four venues for the benches: deterministic, in the venues' key order and lengths of late 2026, made on the
fly from a random walk of 500 coins of which few are busy."""

from collections.abc import Iterator
from itertools import accumulate
from math import floor, log10
from random import Random
from typing import NamedTuple

COINS = 500
BITGET_COINS = 100  # its streams are for the symbols of present interest
START_MS = 1_795_325_580_000
RATE = 5_000  # frames per second of venue time
FOUR = {"binance": 40, "okx": 15, "bybit": 25, "bitget": 20}
"""Shares of the venues in the mix, in percent."""
THREE = {"binance": 50, "okx": 20, "bybit": 30}
"""The same without the venue whose present protocol one of the rivals does not speak."""


class Sent(NamedTuple):
    """One frame: whose it is, which symbol it is about, and its text."""

    venue: str
    symbol: str
    text: str


class Coin:
    """A price that walks in ticks."""

    def __init__(self, name: str, random: Random) -> None:
        self.name = name
        self.random = random
        self.price = 10 ** random.uniform(-4.5, 4.5)
        self.tick = 10.0 ** (floor(log10(self.price)) - 4)
        self.digits = max(0, -round(log10(self.tick)))
        self.told: set[str] = set()  # venues that gave a whole statement

    def walk(self) -> float:
        self.price = max(self.tick * 10, self.price + self.random.choice((-2, -1, -1, 0, 1, 1, 2)) * self.tick)
        return self.price

    def text(self, price: float) -> str:
        return f"{price:.{self.digits}f}"

    def bid(self) -> str:
        return self.text(self.price)

    def ask(self) -> str:
        return self.text(self.price + self.tick)

    def size(self) -> str:
        return f"{10 ** self.random.uniform(-1, 5):.2f}"

    def money(self) -> str:
        return f"{self.random.uniform(1e5, 1e9):.4f}"


def names(count: int = COINS) -> list[str]:
    """Names of coins: three to six letters, unique."""
    random = Random(7)
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=random.choice((3, 3, 4, 4, 5, 6))))] = None
    return list(found)


def symbols(venue: str) -> list[str]:
    """A venue's perpetuals, busiest first."""
    coins = names()[: BITGET_COINS if venue == "bitget" else COINS]
    return [_symbol(venue, name) for name in coins]


def _symbol(venue: str, coin: str) -> str:
    return f"{coin}-USDT-SWAP" if venue == "okx" else f"{coin}USDT"


def mixed(shares: dict[str, int], seed: int = 1) -> Iterator[Sent]:
    """Frames of several venues for ever, venue times rising at `RATE` frames per second."""
    random = Random(seed)
    coins = [Coin(name, random) for name in names()]
    venues, weights = list(shares), list(accumulate(shares.values()))
    number = 0
    while True:
        number += 1
        [venue] = random.choices(venues, cum_weights=weights)
        among = BITGET_COINS if venue == "bitget" else COINS
        coin = coins[int(among * random.random() ** 2.2)]
        coin.walk()
        yield Sent(venue, _symbol(venue, coin.name), _SPEAK[venue](coin, START_MS + number * 1000 // RATE, number))


def raw(text: str) -> str:
    """A frame of the first venue without the envelope of combined streams."""
    return text[text.index('"data":') + 7 : -1]


def binance(coin: Coin, ms: int, number: int) -> str:
    name = coin.name
    return (
        f'{{"stream":"{name.lower()}usdt@bookTicker","data":{{"e":"bookTicker","u":{9_300_000_000_000 + number},'
        f'"s":"{name}USDT","ps":"{name}USDT","b":"{coin.bid()}","B":"{coin.size()}","a":"{coin.ask()}",'
        f'"A":"{coin.size()}","T":{ms - 1},"E":{ms},"st":1}}}}'
    )


def okx(coin: Coin, ms: int, _number: int) -> str:
    name, price, size = f"{coin.name}-USDT-SWAP", coin.text, coin.size
    now = coin.price
    return (
        f'{{"arg":{{"channel":"tickers","instId":"{name}"}},"data":[{{"instType":"SWAP","instId":"{name}",'
        f'"last":"{price(now)}","lastSz":"{size()}","askPx":"{coin.ask()}","askSz":"{size()}","bidPx":"{coin.bid()}",'
        f'"bidSz":"{size()}","open24h":"{price(now * 0.99)}","high24h":"{price(now * 1.03)}",'
        f'"low24h":"{price(now * 0.97)}","volCcy24h":"{size()}","vol24h":"{size()}","ts":"{ms}",'
        f'"sodUtc0":"{price(now * 0.995)}","sodUtc8":"{price(now * 1.005)}"}}]}}'
    )


def bybit(coin: Coin, ms: int, number: int) -> str:
    name = f"{coin.name}USDT"
    whole = "bybit" not in coin.told
    coin.told.add("bybit")
    fields = _bybit_all(coin, ms) if whole else _bybit_some(coin)
    return (
        f'{{"topic":"tickers.{name}","type":"{"snapshot" if whole else "delta"}","data":{{"symbol":"{name}",'
        f'{fields}}},"cs":{100_000_000_000 + number},"ts":{ms}}}'
    )


def _bybit_all(coin: Coin, ms: int) -> str:
    now, price = coin.price, coin.text
    return (
        f'"tickDirection":"PlusTick","price24hPcnt":"0.012345","lastPrice":"{price(now)}",'
        f'"prevPrice24h":"{price(now * 0.99)}","highPrice24h":"{price(now * 1.03)}","lowPrice24h":"{price(now * 0.97)}",'
        f'"prevPrice1h":"{price(now)}","markPrice":"{price(now)}","indexPrice":"{price(now)}",'
        f'"openInterest":"{coin.size()}","openInterestValue":"{coin.money()}","turnover24h":"{coin.money()}",'
        f'"volume24h":"{coin.size()}","nextFundingTime":"{_settles(ms)}","fundingRate":"0.000100",'
        f'"bid1Price":"{coin.bid()}","bid1Size":"{coin.size()}","ask1Price":"{coin.ask()}","ask1Size":"{coin.size()}",'
        f'"fundingIntervalHour":"8","fundingCap":"0.005"'
    )


def _bybit_some(coin: Coin) -> str:
    """Mostly one or both sides of the book, sometimes trades, marks or turnover."""
    now, price, kind = coin.price, coin.text, coin.random.random()
    told = []
    if kind < 0.25:
        told.append(f'"tickDirection":"MinusTick","price24hPcnt":"-0.012345","lastPrice":"{price(now)}"')
    if kind < 0.35:
        told.append(f'"markPrice":"{price(now)}","indexPrice":"{price(now)}","openInterestValue":"{coin.money()}"')
    if kind < 0.12:
        told.append(f'"turnover24h":"{coin.money()}","volume24h":"{coin.size()}"')
    if coin.random.random() < 0.8:
        told.append(f'"bid1Price":"{coin.bid()}","bid1Size":"{coin.size()}"')
    if coin.random.random() < 0.8 or not told:
        told.append(f'"ask1Price":"{coin.ask()}","ask1Size":"{coin.size()}"')
    return ",".join(told)


def bitget(coin: Coin, ms: int, _number: int) -> str:
    name, price, size, now = f"{coin.name}USDT", coin.text, coin.size, coin.price
    return (
        f'{{"action":"snapshot","arg":{{"instType":"USDT-FUTURES","channel":"ticker","instId":"{name}"}},'
        f'"data":[{{"instId":"{name}","lastPr":"{price(now)}","bidPr":"{coin.bid()}","askPr":"{coin.ask()}",'
        f'"bidSz":"{size()}","askSz":"{size()}","open24h":"{price(now * 0.99)}","high24h":"{price(now * 1.03)}",'
        f'"low24h":"{price(now * 0.97)}","change24h":"0.01234","fundingRate":"0.000100",'
        f'"nextFundingTime":"{_settles(ms)}","markPrice":"{price(now)}","indexPrice":"{price(now)}",'
        f'"holdingAmount":"{size()}","baseVolume":"{size()}","quoteVolume":"{coin.money()}",'
        f'"openUtc":"{price(now * 0.99)}","symbolType":"1","symbol":"{name}","deliveryPrice":"0","ts":"{ms}"}}],'
        f'"ts":{ms + 3}}}'
    )


def _settles(ms: int) -> int:
    return ms - ms % 28_800_000 + 28_800_000


_SPEAK = {"binance": binance, "okx": okx, "bybit": bybit, "bitget": bitget}


def arrays(count: int) -> list[bytes]:
    """All-market frames of 500 rows, mark prices and day figures in turn, as one venue pushes them every second."""
    random = Random(3)
    coins = [Coin(name, random) for name in names()]
    return [_array(coins, START_MS + n * 500, is_mark=n % 2 == 0).encode() for n in range(count)]


def _array(coins: list[Coin], ms: int, *, is_mark: bool) -> str:
    stream, row = ("!markPrice@arr@1s", _mark_row) if is_mark else ("!ticker@arr", _day_row)
    for coin in coins:
        coin.walk()
    return f'{{"stream":"{stream}","data":[{",".join(row(coin, ms) for coin in coins)}]}}'


def _mark_row(coin: Coin, ms: int) -> str:
    now = coin.price
    return (
        f'{{"e":"markPriceUpdate","E":{ms},"s":"{coin.name}USDT","p":"{now:.8f}","ap":"{now:.8f}","P":"{now:.8f}",'
        f'"i":"{now:.8f}","r":"{coin.random.uniform(-3e-4, 3e-4):.8f}","T":{_settles(ms)},"st":1}}'
    )


def _day_row(coin: Coin, ms: int) -> str:
    now, price = coin.price, coin.text
    return (
        f'{{"e":"24hrTicker","E":{ms},"s":"{coin.name}USDT","ps":"{coin.name}USDT","p":"{price(now * 0.01)}",'
        f'"P":"1.234","w":"{price(now)}","c":"{price(now)}","Q":"{coin.size()}","o":"{price(now * 0.99)}",'
        f'"h":"{price(now * 1.03)}","l":"{price(now * 0.97)}","v":"{coin.size()}","q":"{coin.money()}",'
        f'"O":{ms - 86_400_000},"C":{ms},"F":100000000,"L":100500000,"n":500000,"st":1}}'
    )
