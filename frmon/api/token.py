"""The secret that lets programs in, and where it may lie."""

import os
import stat
from pathlib import Path

from frmon.errors import ConfigError

SHORTEST = 32
"""Characters; `openssl rand -hex 32` gives 64."""

LONGEST = 4_096


def read_token(file: Path) -> str:
    """The token in a file that only its owner may read. Raises `ConfigError`."""
    said = f"token file {file}"
    try:
        with file.open("rb") as stream:
            found = os.fstat(stream.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise ConfigError(f"{said}: is no file")
            if found.st_mode & 0o077:
                raise ConfigError(f"{said}: others may read it: chmod 600 it")
            if found.st_uid not in {0, os.geteuid()}:
                raise ConfigError(f"{said}: belongs to another user")
            text = stream.read(LONGEST + 1).decode("ascii").strip()
    except UnicodeDecodeError:
        raise ConfigError(f"{said}: must hold printable ASCII") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{said}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not SHORTEST <= len(text) <= LONGEST or not text.isprintable() or " " in text:
        raise ConfigError(f"{said}: must hold one word of at least {SHORTEST} characters: openssl rand -hex 32")
    return text
