"""The tables, and how an older file becomes a newer one. `PRAGMA user_version` is the version of the schema; steps only go
forward, each in one transaction."""

APPLICATION = 0x66726D6E  # "frmn": PRAGMA application_id, so that a foreign database is never written to
VERSION = 1

KIND_LEG, KIND_COIN = 0, 1
"""What a pack is of: the bars of a leg, the spreads of a coin."""

_FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE leg (
    id INTEGER PRIMARY KEY,
    venue TEXT NOT NULL, market TEXT NOT NULL, symbol TEXT NOT NULL, coin TEXT NOT NULL, multiplier INTEGER NOT NULL,
    UNIQUE (venue, market, symbol, coin, multiplier)
);
CREATE INDEX leg_of_coin ON leg (coin);

CREATE TABLE coin (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

CREATE TABLE pair (
    id INTEGER PRIMARY KEY,
    buy_venue TEXT NOT NULL, buy_market TEXT NOT NULL, sell_venue TEXT NOT NULL, sell_market TEXT NOT NULL,
    UNIQUE (buy_venue, buy_market, sell_venue, sell_market)
);

-- Minutes that are not packed yet: at most a little over an hour of them. Time comes first in the keys, so that a minute of
-- all legs fills a few pages at the end and not one page of each leg; read them by `start IN (...) AND leg IN (...)`.
CREATE TABLE bar (
    leg INTEGER NOT NULL, start INTEGER NOT NULL,
    open REAL NOT NULL, high REAL NOT NULL, low REAL NOT NULL, close REAL NOT NULL, bid REAL NOT NULL, ask REAL NOT NULL,
    mark_price REAL, index_price REAL, rate REAL, updates INTEGER NOT NULL,
    PRIMARY KEY (start, leg)
) WITHOUT ROWID;

CREATE TABLE gap (
    coin INTEGER NOT NULL, start INTEGER NOT NULL,
    most REAL NOT NULL, mean REAL NOT NULL, last REAL NOT NULL, pair INTEGER NOT NULL, seconds INTEGER NOT NULL,
    PRIMARY KEY (start, coin)
) WITHOUT ROWID;

-- kind: 0 bars of a leg, 1 spreads of a coin, -1 and -2 the same where a pack turned out to be unreadable; step: minutes of
-- one bar; [start, until): minutes that the pack covers. Time comes first here too: an hour of all legs is written, rolled up
-- and dropped as whole pages. The starts are whole spans, so read by `start IN (...) AND subject IN (...)`.
CREATE TABLE pack (
    kind INTEGER NOT NULL, step INTEGER NOT NULL, subject INTEGER NOT NULL, start INTEGER NOT NULL, until INTEGER NOT NULL,
    bars INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (kind, step, start, subject)
) WITHOUT ROWID;

-- Spans whose packs of a coarser step are to be made, or made again since a late minute came.
CREATE TABLE due (
    kind INTEGER NOT NULL, step INTEGER NOT NULL, start INTEGER NOT NULL,
    PRIMARY KEY (kind, step, start)
) WITHOUT ROWID;

CREATE TABLE settlement (
    leg INTEGER NOT NULL, at_ms INTEGER NOT NULL, rate REAL NOT NULL, interval_h REAL, source TEXT NOT NULL,
    PRIMARY KEY (leg, at_ms)
) WITHOUT ROWID;

CREATE TABLE signal (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL, kind TEXT NOT NULL, coin TEXT NOT NULL, short TEXT NOT NULL, long TEXT NOT NULL,
    percent REAL NOT NULL, price_short REAL NOT NULL, price_long REAL NOT NULL, note TEXT NOT NULL,
    UNIQUE (at_ms, kind, coin, short, long)
);

CREATE TABLE episode (
    opened_ms INTEGER NOT NULL, kind TEXT NOT NULL, coin TEXT NOT NULL, short TEXT NOT NULL, long TEXT NOT NULL,
    opened_pct REAL NOT NULL, peak_pct REAL NOT NULL, peak_ms INTEGER NOT NULL, last_pct REAL NOT NULL,
    seen_ms INTEGER NOT NULL, duration_s REAL NOT NULL, area REAL NOT NULL, samples INTEGER NOT NULL,
    closed_ms INTEGER, reason TEXT,
    PRIMARY KEY (opened_ms, kind, coin, short, long)
) WITHOUT ROWID;
CREATE INDEX episode_open ON episode (reason) WHERE reason IS NULL;

CREATE TABLE event (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX event_by_time ON event (at_ms);

CREATE TABLE sample (
    at_ms INTEGER PRIMARY KEY,
    cpu_pct REAL, rss_mb REAL, loop_lag_ms REAL, messages_per_s REAL NOT NULL, legs INTEGER NOT NULL,
    fresh_legs INTEGER NOT NULL, reconnects INTEGER NOT NULL
);
"""

STEPS: dict[int, str] = {1: _FIRST}
"""Version -> what makes it of the one before."""

AT_BIRTH = (
    "PRAGMA page_size = 8192",
    "PRAGMA auto_vacuum = INCREMENTAL",
    f"PRAGMA application_id = {APPLICATION}",
)
"""Before the first table of a new file."""

AT_OPEN = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA busy_timeout = 250",
    "PRAGMA journal_size_limit = 16777216",
    "PRAGMA cache_size = -8192",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA foreign_keys = OFF",
)
"""Whenever the writer opens the file. Signals are committed with `synchronous = FULL`."""
