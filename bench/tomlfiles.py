"""TOML that someone else has written."""

from __future__ import annotations

import tomllib
from typing import Any

_LEAST, _MOST = -(2**63), 2**63 - 1  # TOML's integers; Python does not even print some of what it would read beyond


def parse_toml(text: str) -> dict[str, Any]:
    """As `tomllib.loads`, but whatever cannot be read ends in its one error.

    Raises:
        tomllib.TOMLDecodeError: no TOML, nested too deeply, or a whole number of more than 64 bits.
    """
    try:
        values = tomllib.loads(text)
        _check(values)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise tomllib.TOMLDecodeError("it is nested too deeply") from None
    except ValueError as error:  # a number of thousands of digits, a date that is none
        raise tomllib.TOMLDecodeError(str(error)) from None
    return values


def _check(value: Any) -> None:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _check(inner)
    elif isinstance(value, int) and not _LEAST <= value <= _MOST:
        raise ValueError("a whole number has more than 64 bits")
