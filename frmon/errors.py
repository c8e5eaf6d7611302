"""What can go wrong, drawn as a tree.

FrmonError
├── ConfigError        the configuration or an option is wrong: one line, exit 2
└── VenueError         something between us and a venue
    ├── DecodeError    one frame or reply is unreadable: skip it, count it, keep the line
    ├── Refused        a venue said no to a subscription: drop the topic, re-ask the rest
    ├── Notice         a venue announced something: listing, shutdown, maintenance
    └── Unreachable    no connection or no answer: retry, wait until a time, or give up (see `feeds.rest.verdict`)
"""


class FrmonError(Exception):
    """The root of all errors of this program."""


class ConfigError(FrmonError):
    """Bad configuration or option. The text is one line that names file, line, key and the nearest valid key."""


class VenueError(FrmonError):
    """Something between us and a venue."""


class DecodeError(VenueError):
    """A frame or reply that could not be read; the text is clean and short."""


class Refused(VenueError):
    """A venue refused a subscription.

    `symbol`: the venue's name of the refused symbol, None when the venue did not say which.
    `topic`: the refused topic as the venue wrote it, cleaned.
    `request`: the id of the subscribe frame as we sent it, None when not echoed.
    `duplicate`: the topic was subscribed already, so its symbol is live and only the rest must be asked again.
    `closing`: the venue is about to close the line because of this.
    """

    def __init__(  # noqa: PLR0913  the parts of one refusal, all named
        self,
        why: str,
        *,
        symbol: str | None = None,
        topic: str = "",
        request: str | None = None,
        duplicate: bool = False,
        closing: bool = False,
    ) -> None:
        super().__init__(why)
        self.why = why
        self.symbol = symbol
        self.topic = topic
        self.request = request
        self.duplicate = duplicate
        self.closing = closing


class Notice(VenueError):
    """A venue announced something. `kind`: "listing" (instruments changed), "shutdown" (this line will be closed soon:
    open another first), "maintenance" (the venue is or will be down)."""

    def __init__(self, kind: str, text: str = "") -> None:
        super().__init__(text or kind)
        self.kind = kind
        self.text = text


class Unreachable(VenueError):
    """No connection or no usable answer.

    `status`: what the screen shows (`BLOCKED`, `BANNED`, `TLS`, `DNS`, `MAINT`, `RECONNECT`).
    `retry_s`: seconds to wait at least before the next try, None for the ordinary back-off.
    """

    def __init__(self, status: str, why: str, retry_s: float | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.why = why
        self.retry_s = retry_s
