"""Where files of this program lie: the XDG base directories of the user, and nothing else."""

from collections.abc import Mapping
from pathlib import Path

NAME = "frmon"


def config_dir(env: Mapping[str, str]) -> Path:
    """`$XDG_CONFIG_HOME/frmon`: what the user wrote; never written by the program."""
    return _home(env, "XDG_CONFIG_HOME", ".config")


def state_dir(env: Mapping[str, str]) -> Path:
    """`$XDG_STATE_HOME/frmon`: what the program remembers of its last run."""
    return _home(env, "XDG_STATE_HOME", ".local/state")


def data_dir(env: Mapping[str, str]) -> Path:
    """`$XDG_DATA_HOME/frmon`: what the program collected."""
    return _home(env, "XDG_DATA_HOME", ".local/share")


def cache_dir(env: Mapping[str, str]) -> Path:
    """`$XDG_CACHE_HOME/frmon`: what can be had again."""
    return _home(env, "XDG_CACHE_HOME", ".cache")


def config_path(env: Mapping[str, str]) -> Path:
    """The configuration file that is read when none is named."""
    return config_dir(env) / "config.toml"


def _home(env: Mapping[str, str], variable: str, below_home: str) -> Path:
    """As the XDG specification says: an unset, empty or relative value means the default."""
    named = Path(env.get(variable, ""))
    if named.is_absolute():
        return named / NAME
    return Path(env.get("HOME") or Path.home()) / below_home / NAME
