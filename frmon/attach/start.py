"""From an address to a source for the screen: asks the collector once, before the screen, so that what is wrong is said in one
line."""

import asyncio

import msgspec

from frmon.attach.line import Address, Denied, Lost
from frmon.attach.link import first
from frmon.attach.messages import Whole, WrongSchema, read_whole
from frmon.attach.remote import Remote
from frmon.clock import SystemClock
from frmon.config import Settings, VenueSettings
from frmon.errors import DecodeError
from frmon.feeds.venues import all_venues
from frmon.parts import TermsPart

FIRST_S = 15.0


def attach(address: Address, settings: Settings) -> Remote:
    """A source that does not run yet, judging by the collector's terms. Raises `Lost` and `Denied`."""
    whole = asyncio.run(_first(address))
    judged = settings if whole.terms is None else settings_by(settings, whole.terms)
    venues = [venue for venue in all_venues() if venue.name in whole.venues]
    remote = Remote(address, judged, venues, SystemClock())
    simulated = "SIMULATED" if whole.simulated else ""
    remote.simulated = simulated if whole.terms is None else whole.terms.market or simulated
    return remote


async def _first(address: Address) -> Whole:
    said = f"--connect: {address.place}"
    try:
        async with asyncio.timeout(FIRST_S):
            event = await first(address)
        return read_whole(event.data)
    except TimeoutError:
        raise Lost(f"{said}: no answer in time") from None
    except WrongSchema as error:
        raise Denied(f"{said}: {error}") from None
    except DecodeError:
        raise Denied(f"{said}: it does not speak as a collector does: is that frmon serve?") from None
    except Lost as error:
        raise type(error)(f"{said}: {error}") from None


def settings_by(settings: Settings, terms: TermsPart) -> Settings:
    """The user's settings, but judging as the collector does."""
    fees = {name: _fees(settings.venues.get(name, VenueSettings()), told) for name, told in terms.fees.items()}
    return msgspec.structs.replace(
        settings,
        venues={**settings.venues, **fees},
        signals=terms.signals,
        screen=msgspec.structs.replace(settings.screen, sell_spot=terms.sell_spot),
        coins=msgspec.structs.replace(settings.coins, classes=list(terms.classes)),
    )


def _fees(settings: VenueSettings, told: dict[str, float]) -> VenueSettings:
    return msgspec.structs.replace(
        settings,
        enabled=True,
        taker_fee_spot=told.get("spot", settings.taker_fee_spot),
        taker_fee_perp=told.get("perp", settings.taker_fee_perp),
    )
