"""A program that is killed again and again as soon as it has begun: `python -m tests.scenarios.crashloop STATE_DIR LIVES LIFE_S`
reads the venues' endpoints as JSON from its input and forks one life after the other, each ended by SIGKILL."""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

from frmon.config import Settings, defaults
from frmon.engine import Engine
from frmon.feeds.venues import all_venues
from frmon.launch import venue_defaults


def settings_for(endpoints: dict[str, dict[str, str]]) -> Settings:
    settings = defaults(venue_defaults())
    for name, venue in settings.venues.items():
        venue.enabled = name in endpoints
        venue.endpoints = endpoints.get(name, {})
    settings.feeds.time_scale = 0.1
    return settings


def main(state_dir: str, lives: str, life_s: str) -> None:
    endpoints = json.load(sys.stdin)
    for _ in range(int(lives)):
        child = os.fork()
        if not child:
            path = None if state_dir == "-" else Path(state_dir)
            asyncio.run(Engine(all_venues(), settings_for(endpoints), state_dir=path).run())
            os._exit(0)
        time.sleep(float(life_s))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
