"""What happens to instruments on purpose: the market's own turns of fate, as `POST /_sim/turn` orders them."""

from typing import Literal

import msgspec

Fate = Literal[
    "halt", "resume", "settle", "delist", "list", "rename", "interval", "price", "empty", "freeze", "redenominate"
]
SIDES = ("bid", "ask", "both")


class Turn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One order of `POST /_sim/turn`: from now on, `after_s` from now.

    halt          the venue says that the instrument does not trade; its book stays as it was, then empties
    resume        it trades again
    settle        a delisting is announced: status and off time as this venue tells them; trade goes on for `after_s`, then
                  it rests in the list
    delist        it leaves the list; streams say nothing more of it (`silent`: it stays listed, price frozen)
    list          an instrument that was delisted, or a new one called `symbol` appears; its coin is `name` (else the one
                  that the symbol names), and a coin that nobody lists yet costs `factor` USDT
    rename        it leaves under its name and appears as `name` (base asset), same price
    interval      funding every `hours` from now on (`hours` 0: the venue leaves the field out)
    price         its quotes are `factor` times the coin's price from now on, for `for_s` (0: for ever; `factor` 0: no price)
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

    def refusal(self) -> str:
        """Why this is no order that makes sense, "" if it is one."""
        if self.side not in SIDES:
            return f"side {self.side!r}: choose one of {', '.join(SIDES)}"
        if min(self.after_s, self.for_s, self.hours, self.factor) < 0:
            return "after_s, for_s, hours and factor are not negative"
        if self.hours > 24 or self.hours % 1:
            return f"hours {self.hours:g}: a whole number up to 24"
        if self.kind == "rename" and not self.name:
            return "rename needs a name"
        if self.kind in {"redenominate", "list"} and not self.factor:
            return f"{self.kind} needs a factor above 0"
        return ""
