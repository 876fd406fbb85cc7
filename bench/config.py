"""Validated choices: every setting is a field with its default, its bounds and where the default is from."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from bench.errors import ConfigError, shown


def setting(default: Any, text: str, *, source: str = "project", **bounds: Any) -> Any:
    """A field of a `Config`: its default, one line of help, and the source of the default.

    `source` names the paper (with its equation or table), a released code, or "project" with the reason.
    `bounds` are pydantic's: ge, gt, le, lt, min_length, ...
    """
    return Field(default, description=text, json_schema_extra={"source": source}, validate_default=True, **bounds)


class Config(BaseModel):
    """Base of every group of settings: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def build(cls, owner: str, values: dict[str, Any]) -> Self:
        """Validate `values`; `owner` (a method's or dataset's name) is what the error speaks of.

        Raises:
            ConfigError: in one sentence, for an unknown key or a value that is out of bounds.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigError(_sentence(owner, list(cls.model_fields), error.errors()[0])) from None

    @classmethod
    def describe(cls) -> list[tuple[str, Any, str, str]]:
        """(name, default, help, source) of each setting, in the order of declaration."""
        return [
            (name, field.default, field.description or "", str((field.json_schema_extra or {}).get("source", "")))  # type: ignore[union-attr]
            for name, field in cls.model_fields.items()
        ]


def printable_path(path: Path | None) -> Path | None:
    """For validators: a path is a text of one line, and no system takes one with a NUL.

    Raises:
        ValueError: it is not.
    """
    if path is not None and not str(path).isprintable():
        raise ValueError("a path has no control characters")
    return path


def _sentence(owner: str, known: list[str], error: ErrorDetails) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "settings"
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"did you mean {owner}.{near[0]}?" if near else f"it has: {', '.join(known) or 'no settings'}."
        return f"{owner} has no setting '{key}': {hint}"
    reason = error["msg"].removeprefix("Value error, ")
    return f"{owner}.{key} = {shown(error['input'])} cannot be: {reason[0].lower()}{reason[1:]}."
