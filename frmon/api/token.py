"""The secret that lets programs in, and where it may lie."""

import os
import stat
from pathlib import Path

from frmon.errors import ConfigError

SHORTEST = 32
"""Characters; `openssl rand -hex 32` gives 64."""

LONGEST = 4_096


def token_in(file: str) -> str:
    """The token in a file that the configuration names; "" for no file. Raises `ConfigError`."""
    return read_token(Path(file).expanduser()) if file else ""


def _not_allowed(file: Path) -> int:
    """What others may not do. systemd lets a service read its credentials by a list of names, which shows as a group's right."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    return 0o037 if folder and file.parent == Path(folder) else 0o077


def _at_once(path: str, flags: int) -> int:
    """Opens without waiting for somebody to write into a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def read_token(file: Path) -> str:
    """The token in a file that only its owner may read. Raises `ConfigError`."""
    said = f"token file {file}"
    try:
        with open(file, "rb", opener=_at_once) as stream:
            found = os.fstat(stream.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise ConfigError(f"{said}: is no file")
            if found.st_mode & _not_allowed(file):
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
