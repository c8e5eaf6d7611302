"""The program as its users start it: exit codes, what goes where, and that nothing but one line tells of an error."""

import json
import logging
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from frmon.cli import command_tree
from frmon.errors import ConfigError
from frmon.headless import verdict_json, verdict_text
from frmon.launch import all_venues, endpoint_options
from frmon.model import LegKey, Market
from frmon.options import places_of
from tests.command import PROGRAM, Frmon


@pytest.fixture
def nowhere(tmp_path: Path) -> Iterator[Path]:
    """A configuration whose every endpoint is a port that refuses."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, not listening: nobody else can take it
        host = f"127.0.0.1:{held.getsockname()[1]}"
        lines = []
        for venue in all_venues():
            lines.append(f"[venues.{venue.name}.endpoints]")
            lines += [
                f'{key} = "{url.partition(":")[0].removesuffix("s")}://{host}"' for key, url in venue.endpoints.items()
            ]
        file = tmp_path / "nowhere.toml"
        file.write_text("\n".join(lines))
        yield file


def test_version_is_one_line_of_data() -> None:
    done = subprocess.run([*PROGRAM, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"frmon \d+\.\d+\.\d+\S*\n", done.stdout)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            "",
            [
                "--demo",
                "--theme",
                "--no-mouse",
                "--ascii",
                "--replay",
                "--record",
                "--version",
                "--show-completion",
                "snapshot",
                "config",
            ],
        ),
        ("sim", ["--seed", "--coins", "--port", "--scene", "--rate", "--faults", "--tape", "--speed"]),
        ("snapshot", ["--format", "--wait", "--coin", "--top", "--why", "--demo", "--replay", "--record"]),
        ("watch", ["--format", "--signals-only", "--demo", "--replay", "--record"]),
        ("venues", ["--verdicts", "--wait", "--demo"]),
        ("check", ["--venue", "--format"]),
        ("config", ["path", "default", "show", "check"]),
        ("history", ["COIN", "--hours", "--venue", "--step", "--format"]),
        ("signals", ["--hours", "--coin", "--format"]),
        ("db", ["stats", "maintain", "export"]),
        ("db export", ["--out", "--kind", "--coin", "--venue", "--since", "--until", "--step", "--format", "--force"]),
    ],
)
def test_help_names_every_option_and_the_global_ones(frmon: Frmon, command: str, words: list[str]) -> None:
    ended = frmon(*command.split(), "--help")
    assert (ended.code, ended.err) == (0, "")
    for word in [*words, "--config", "--db", "--log", "--log-level"]:
        assert word in ended.out
    assert "…" not in ended.out
    assert "until-eof" not in ended.out


def test_every_command_takes_the_global_options() -> None:
    tree = command_tree()
    groups = [tree.commands[name].commands.values() for name in ("config", "db")]
    commands = [*tree.commands.values(), *(command for group in groups for command in group)]
    assert len(commands) == 19
    for command in commands:
        assert {"config", "db", "log", "log_level"} <= {param.name for param in command.params}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["snapsot"], r"No such command 'snapsot'\. Did you mean 'snapshot'\?"),
        (["snapshot", "--formt", "json"], r"No such option: --formt.*--format"),
        (["snapshot", "--format", "yaml"], r"'--format'.*'json', 'csv', 'table'"),
        (["snapshot", "--why"], r"--why explains single coins: name them with --coin"),
        (["snapshot", "--wait", "-1"], r"'--wait'"),
        (["config"], r"Missing command"),
        (["--config", "/nonexistent/c.toml", "snapshot"], r"/nonexistent/c\.toml: no such file"),
        (["snapshot", "--config", "/nonexistent/c.toml"], r"/nonexistent/c\.toml: no such file"),
        (["venues", "--config", "/"], r"/: cannot be read: Is a directory"),
        (["check", "--venue", "binanse"], r'--venue: no such venue: "binanse"; did you mean "binance"\?'),
        (["config", "show", "--log-level", "loud"], r"--log-level: must be one of debug, info, warning, error"),
        (["config", "show", "--log", "/nonexistent/x"], r"--log: /nonexistent/x: No such file or directory"),
        (["--demo"], r"the screen needs a terminal"),
    ],
)
def test_bad_use_is_one_line_and_exit_2(frmon: Frmon, arguments: list[str], said: str) -> None:
    assert re.search(said, frmon(*arguments).failed(2))


def test_bad_configuration_is_one_line_and_exit_2(frmon: Frmon, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[signals]\nsamplse = 3\n")
    for command in (["snapshot"], ["watch"], ["venues"], ["check"], ["config", "show"], ["config", "check"]):
        said = frmon(*command, "--config", str(file)).failed(2)
        assert said == f'{file}:2: signals.samplse: unknown key; did you mean "signals.samples"?'


def test_bad_variable_is_one_line_and_exit_2(frmon: Frmon) -> None:
    said = frmon("config", "show", FRMON_SIGNALS_SAMPLE="3").failed(2)
    assert said == 'FRMON_SIGNALS_SAMPLE: unknown variable; did you mean "FRMON_SIGNALS_SAMPLES"?'


def test_config_check_names_every_mistake(frmon: Frmon, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[signals]\nsamples = 0\nfoo = 1\n")
    ended = frmon("config", "check", "--config", str(file))
    assert (ended.code, ended.out) == (2, "")
    assert [line.split(": ")[1].rpartition(":")[2] for line in ended.err.splitlines()] == ["2", "3"]


def test_config_default_reads_back_and_show_tells_origins(frmon: Frmon, env: dict[str, str]) -> None:
    path = Path(frmon("config", "path").out.strip())
    assert path == Path(env["XDG_CONFIG_HOME"]) / "frmon" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(frmon("config", "default").out)
    assert frmon("config", "check").code == 0
    shown = frmon("config", "show", FRMON_SIGNALS_SAMPLES="4").out.splitlines()
    assert sum(line.endswith("# file") for line in shown) == len(shown) - 1
    assert [line.split() for line in shown if line.endswith("# environment")] == [
        ["signals.samples", "=", "4", "#", "environment"]
    ]


def test_nobody_reached_is_exit_3_within_the_wait_and_says_why(frmon: Frmon, nowhere: Path) -> None:
    ended = frmon("snapshot", "--format", "json", "--wait", "1", "--config", str(nowhere))
    assert ended.code == 3
    assert ended.err.startswith("frmon: no venue could be reached within 1 s: ")
    assert ended.err.count("\n") == 1
    picture = json.loads(ended.out)
    assert (picture["schema"], picture["coins"], picture["signals"]) == (1, [], [])
    assert set(picture["venues"]) == {v.name for v in all_venues()}
    assert all(v["legs"] == 0 and v["status"] != "LIVE" for v in picture["venues"].values())


def test_check_against_nobody_is_exit_1_with_a_reason_for_each(frmon: Frmon, nowhere: Path) -> None:
    ended = frmon("check", "--format", "json", "--config", str(nowhere))
    findings = json.loads(ended.out)
    assert (ended.code, ended.err) == (1, "")
    assert {f["venue"] for f in findings} == {v.name for v in all_venues()}
    assert all(f["why"] and not f["ok"] and f["symbols"] is None for f in findings)
    assert "NO-DATA: no symbol to ask for, since its directory told none" in {f["why"] for f in findings}


def test_check_asks_only_the_named_venue(frmon: Frmon, nowhere: Path) -> None:
    name = all_venues()[-1].name
    ended = frmon("check", "--venue", name, "--config", str(nowhere))
    assert ended.code == 1
    rows = ended.out.split("\n\n")[0].splitlines()[1:]
    assert {row.split()[0] for row in rows} == {name}
    assert ended.out.endswith(f"{len(rows)} of {len(rows)} failed\n")


def test_venues_are_told_without_connecting(frmon: Frmon, nowhere: Path) -> None:
    facts = json.loads(frmon("venues", "--format", "json", "--config", str(nowhere)).out)
    assert list(facts) == [v.name for v in all_venues()]
    table = frmon("venues", "--config", str(nowhere)).out
    for venue in all_venues():
        assert venue.title in table
        assert all(
            url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:")) for url in facts[venue.name]["endpoints"].values()
        )
    assert "  file" in table


def test_no_enabled_venue_is_bad_configuration(frmon: Frmon) -> None:
    variables = {f"FRMON_VENUES_{v.name.upper()}_ENABLED": "false" for v in all_venues()}
    assert frmon("snapshot", **variables).failed(2).startswith("no venue is enabled")


@pytest.mark.real_time("the program runs in a process of its own")
def test_a_reader_that_leaves_ends_the_program_quietly(env: dict[str, str], nowhere: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "watch", "--config", str(nowhere)], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["schema"] == 1
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""


@pytest.mark.real_time("the program runs in a process of its own")
def test_ctrl_c_ends_watching_quietly_with_130(env: dict[str, str], nowhere: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "watch", "--config", str(nowhere)], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first, second = (json.loads(process.stdout.readline()) for _ in range(2))
        assert second["at_ms"] > first["at_ms"]
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert (process.wait(30), process.stderr.read()) == (130, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_is_one_line(env: dict[str, str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, "config", "default"], env=env, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "frmon: cannot write: No space left on device\n")


def test_nothing_is_written_outside_the_state_directory(
    env: dict[str, str], frmon: Frmon, nowhere: Path, tmp_path: Path
) -> None:
    frmon("snapshot", "--wait", "0", "--config", str(nowhere))
    assert {p.name for p in tmp_path.iterdir()} <= {"nowhere.toml", "XDG_STATE_HOME"}


def test_the_log_is_json_lines_in_the_named_file(frmon: Frmon, nowhere: Path, tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    arguments = ("snapshot", "--wait", "0.5", "--log", str(log), "--log-level", "debug", "--config", str(nowhere))
    assert frmon(*arguments).err.count("\n") == 1
    logging.getLogger("frmon.test").info("\x1b[31m\nforged")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[-1]["text"] == "\\u001b[31m\nforged"  # harmless also to whoever decodes and prints it
    assert all({"at_ms", "level", "logger", "text"} <= set(line) for line in lines)


def test_help_and_version_import_no_screen_and_no_network() -> None:
    for option in ("--help", "--version"):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "frmon", option], capture_output=True, text=True, check=True
        )
        loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert "frmon.cli" in loaded
        assert not loaded & {"textual", "rich", "aiohttp", "websockets", "asyncio", "frmon.engine"}


def test_completion_can_be_shown(env: dict[str, str]) -> None:
    done = subprocess.run(
        [*PROGRAM, "sn"], env={**env, "_FRMON_COMPLETE": "complete_bash", "COMP_WORDS": "frmon sn", "COMP_CWORD": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["snapshot"]


def test_every_url_of_a_server_becomes_an_option() -> None:
    assert endpoint_options({"v": {"rest": "http://h", "ws": "ws://h"}}) == {
        "venues.v.endpoints.rest": "http://h",
        "venues.v.endpoints.ws": "ws://h",
    }


def test_verdicts_tell_the_leg_and_why() -> None:
    found = [(LegKey("alpha", Market.PERP, "XUSDT"), "price is 40 times that of the others")]
    coins = {found[0][0]: "X"}
    assert verdict_text(found, coins).splitlines()[1].split()[:4] == ["X", "alpha", "perp", "XUSDT"]
    assert json.loads(verdict_json(found, {})) == [
        {"coin": None, "venue": "alpha", "market": "perp", "symbol": "XUSDT", "quarantine": found[0][1]}
    ]


def test_names_that_only_the_screen_knows_are_checked_too(frmon: Frmon) -> None:
    said = frmon("config", "check", FRMON_SCREEN_COLUMNS="coin,gros").failed(2)
    assert said == 'environment screen.columns: there is no "gros"; did you mean "gross"?'


@pytest.mark.parametrize("text", ["a:perp", "a:perp,b", "a:perp,b:margin", "a:perp,b:spot,c:spot", ","])
def test_a_pair_is_two_places(text: str) -> None:
    with pytest.raises(ConfigError, match="--pair"):
        places_of(text)


def test_a_pair_is_where_to_buy_and_where_to_sell() -> None:
    assert places_of("Alpha:spot, beta:PERP") == (("alpha", "spot"), ("beta", "perp"))
