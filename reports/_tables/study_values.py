"""Entries of studies' tables."""

from __future__ import annotations

from dataclasses import replace

from .._model import Entry, Panel
from .table import Value
from .text import decimal
from .values import mean_ap


def entry_map(panel: Panel, entry: Entry) -> Value:
    """mAP with its deviation, and which seeds are missing; not marked: a study has ranks of its own."""
    return replace(mean_ap(panel, entry), mark=0)


def single(value: float, digits: int) -> Value:
    """One number."""
    return Value(decimal(value, digits), number=value)


def percent(share: float) -> Value:
    """`+1.23 %`."""
    return Value(signed(100 * share, 2) + " %", number=share)


def signed(value: float, digits: int) -> str:
    """With its sign; nothing has none."""
    text = decimal(value, digits)
    return f"+{text}" if text.strip("0.") and not text.startswith("-") else text
