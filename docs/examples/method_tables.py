"""The tables of docs/methods.md that are read from the methods themselves; run it to write them again.

A table stands between `<!-- table: settings crh -->` and `<!-- end -->`. Kinds: `settings NAME`, or `settings NAME as
OTHER`, which leaves out what is the same in OTHER; `variants NAME`; `training NAME NAME ...`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.plugins.method import Method
from bench.plugins.registry import registry

PAGE = Path(__file__).parents[1] / "methods.md"
_TABLE = re.compile(r"(<!-- table: ([^>]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def rewritten(page: str) -> str:
    """The page with each of its tables made anew."""
    return _TABLE.sub(lambda found: f"{found[1]}\n{_made(found[2].split())}\n{found[4]}", page)


def _made(words: list[str]) -> str:
    match words:
        case ["settings", name]:
            return _settings(name, None)
        case ["settings", name, "as", other]:
            return _settings(name, other)
        case ["variants", name]:
            return _variants(name)
        case ["training", *names]:
            return _training(names)
    raise ValueError(f"there is no table '{' '.join(words)}'")


def _method(name: str) -> type[Method]:
    loaded: type[Method] = registry("method").load(name)
    return loaded


def _settings(name: str, other: str | None) -> str:
    """Each setting with its default and its source; those that another method has alike are named below."""
    theirs = [] if other is None else _method(other).Config.describe()
    own = _method(name).Config.describe()
    rows = [[f"`{field}`", _value(default), text, source] for field, default, text, source in _without(own, theirs)]
    shared = [f"`{setting[0]}`" for setting in own if setting in theirs]
    table = _table(["setting", "default", "meaning", "source of the default"], rows) if rows else ""
    if not shared:
        return table
    return f"{table}\nSettings as of `{other}`: {', '.join(shared)}.\n".lstrip("\n")


def _without(own: list[Any], theirs: list[Any]) -> list[Any]:
    return [setting for setting in own if setting not in theirs]


def _variants(name: str) -> str:
    rows = [
        [f"`{variant}`", summary, ", ".join(f"`{field} = {value}`" for field, value in settings.items())]
        for variant, (summary, settings) in _method(name).INFO.variants.items()
    ]
    return _table(["name", "what", "settings that differ"], rows)


def _training(names: list[str]) -> str:
    """What `--settings paper` sets for items of one class; a second value is that for items of several."""
    one, several = ([_method(name).paper_training(many) for name in names] for many in (False, True))
    fields = dict.fromkeys(field for settings in one for field in settings)
    rows = [[f"`{field}`", *(_either(a, b, field) for a, b in zip(one, several, strict=True))] for field in fields]
    return _table(["setting", *(f"`{name}`" for name in names)], rows)


def _either(one: dict[str, Any], several: dict[str, Any], field: str) -> str:
    if field not in one:
        return ""
    return _value(one[field]) if one[field] == several[field] else f"{_value(one[field])} or {_value(several[field])}"


def _value(value: Any) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
