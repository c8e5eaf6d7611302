"""Draws the README's picture: the real screen on the simulated venues, 120 × 36, as it stands after some seconds.

python scripts/picture.py docs/screen.svg
"""

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path

from frmon.launch import Launch, Wish, engine_for
from frmon.tui.app import Frmon

SIZE = (120, 36)
PATIENCE_S = 60
LOOK_S = 12.0
"""After the first full picture: long enough for signals to fire."""


async def draw(state: Path) -> str:
    """Start the simulated venues, wait until the screen is full; the picture as SVG."""
    options: dict[str, object] = {"screen.theme": "frmon-dark"}
    with engine_for(Wish(), Launch(demo=True), options) as engine:
        app = Frmon(engine, state)
        async with app.run_test(size=SIZE) as pilot:
            for _ in range(PATIENCE_S * 2):
                await pilot.pause(0.5)
                if engine.is_complete():
                    break
            await pilot.pause(LOOK_S)
            picture = app.export_screenshot(title="frmon --demo")
        app.host.join()
    return picture


def at_home(picture: str) -> str:
    """The picture without fonts from elsewhere, and with every space where it was."""
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    picture = picture.replace(
        "font-family: Fira Code, monospace", "font-family: 'Fira Code', Menlo, Consolas, monospace"
    )
    return picture.replace("<svg ", '<svg xml:space="preserve" ', 1)


def main() -> None:
    """Draw into the file named on the command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: picture.py FILE.svg")
    for name in [n for n in os.environ if n.startswith("FRMON_")]:
        del os.environ[name]
    os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    os.environ.pop("NO_COLOR", None)
    with tempfile.TemporaryDirectory() as home:
        os.environ["XDG_CONFIG_HOME"] = home
        picture = asyncio.run(draw(Path(home) / "state.json"))
    Path(sys.argv[1]).write_text(at_home(picture), encoding="utf-8")


if __name__ == "__main__":
    main()
