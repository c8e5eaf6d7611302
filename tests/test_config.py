"""The configuration: what is read, what wins, and how mistakes are named."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon.config import Settings, VenueDefaults, defaults, get, leaves
from frmon.configfile import SIZE_LIMIT, line_numbers, load, read
from frmon.configtext import default_text, merged_text
from frmon.errors import ConfigError
from frmon.paths import cache_dir, config_path, data_dir, state_dir

VENUES = [
    VenueDefaults(
        name="alpha",
        endpoints={"rest": "https://api.alpha.example", "ws": "wss://ws.alpha.example:443"},
        taker_fee_spot=0.001,
        taker_fee_perp=0.0005,
    ),
    VenueDefaults(
        name="beta", endpoints={"rest": "https://api.beta.example"}, taker_fee_spot=0.002, taker_fee_perp=0.0006
    ),
]


def from_text(tmp_path: Path, text: str | bytes, env: dict[str, str] | None = None, **options: object) -> Settings:
    file = tmp_path / "c.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    named = {key.replace("__", "."): value for key, value in options.items()}
    return load(VENUES, file=file, env=env or {}, options=named)


def complaint(tmp_path: Path, text: str | bytes, env: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        from_text(tmp_path, text, env)
    said = str(caught.value)
    assert said.isprintable()
    return said.removeprefix(f"{tmp_path}/c.toml")


def test_without_a_file_the_defaults_hold_and_say_so(tmp_path: Path) -> None:
    settings = load(VENUES, file=None, env={"XDG_CONFIG_HOME": str(tmp_path)}, options={})
    assert settings.signals.threshold_pct == 0.6
    assert settings.venues["alpha"].endpoints == VENUES[0].endpoints
    assert set(settings.origins) == {".".join(path) for path in leaves(settings)}
    assert set(settings.origins.values()) == {"default"}


def test_option_wins_over_environment_over_file_over_default(tmp_path: Path) -> None:
    text = "[signals]\nsamples = 4\ncooldown_s = 40\nmax_gap_s = 20"
    env = {"FRMON_SIGNALS_SAMPLES": "5", "FRMON_SIGNALS_COOLDOWN_S": "50"}
    settings = from_text(tmp_path, text, env, signals__samples=6)
    rule = settings.signals
    assert (rule.samples, rule.cooldown_s, rule.max_gap_s, rule.sample_every_s) == (6, 50.0, 20.0, 2.0)
    origins = [settings.origins[f"signals.{k}"] for k in ("samples", "cooldown_s", "max_gap_s", "sample_every_s")]
    assert origins == ["option", "environment", "file", "default"]


def test_every_rule_has_its_section_and_is_off_until_switched_on(tmp_path: Path) -> None:
    text = "[rules.basis]\non = true\nthreshold_pct = 1\n[rules.interval]\nthreshold_pct = 0.0"
    rules = from_text(tmp_path, text, {"FRMON_RULES_FUNDING_COOLDOWN_S": "60"}).rules
    assert (rules.basis.on, rules.basis.threshold_pct, rules.basis.samples) == (True, 1.0, 3)
    assert (rules.funding.on, rules.funding.cooldown_s) == (False, 60.0)
    assert (rules.interval.on, rules.interval.threshold_pct) == (False, 0.0)


def test_a_gap_too_short_for_a_row_matters_only_to_rules_that_need_a_row(tmp_path: Path) -> None:
    settings = from_text(tmp_path, "[signals]\nsamples = 1\nmax_gap_s = 2")
    assert settings.signals.max_gap_s == 2.0


def test_every_scalar_key_has_its_variable(tmp_path: Path) -> None:
    env = {
        "FRMON_VENUES_ALPHA_ENABLED": "false",
        "FRMON_VENUES_ALPHA_ENDPOINTS_WS": "ws://127.0.0.1:1",
        "FRMON_VENUES_BETA_TAKER_FEE_PERP": "0.01",
        "FRMON_SIGNALS_MARKETS": "perp, spot",
        "FRMON_SCREEN_ASCII": "yes",
        "FRMON_FEEDS_PROXY": "",
        "FRMON_DB": "/x",
        "FRMON_LOG_LEVEL": "debug",
        "OTHER": "x",
    }
    settings = from_text(tmp_path, "", env)
    assert settings.venues["alpha"].enabled is False
    assert settings.venues["alpha"].endpoints["ws"] == "ws://127.0.0.1:1"
    assert settings.venues["beta"].taker_fee_perp == 0.01
    assert settings.signals.markets == ["perp", "spot"]
    assert settings.screen.ascii is True
    assert settings.origins["venues.alpha.endpoints.ws"] == "environment"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "\n[signals]\ntreshold_pct = 1",
            ':3: signals.treshold_pct: unknown key; did you mean "signals.threshold_pct"?',
        ),
        ("[signal]\nsamples = 1", ':1: signal: unknown key; did you mean "signals"?'),
        ("samples = 1", ':1: samples: unknown key; did you mean "signals.samples"?'),
        ("[venues.alfa]\nenabled = true", ':1: venues.alfa: unknown key; did you mean "venues.alpha"?'),
        ("[venues]\nalpha.enabld = true", ':2: venues.alpha.enabld: unknown key; did you mean "venues.alpha.enabled"?'),
        (
            '[venues.beta.endpoints]\nres = "http://h"',
            ':2: venues.beta.endpoints.res: unknown key; did you mean "venues.beta.endpoints.rest"?',
        ),
        (
            '[venues.beta.endpoints]\nspot_rest = "http://h"',
            ':2: venues.beta.endpoints.spot_rest: unknown key; did you mean "venues.beta.endpoints.rest"?',
        ),
        ('[venues.beta.endpoints]\nws = "ws://h"', ":2: venues.beta.endpoints.ws: unknown key; valid: rest"),
        (
            "[venues.beta.endpoints]\nenabled = true",
            ':2: venues.beta.endpoints.enabled: unknown key; did you mean "venues.beta.enabled"?',
        ),
        ("[signals]\nproxy = 1", ':2: signals.proxy: unknown key; did you mean "feeds.proxy"?'),
        ("[signals]\ntheme = 1", ':2: signals.theme: unknown key; did you mean "screen.theme"?'),
        ("zzz = 1", ":1: zzz: unknown key; valid: venues, signals, rules, feeds, coins, screen, storage, serve"),
        ("signals = 3", ":1: signals: must be a table, written [signals]"),
        ("[[signals]]\nsamples = 1", ":1: signals: must be a table, written [signals]"),
        ('[signals]\nsamples = "3"', ':2: signals.samples: must be a whole number, not "3"'),
        ("[signals]\nsamples = 1.5", ":2: signals.samples: must be a whole number, not 1.5"),
        ("[signals]\nsamples = true", ":2: signals.samples: must be a whole number, not true"),
        ("[signals]\nsamples = 0", ":2: signals.samples: must be at least 1 and at most 10000, not 0"),
        ("[signals]\nthreshold_pct = 0", ":2: signals.threshold_pct: must be above 0, not 0.0"),
        ("[signals]\nthreshold_pct = nan", ":2: signals.threshold_pct: must be a finite number"),
        ("[signals]\nmax_age_s = -1", ":2: signals.max_age_s: must be above 0, not -1.0"),
        ("[signals]\nmax_age_s = 2026-01-01", ":2: signals.max_age_s: must be a number, not a date or time"),
        (
            '[signals]\nbasis = "executible"',
            ':2: signals.basis: must be "executable" or "last", not "executible"; did you mean "executable"?',
        ),
        ("[signals]\nmarkets = []", ":2: signals.markets: must name at least one market"),
        (
            '[signals]\nmarkets = ["perps"]',
            ':2: signals.markets: must be "spot" or "perp", not "perps"; did you mean "perp"?',
        ),
        (
            "[venues.alpha]\ntaker_fee_spot = 0.1",
            ":2: venues.alpha.taker_fee_spot: must be at least 0 and below 0.1, not 0.1",
        ),
        ("[venues.alpha]\nenabled = 1", ":2: venues.alpha.enabled: must be true or false, not 1"),
        ("[feeds]\ntime_scale = 0", ":2: feeds.time_scale: must be above 0 and at most 100, not 0.0"),
        ('[feeds]\nproxy = "ftp://h"', ":2: feeds.proxy: the value must begin with http:// or https:// or socks5://"),
        (
            '[venues.beta.endpoints]\nrest = "wss://h"',
            ':2: venues.beta.endpoints.rest: "wss://h" must begin with http:// or https://',
        ),
        (
            '[venues.beta.endpoints]\nrest = "http://h/api"',
            ':2: venues.beta.endpoints.rest: "http://h/api" must end after host and port; paths are added by the program',
        ),
        (
            '[venues.beta.endpoints]\nrest = "http://h:99999"',
            ':2: venues.beta.endpoints.rest: "http://h:99999" has no valid host and port',
        ),
        (
            '[venues.beta.endpoints]\nrest = "http://"',
            ':2: venues.beta.endpoints.rest: "http://" has no valid host and port',
        ),
        ('[coins]\nquote = "USDC"', ':2: coins.quote: must be "USDT", not "USDC"'),
        (
            '[coins]\nclasses = ["cripto"]',
            ':2: coins.classes: must be "crypto" or "stock" or "commodity" or "forex" or "index" or "premarket" or '
            '"other", not "cripto"; did you mean "crypto"?',
        ),
        (
            '[coins.aliases]\n"alpha:perp:X" = "Y"\n"alfa:perp:X" = "Y"',
            ':3: coins.aliases: "alfa:perp:X": no such venue: "alfa"; did you mean "alpha"?',
        ),
        ('[coins]\naliases = {"alpha:X" = "Y"}', ':2: coins.aliases: "alpha:X": must look like "venue:market:SYMBOL"'),
        ("[coins]\naliases = 1", ":2: coins.aliases: must be a table of texts, not 1"),
        ('[coins]\naliases = {"alpha:perp:X" = 1}', ':2: coins.aliases: "alpha:perp:X": must be text, not 1'),
        (
            '[coins.aliases]\n"alpha:perp:X" = "Y"\n"alpha:perp:Z" = ["Y"]',
            ':3: coins.aliases: "alpha:perp:Z": must be text, not a list',
        ),
        ("[signals]\nsamples = ", ":2: no valid TOML: invalid value"),
        ("[signals]\nsamples = 3\nsamples = 4", ":3: no valid TOML: cannot overwrite a value"),
        ("[signals\n", ":1: no valid TOML: expected ']' at the end of a table declaration"),
        ("a = \x00", ":1: no valid TOML: invalid value"),
        ('"a\\nb" = 1', ":1: a\\nb: unknown key; valid: venues, signals, rules, feeds, coins, screen, storage, serve"),
        (b"# \n\xff\xfe", ":2: is not UTF-8 text"),
        ("a = " + "[" * 3000, ":1: is nested too deep"),
        (
            "[signals]\nmax_gap_s = 2",
            ":2: signals.max_gap_s: no signal could ever fire: max_gap_s 2.0 must be above sample_every_s 2.0",
        ),
        (
            "[signals]\nthreshold_pct = 0.5\nclose_pct = 0.5",
            ":3: signals.close_pct: no episode could ever last: close_pct 0.5 must be below threshold_pct 0.5",
        ),
        (
            "[signals]\nclose_pct = 0.7",
            ":2: signals.close_pct: no episode could ever last: close_pct 0.7 must be below threshold_pct 0.6",
        ),
        ("[signals]\nclose_pct = -1", ":2: signals.close_pct: must be at least 0, not -1.0"),
        ("[rules.basis]\nthreshold_pct = 0", ":2: rules.basis.threshold_pct: must be above 0, not 0.0"),
        ("[rules.interval]\nthreshold_pct = -1", ":2: rules.interval.threshold_pct: must be at least 0, not -1.0"),
        ("[rules.funding]\nsamples = 0", ":2: rules.funding.samples: must be at least 1 and at most 10000, not 0"),
        ("[rules.basis]\nsample = 3", ':2: rules.basis.sample: unknown key; did you mean "rules.basis.samples"?'),
        ("[rules.premium]\non = true", ":1: rules.premium: unknown key; valid: basis, funding, interval"),
        ("rules.basis = 1", ":1: rules.basis: must be a table, written [rules.basis]"),
        (
            "[rules.basis]\non = true\n[signals]\nsamples = 1\nmax_gap_s = 2",
            ":5: signals.max_gap_s: no signal could ever fire: max_gap_s 2.0 must be above sample_every_s 2.0",
        ),
    ],
)
def test_a_mistake_is_one_line_with_place_key_and_the_nearest_key(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert complaint(tmp_path, text) == said


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("FRMON_SIGNALS_SAMPLE", "3", 'FRMON_SIGNALS_SAMPLE: unknown variable; did you mean "FRMON_SIGNALS_SAMPLES"?'),
        ("FRMON_QQ", "3", "FRMON_QQ: unknown variable; see: frmon config show"),
        ("FRMON_SIGNALS_SAMPLES", "three", 'FRMON_SIGNALS_SAMPLES: must be a whole number, not "three"'),
        ("FRMON_VENUES_ALPHA_ENABLED", "maybe", 'FRMON_VENUES_ALPHA_ENABLED: must be true or false, not "maybe"'),
        ("FRMON_SIGNALS_MAX_AGE_S", "inf", "FRMON_SIGNALS_MAX_AGE_S: must be a finite number"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, variable: str, value: str, said: str) -> None:
    assert complaint(tmp_path, "", {variable: value}) == said


def test_a_wrong_option_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^option signals.samples: must be at least 1"):
        from_text(tmp_path, "", signals__samples=0)


def test_every_mistake_is_kept_for_the_check(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("x = 1\n[signals]\nsamples = 0\ny = 2\n")
    problems = read(VENUES, file=file, env={"FRMON_Z": "1"}, options={}).problems
    assert [p.split(": ")[0].removeprefix(str(file)) for p in problems] == [":1", ":3", ":4", "FRMON_Z"]


def test_a_named_file_must_exist_and_be_readable(tmp_path: Path) -> None:
    missing = tmp_path / "no.toml"
    for env, file in (({}, missing), ({"FRMON_CONFIG": str(missing)}, None)):
        with pytest.raises(ConfigError, match=r"no\.toml: no such file$"):
            load(VENUES, file=file, env=env, options={})
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory$"):
        load(VENUES, file=tmp_path, env={}, options={})
    with pytest.raises(ConfigError, match=r"is longer than 1000000 bytes$"):
        from_text(tmp_path, b"#" * (SIZE_LIMIT + 1))


def test_the_file_at_the_default_place_is_read(tmp_path: Path) -> None:
    env = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert config_path(env) == tmp_path / "frmon" / "config.toml"
    config_path(env).parent.mkdir()
    config_path(env).write_text("signals.samples = 9")
    assert load(VENUES, file=None, env=env, options={}).signals.samples == 9


def test_the_directories_are_those_of_xdg() -> None:
    env = {"HOME": "/home/u", "XDG_CACHE_HOME": "relative", "XDG_STATE_HOME": "/s"}
    places = [f(env) for f in (config_path, state_dir, data_dir, cache_dir)]
    expected = ["/home/u/.config/frmon/config.toml", "/s/frmon", "/home/u/.local/share/frmon", "/home/u/.cache/frmon"]
    assert [str(p) for p in places] == expected


def test_an_endpoint_may_end_in_a_slash_and_a_byte_order_mark_is_no_key(tmp_path: Path) -> None:
    settings = from_text(tmp_path, '\ufeff[venues.alpha.endpoints]\r\nws = "ws://[::1]:80/"\r\n')
    assert settings.venues["alpha"].endpoints["ws"] == "ws://[::1]:80"


def test_the_default_text_reads_back_as_the_defaults(tmp_path: Path) -> None:
    text = default_text(VENUES)
    settings, expected = from_text(tmp_path, text), defaults(VENUES)
    assert all(get(settings, path) == get(expected, path) for path in leaves(expected))
    assert set(settings.origins.values()) == {"file"}
    uncommented = [
        line for line in text.splitlines() if line and line[0] not in "#[" and "# " not in line and "://" not in line
    ]
    assert uncommented == []


def test_the_merged_text_reads_back_and_tells_origins_but_no_password(tmp_path: Path) -> None:
    text = 'feeds.proxy = "http://user:secret@h:1"\ncoins.aliases = {"alpha:spot:币安" = "BNB\\u007f"}'
    with pytest.raises(ConfigError, match=r"is no name"):
        from_text(tmp_path, text)
    shown = merged_text(from_text(tmp_path, text.replace("\\u007f", "")))
    assert "secret" not in shown
    assert tomllib.loads(shown)["feeds"]["proxy"] == "http://***@h:1"
    assert next(line for line in shown.splitlines() if line.startswith("coins.aliases")).endswith("# file")


@pytest.mark.parametrize("blank", ["", "\n# [x]\n"])
def test_lines_are_found_in_every_way_of_writing(blank: str) -> None:
    text = f"""{blank}a.b = 1
