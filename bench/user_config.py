"""Where data and cache are: what an option says, else the environment, else the user's config file."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import field_validator

from bench.config import Config, printable_path, setting
from bench.errors import ConfigError
from bench.tomlfiles import parse_toml

_FOLDER = "hash-center-bench"  # below the user's folders of configuration and of caches


@dataclass(frozen=True)
class Place:
    """A path, and who says so: an option, a variable of the environment, the config file, or "default"."""

    path: Path
    said_by: str


class UserConfig(Config):
    """What the config file may hold."""

    data_root: Path | None = setting(None, "folder with the data; --data-root and $BENCH_DATA go before it")
    cache: Path | None = setting(None, "folder of decoded images and features; $BENCH_CACHE goes before it")

    @field_validator("data_root", "cache")
    @classmethod
    def _whole(cls, path: Path | None) -> Path | None:
        path = printable_path(path)
        try:
            path = None if path is None else path.expanduser()
        except RuntimeError:
            raise ValueError("there is no user of that name") from None
        if path is not None and not path.is_absolute():
            raise ValueError("a path in it begins with / or ~")
        return path


def config_place() -> Place:
    """$BENCH_CONFIG, else hash-center-bench/config.toml below $XDG_CONFIG_HOME or ~/.config."""
    given = _from_environment("BENCH_CONFIG")
    return given or Place(_user_folder("XDG_CONFIG_HOME", ".config") / "config.toml", "default")


def data_place(option: Path | None = None) -> Place | None:
    """Folder with the data: --data-root (`option`), $BENCH_DATA, or `data_root` of the config file; None for none.

    Raises:
        ConfigError: as `user_config`, where the file is asked.
    """
    if option is not None:
        return Place(option.expanduser(), "--data-root")
    return _from_environment("BENCH_DATA") or _from_file(user_config().data_root)


def cache_place() -> Place:
    """$BENCH_CACHE, `cache` of the config file, or hash-center-bench below $XDG_CACHE_HOME or ~/.cache.

    Raises:
        ConfigError: as `user_config`, where the file is asked.
    """
    given = _from_environment("BENCH_CACHE") or _from_file(user_config().cache)
    return given or Place(_user_folder("XDG_CACHE_HOME", ".cache"), "default")


def user_config() -> UserConfig:
    """What the config file says; nothing where there is none.

    Raises:
        ConfigError: it is no TOML file, has an unknown key or a path that is relative; or $BENCH_CONFIG names none.
    """
    place = config_place()
    try:
        values = parse_toml(place.path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if place.said_by == "$BENCH_CONFIG":
            raise ConfigError(f"there is no config file {place.path}: make it, or correct $BENCH_CONFIG.") from None
        return UserConfig()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{place.path} is not a readable TOML file: {error}.") from None
    try:
        return UserConfig.build("config", values)
    except ConfigError as error:
        raise ConfigError(f"{place.path}: {error}") from None


def _from_environment(variable: str) -> Place | None:
    value = os.environ.get(variable)
    return Place(Path(value).expanduser(), f"${variable}") if value else None


def _from_file(path: Path | None) -> Place | None:
    return None if path is None else Place(path, str(config_place().path))


def _user_folder(variable: str, usual: str) -> Path:
    base = os.environ.get(variable)
    return (Path(base).expanduser() if base else Path.home() / usual) / _FOLDER
