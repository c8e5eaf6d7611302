"""What the order books of the best pair say: fills, capacity, which leg is thin. Pure."""

from frmon.ladder import Capacity, Fill
from frmon.model import LegKey
from frmon.study import SIZES, CoinDepth, LegDepth, PairDepth
from frmon.tui import figures
from frmon.tui.columns import leg_name
from frmon.tui.grid import Look
from frmon.tui.legs import Line

NAME = 10
ASKING = "asking..."


def book_lines(depth: CoinDepth | None, look: Look, width: int) -> list[Line]:
    """The average price of buying one leg and selling the other for each size, what is left between them, how much the pair
    takes, and which leg gives way first. With books that can't be reckoned with there is no edge and prices are dim."""
    if depth is None:
        return [((ASKING, "dim"),)]
    if depth.why:
        return [((depth.why, "dim"),)]
    if depth.pair is None:
        return [(("no pair: fewer than two legs qualify", "dim"),)]
    room = max(9, min(14, (width - NAME - 6) // len(SIZES)))
    legs = {leg.key: leg for leg in depth.legs}
    pair = depth.pair
    buy, sell = legs.get(pair.buy), legs.get(pair.sell)
    sides = (_leg_line("buy", pair.buy, buy, room, look), _leg_line("sell", pair.sell, sell, room, look))
    sizes = "".join(f"{figures.compact(size):>{room}}" for size in SIZES)
    return [
        ((f"{'USDT':<{NAME}}{sizes}   AGE", "dim"),),
        *(_dim(line) if pair.why else line for line in sides),
        _edge_line(None if pair.why else buy, sell, room),
        *_pair_lines(pair, look),
    ]


def _leg_line(what: str, key: LegKey, leg: LegDepth | None, room: int, look: Look) -> Line:
    head = ((f"{what:<5}", "dim"), (f"{leg_name(key, look):<{NAME - 5}}", "bright"))
    fills = () if leg is None else leg.buys if what == "buy" else leg.sells
    if leg is None or not fills:
        why = "" if leg is None or leg.why == "asked" else leg.why
        return (*head, ("  " + (why or ASKING), "warn" if why else "dim"))
    age = figures.age(leg.age_s, tenths=True)
    told = tuple(_fill(one, room, look) for one in fills)
    return (*head, *told, (f"{age:>6}", "dim"), (f"  {leg.why}" if leg.why else "", "warn"))


def _dim(line: Line) -> Line:
    """The same with its prices as stale."""
    return tuple((text, "stale" if style == "text" else style) for text, style in line)


def _fill(one: Fill, room: int, look: Look) -> tuple[str, str]:
    """The average price; where the known levels end before the size, how much they take."""
    if one.complete:
        return f" {figures.price(one.price, room - 1, look.ascii, most=7):>{room - 1}}", "text"
    return f"{'only ' + figures.compact(one.filled_usdt):>{room}}", "warn"


def _edge_line(buy: LegDepth | None, sell: LegDepth | None, room: int) -> Line:
    """Gross percent that is left on the whole of each size."""
    head = (f"{'edge %':<{NAME}}", "dim")
    if buy is None or sell is None or not buy.buys or not sell.sells:
        return (head, (f"{figures.UNKNOWN:>{room}}" * len(SIZES), "stale"))
    return (head, *(_edge(a, b, room) for a, b in zip(buy.buys, sell.sells, strict=True)))


def _edge(bought: Fill, sold: Fill, room: int) -> tuple[str, str]:
    if not (bought.complete and sold.complete and bought.price and sold.price):
        return f"{figures.UNKNOWN:>{room}}", "stale"
    edge = (sold.price - bought.price) / bought.price * 100
    return f"{figures.signed(edge, 3, room - 1):>{room}}", "good" if edge > 0 else "text"


def _pair_lines(pair: PairDepth, look: Look) -> list[Line]:
    if pair.why:
        return [(("capacity  ", "dim"), (pair.why, "warn"))]
    whole = pair.compared_usdt >= SIZES[-1]
    unknown = "neither" if whole else "not known"
    thinner = unknown if pair.thinner is None else leg_name(pair.thinner, look)
    upto = "" if whole else f"  over the {figures.compact(pair.compared_usdt)} that both books tell"
    return [
        (
            ("capacity  0% ", "dim"), (_capacity(pair.any_edge), "text"),
            (f"  fees {pair.fees_pct:.2f}% ", "dim"), (_capacity(pair.break_even), "text"),
            (f"  {_edge_pct(pair.threshold)} ", "dim"), (_capacity(pair.threshold), "text"),
        ),
        (("thinner leg  ", "dim"), (thinner, "bright"), (upto, "dim")),
    ]  # fmt: skip


def _capacity(found: Capacity | None) -> str:
    """USDT; `>` where the known levels ended first."""
    return figures.UNKNOWN if found is None else f"{'' if found.bounded else '>'}{figures.compact(found.usdt)}"


def _edge_pct(found: Capacity | None) -> str:
    return figures.UNKNOWN if found is None else f"{found.edge_pct:g}%"
