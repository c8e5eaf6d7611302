"""What is decided without a connection: who is let in, how often, and which settings are followed at once."""

from multidict import CIMultiDict

from frmon.api.gate import Asked, Gate, bracketed, is_loopback
from frmon.api.share import BURST_S, SHARE, Share
from frmon.config import VenueDefaults, defaults
from frmon.retune import changes


class Still:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def mono(self) -> float:
        return self.at

    def now_ms(self) -> int:
        return round(self.at * 1000)

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


def asked(host: str, local: str = "127.0.0.1", **headers: str) -> Asked:
    return Asked("GET", {"Host": host, **headers}, "127.0.0.1", local)


def test_dear_answers_are_counted_per_client() -> None:
    clock = Still()
    gate = Gate("127.0.0.1", 4002, "", clock)
    assert sum(not gate.is_too_much("a") for _ in range(100)) == 20
    assert not gate.is_too_much("b")
    clock.at = 0.5
    assert sum(not gate.is_too_much("a") for _ in range(100)) == 10


def test_the_bound_address_is_a_name_only_with_a_token() -> None:
    with_token = Gate("0.0.0.0", 4002, "x" * 40, Still())
    sound = {"Authorization": f"Bearer {'x' * 40}"}
    assert with_token.refusal(asked("192.0.2.7:4002", "192.0.2.7", **sound)) is None
    assert with_token.refusal(asked("192.0.2.8:4002", "192.0.2.7", **sound)) is not None
    bare = Gate("127.0.0.1", 4002, "", Still())
    assert bare.refusal(asked("192.0.2.7:4002", "192.0.2.7")) is not None


def test_what_is_loopback() -> None:
    assert [h for h in ("127.0.0.1", "127.8.8.8", "::1", "localhost", "0.0.0.0", "::", "10.0.0.1", "x.org") if is_loopback(h)] == [
        "127.0.0.1", "127.8.8.8", "::1", "localhost",
    ]  # fmt: skip
    assert (bracketed("::1"), bracketed("0.0.0.0"), bracketed("Host.Example")) == ("[::1]", "", "host.example")


def test_two_of_a_header_that_decides_are_one_too_many() -> None:
    gate = Gate("127.0.0.1", 4002, "", Still())
    own = ("Origin", "http://127.0.0.1:4002")
    for more in (own, ("origin", "http://evil.example"), ("Host", "evil.example")):
        head = CIMultiDict([("Host", "127.0.0.1:4002"), own, more])
        refusal = gate.refusal(Asked("GET", head, "127.0.0.1", "127.0.0.1"))
        assert refusal is not None
        assert refusal.status == 400


def test_quiet_streams_do_not_make_the_next_answer_wait() -> None:
    clock, spent = Still(), [0.0]
    share = Share(lambda: spent[0], clock.mono)
    clock.at, spent[0] = 600.0, 600.0 * SHARE * 0.9
    assert share.wait_s() == 0
    spent[0] += BURST_S
    assert share.wait_s() < 1e-9
    spent[0] += SHARE
    assert 0.9 < share.wait_s() < 1.1


def test_answers_wait_when_their_share_is_spent() -> None:
    clock, spent = Still(), [0.0]
    share = Share(lambda: spent[0], clock.mono)
    spent[0] = BURST_S
    assert share.wait_s() == 0
    spent[0] += SHARE / 2
    assert 0.49 < share.wait_s() < 0.51
    clock.at += 0.5
    assert share.wait_s() < 1e-9


def test_a_changed_setting_is_followed_at_once_or_said_to_wait() -> None:
    venues = [VenueDefaults(name="x", endpoints={"rest": "http://a"}, taker_fee_spot=0, taker_fee_perp=0)]
    before, after = defaults(venues), defaults(venues)
    after.signals.threshold_pct = 1.0
    after.venues["x"].taker_fee_perp = 0.01
    after.feeds.proxy = "http://user:secret@proxy"
    after.serve.port = 1
    found = {".".join(c.path): c for c in changes(before, after)}
    assert {key for key, c in found.items() if c.live} == {"signals.threshold_pct", "venues.x.taker_fee_perp"}
    assert found["serve.port"].words() == "CONFIG serve.port: 4002 → 1, holds after another start"
    assert "secret" not in found["feeds.proxy"].words()
