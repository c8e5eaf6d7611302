"""What happens to instruments on purpose: the market's own turns of fate, as `POST /_sim/turn` orders them."""

from typing import Literal

import msgspec

Fate = Literal[
    "halt", "resume", "settle", "delist", "list", "rename", "interval", "price", "empty", "freeze", "redenominate"
]


class Turn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One order of `POST /_sim/turn`: from now on, `after_s` from now.

    halt          the venue says that the instrument does not trade; its book stays as it was, then empties
    resume        it trades again
    settle        a delisting is announced: status and off time as this venue tells them; trade goes on for `after_s`
    delist        it leaves the list; streams say nothing more of it (`silent`: it stays listed, price frozen)
    list          an instrument that was delisted, or `symbol` of a known coin that this venue did not list, appears
    rename        it leaves under its name and appears as `name` (base asset), same price
    interval      funding every `hours` from now on (`hours` 0: the venue leaves the field out)
    price         its quotes are `factor` times the coin's price from now on, for `for_s` (0: for ever)
    empty         one side of its book is empty: `side` "bid", "ask" or "both"
    freeze        its quotes are repeated and change no more
    redenominate  one unit of the symbol is `factor` times as much from now on; `told`: the listing says so as well
    """

    kind: Fate
    venue: str
    market: str
    symbol: str
    after_s: float = 0.0
    for_s: float = 0.0
    name: str = ""
    hours: float = 0.0
    factor: float = 1.0
    side: str = "both"
    silent: bool = False
    told: bool = True
