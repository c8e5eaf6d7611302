"""What only the screen can judge of its settings: themes and columns."""

from collections.abc import Collection, Sequence

from textual.theme import BUILTIN_THEMES

from frmon.config import Settings
from frmon.configrules import hint, printable
from frmon.feeds.contract import Venue
from frmon.tui.columns import row_columns
from frmon.tui.theme import THEMES


def complaints(settings: Settings, venues: Sequence[Venue]) -> list[str]:
    """One line for each name that does not exist, with its origin and the nearest that does."""
    columns = [column.id for column in row_columns(venues)]
    themes = [*(theme.name for theme in THEMES), *BUILTIN_THEMES]
    found = [_unknown(settings, "screen.theme", settings.screen.theme, themes)]
    found += [_unknown(settings, "screen.columns", name, columns) for name in settings.screen.columns]
    return [complaint for complaint in found if complaint]


def _unknown(settings: Settings, key: str, name: str, known: Collection[str]) -> str:
    if name in known:
        return ""
    origin = settings.origins.get(key, "default")
    return f'{origin} {key}: there is no "{printable(name, 60)}"; {hint(name, known)}'
