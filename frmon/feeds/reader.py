"""One line's frames, read: what cannot be read is skipped, counted and told, but not again and again."""

import logging
from collections.abc import Collection

from frmon.clock import Clock
from frmon.errors import DecodeError, Notice, Refused
from frmon.feeds.contract import Heard, Stream, Wounded
from frmon.feeds.text import is_crowded
from frmon.feeds.unread import WHOLE, Unread, culprit
from frmon.jobs import Tell

LOG = logging.getLogger("frmon.line")
NOTHING: Heard = ("", ())


class Reader:
    """Reads frames of a stream on behalf of the line `name`."""

    def __init__(self, stream: Stream, name: str, clock: Clock, tell: Tell, time_scale: float) -> None:
        self.unread = Unread(time_scale)
        self._parse = stream.parse
        self._name = name
        self._clock = clock
        self._tell = tell

    def read(self, raw: bytes, symbols: Collection[str]) -> Heard:
        """What a frame says: `NOTHING` where it cannot be read. `symbols`: whose frames may come. Raises Refused, Notice."""
        if is_crowded(raw):
            self._note((WHOLE,), "too many parts")
            return NOTHING
        try:
            heard = self._parse(raw)
        except DecodeError as error:
            self._note((WHOLE,), str(error))
        except (Refused, Notice):
            raise
        except Exception:
            self.met_bug(raw, symbols)
        else:
            if type(heard[1]) is Wounded:
                self._note(heard[1].unread, "the rest was read")
            return heard
        return NOTHING

    def met_bug(self, raw: bytes, symbols: Collection[str]) -> None:
        """The exception that is handled now came of this frame."""
        if self._note((culprit(raw, symbols),), "it met a bug"):
            LOG.exception("%s: a frame met a bug", self._name)

    def _note(self, names: Collection[str], why: str) -> bool:
        now = self._clock.mono()
        is_news = self.unread.note(names, now)
        if is_news:
            self._tell(f"{self._name}: {self.unread.words(now)} ({why})")
        return is_news