[t."x.y"] # c
k = [
  1, # ]
  2]
s = '''
z = 3
'''
q = {{r = {{s = 1}}}}
"""
    first = blank.count("\n")
    found = {path: line - first for path, line in line_numbers(text).items()}
    assert found == {
        ("a",): 1, ("a", "b"): 1, ("t",): 2, ("t", "x.y"): 2, ("t", "x.y", "k"): 3, ("t", "x.y", "s"): 6,
        ("t", "x.y", "q"): 9, ("t", "x.y", "q", "r"): 9, ("t", "x.y", "q", "r", "s"): 9,
    }  # fmt: skip


_KEYS = st.sampled_from(
    ["signals", "venues", "alpha", "endpoints", "samples", "rest", "coins", "aliases", "x", "[", "="]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(_KEYS | st.text(max_size=3), _VALUES, max_size=4))
def test_no_option_value_of_any_type_gets_past_as_another_type(options: dict[str, object]) -> None:
    reader = read(VENUES, file=None, env={"XDG_CONFIG_HOME": "/nonexistent"}, options=options)
    assert len(reader.problems) >= len(options)
    assert all(p.isprintable() for p in reader.problems)


@given(st.text(alphabet='sig nals.[]{}="\n#1tv\\\x00é', max_size=60))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    reader = read(VENUES, file=None, env={"XDG_CONFIG_HOME": "/nonexistent"}, options={})
    reader.take_text(text, "f")
    assert all(p.isprintable() and p.startswith("f:") for p in reader.problems)
