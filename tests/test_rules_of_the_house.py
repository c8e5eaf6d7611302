"""What holds for every file: where venues may be named, what no text may contain, and that the README tells the truth."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from frmon.cli import command_tree
from frmon.config import VenueDefaults, defaults, leaves
from frmon.feeds.venues import all_venues

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "frmon").rglob("*.py"))
MODULES = [*SOURCES, *sorted((ROOT / "scripts").rglob("*.py")), *sorted((ROOT / "bench").rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TEXTS = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")), ROOT / "pyproject.toml", ROOT / "Makefile"]
HOMES_OF_VENUES = ("frmon/feeds/venues/", "frmon/feeds/sim/")

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
SWALLOWED = re.compile(r"except[^\n]*:\s*\n?\s*pass\b|if\s+testing\b|contextlib\.suppress\(Exception\)")
NOT_OURS = re.compile(
    r"/(root|home|work|tmp|Users)/\w|simple/\w|files\.pythonhosted|\bissue \d|\bsession \d", re.IGNORECASE
)
VAGUE = re.compile(r"class \w*(Manager|Handler|Helper|Utils?|Base|Service|Processor)\b")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_venue_is_named_outside_its_home(path: Path) -> None:
    if not named(path).startswith(HOMES_OF_VENUES):
        words = "|".join(venue.name for venue in all_venues())
        assert re.findall(words, path.read_text(), re.IGNORECASE) == []


@pytest.mark.parametrize("path", [*MODULES, *TESTS, *TEXTS], ids=named)
def test_nothing_is_unfinished_or_about_the_place_it_was_made(path: Path) -> None:
    if path == Path(__file__):
        return
    text = path.read_text()
    assert UNFINISHED.findall(text) == []
    if path not in TESTS:
        assert NOT_OURS.findall(text) == []


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_modules_say_what_they_are_swallow_nothing_and_stay_small(path: Path) -> None:
    text = path.read_text()
    docstring = ast.get_docstring(ast.parse(text))
    if docstring is None:
        assert (path.name, text) == ("__init__.py", "")
        return
    assert docstring[-1] in ".:`" or "\n" in docstring
    assert SWALLOWED.findall(text) == []
    assert VAGUE.findall(text) == []
    assert text.count("\n") <= 300
    too_long = {f.name: n for f in functions(path) if (n := (f.end_lineno or 0) - f.lineno + 1) > 50}
    assert too_long == {}


MARKED_UP = (
    "Static",
    "Label",
    "Markdown",
    "RichLog",
    "Log",
    "Option",
    "Button",
    "Tooltip",
    "Text.from_markup",
    "notify",
)


@pytest.mark.parametrize("path", [p for p in SOURCES if "tui" in p.parts], ids=named)
def test_no_widget_takes_foreign_text_for_markup(path: Path) -> None:
    """Text goes to the screen as pieces (`Pane`, `LiveTable`); whatever else could show some says `markup=False`, but
    `Option`, whose list says it. A border's title is markup always: there only words of our own stand."""
    tree = ast.parse(path.read_text())
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func).removeprefix("self.").removeprefix("app.")
        words = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert name not in MARKED_UP or name == "Option" or words.get("markup") == "False", f"{call.lineno}: {name}"
        assert name != "OptionList" or words.get("markup") == "False", f"{call.lineno}: OptionList"
        assert not (name.endswith(".update") and "Static" in path.read_text()), f"{call.lineno}: update"
    for node in (n for n in ast.walk(tree) if isinstance(n, ast.Assign)):
        for target in node.targets:
            if isinstance(target, ast.Attribute) and target.attr in {"border_title", "border_subtitle", "tooltip"}:
                assert ast.unparse(node.value) in {"words", "'sort by'"}, f"{node.lineno}: {target.attr}"


def test_functions_are_short_as_a_rule() -> None:
    lengths = sorted((f.end_lineno or 0) - f.lineno + 1 for path in SOURCES for f in functions(path))
    assert lengths[len(lengths) // 2] <= 10


def test_the_readme_shows_the_real_screen_early_and_its_commands_exist() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    picture = next(n for n, line in enumerate(lines, start=1) if line.startswith("!["))
    assert picture <= 10
    link = re.search(r"\((.*?)\)", lines[picture - 1])
    assert link is not None
    assert (ROOT / link[1]).read_text().startswith("<svg")
    early = "\n".join(lines[:35])
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"demo", "test"} <= set(re.findall(r"make (\w+)", early)) <= set(targets)


@pytest.mark.parametrize("path", [p for p in TEXTS if p.suffix == ".md"], ids=named)
def test_links_of_texts_lead_somewhere_and_make_targets_exist(path: Path) -> None:
    text = path.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"make ([a-z]+)\b(?= )", text)) <= set(targets) | {"check"}


def test_the_readme_names_every_command() -> None:
    told = set(re.findall(r"frmon ([a-z]+)", (ROOT / "README.md").read_text()))
    assert set(command_tree().commands) <= told


def test_the_page_about_the_configuration_names_every_key_with_its_default() -> None:
    settings = defaults([VenueDefaults(name="NAME", endpoints={"KEY": ""}, taker_fee_spot=0, taker_fee_perp=0)])
    page = (ROOT / "docs" / "config.md").read_text()
    told = dict(re.findall(r"^\| `([\w.]+)`[^|]*\| ([^|]*) \|", page, re.MULTILINE))
    keys = {".".join(path) for path in leaves(settings)} - {"venues.NAME.taker_fee_perp"}
    assert set(told) == keys
    for key, default in told.items():
        if default.startswith("`"):
            expected = tomllib.loads(f"x = {default.strip('`')}")["x"]
            found: object = settings
            for part in key.split("."):
                found = found[part] if isinstance(found, dict) else getattr(found, part)
            assert found == expected, key


def test_the_version_has_its_entry_in_the_changelog() -> None:
    from frmon import __version__

    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()
