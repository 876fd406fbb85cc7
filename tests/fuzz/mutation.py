"""Hostile inputs from valid ones: bytes, text, and values of JSON and TOML. All random numbers come from the caller."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

_EDGES = (0, 1, 2, 3, 7, 127, 128, 255, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
_BYTES = (
    b"\0", b"\xff", b"\xff\xfe", b"\xed\xa0\x80", b"\r", b"\n", b"\n\n", b"\x1b[2J", b"../", b"/etc/passwd", b"\\",
    b"-1", b"1e999", b"nan", b"9" * 30, b"9" * 5000, b"A" * 300, b"A" * 5000, b'"', b"'", b"{", b"[" * 2000, b"{" * 200,
    b"\xe2\x80\xa8", b"\x85", b"%00", b"%2e%2e/", b"~x/", b"=", b",", b":", b"#", b" ",
)  # fmt: skip
DEEP, DIGITS, HEX = "@deep@", "@digits@", "@hex@"  # texts that stand for what Python's own writers refuse to write
_ATOMS: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 255, 2**31, 2**32, 2**63, -(2**63) - 1, 2**64, 10**19, 10**400, 0.5, -0.0, 1e308,
    float("nan"), float("inf"), -float("inf"), "", " ", "0", "1", "none", "nan", "\ud800", "a\0b", "../../x",
    "/etc/passwd", "~nobody/x", ".", "..", "\x1b[2J", "a\nb", "\u2028", "é" * 200, "x" * 300, "x" * 9000,
    [], {}, [[]], [None], [{}], {"": None}, {"a": {"b": []}}, [0] * 50, DEEP, DIGITS, HEX, "ok", "failed",
)  # fmt: skip


def bytes_form(seeds: Sequence[bytes], tokens: Sequence[bytes] = ()) -> Callable[[Random], bytes]:
    """Mutations of bytes, with words of the format among what is put in."""
    words = (*_BYTES, *tokens, *tokens)
    return lambda random: raw(random, random.choice(seeds), seeds, words)


def raw(random: Random, content: bytes, others: Sequence[bytes], words: Sequence[bytes] = _BYTES) -> bytes:
    """A few changes: flipped bits, edge numbers, cuts, doubled or lost pieces, hostile words, a splice of two."""
    changed = bytearray(content)
    for _ in range(1 + int(random.random() ** 3 * 6)):
        at = random.randrange(len(changed) + 1)
        match random.randrange(10):
            case 0 | 1 if changed:
                changed[at % len(changed)] ^= 1 << random.randrange(8)
            case 2 if changed:
                changed[at % len(changed)] = random.choice((0, 1, 127, 128, 255, random.randrange(256)))
            case 3 | 4:
                size = random.choice((1, 2, 4, 8))
                at = at // size * size if random.random() < 0.7 else at
                number = random.choice(_EDGES) % 256**size
                changed[at : at + size] = number.to_bytes(size, random.choice(("little", "big")))
            case 5:
                del changed[at:]
            case 6:
                del changed[at : at + 1 + random.randrange(16)]
            case 7:
                piece = changed[at : at + 1 + random.randrange(64)]
                changed[at:at] = piece * random.choice((1, 1, 2, 50))
            case 8:
                changed[at : at + random.choice((0, 0, 1, 8))] = random.choice(words)
            case _:
                other = random.choice(others)
                changed[at:] = other[random.randrange(len(other) + 1) :]
    return bytes(changed)


def json_form(seeds: Sequence[Any], lines: bool = False) -> Callable[[Random], bytes]:
    """Values of JSON, mutated and written; sometimes the bytes of that, too.

    Args:
        seeds: values; with `lines` lists of values that are written one a line.
    """
    texts = [json_bytes(seed, lines) for seed in seeds]

    def mutate(random: Random) -> bytes:
        if random.random() < 0.2:
            return raw(random, random.choice(texts), texts)
        value = random.choice(seeds)
        for _ in range(random.choice((1, 1, 1, 2, 5))):
            value = changed_value(random, value)
        return json_bytes(value, lines, ascii_only=random.random() < 0.8)

    return mutate


def json_bytes(value: Any, lines: bool = False, ascii_only: bool = True) -> bytes:
    """As `json.dumps`, with what the three marks stand for."""
    if lines and isinstance(value, list):
        return b"".join(json_bytes(line, ascii_only=ascii_only) + b"\n" for line in value)
    text = json.dumps(value, ensure_ascii=ascii_only)
    if "@" in text:
        for mark, meant in ((DEEP, "[" * 5000), (DIGITS, "9" * 5000), (HEX, "1e400")):
            text = text.replace(f'"{mark}"', meant)
    return text.encode("utf-8", "surrogatepass")


def toml_form(seeds: Sequence[dict[str, Any]]) -> Callable[[Random], bytes]:
    """Tables of TOML, mutated and written; sometimes the bytes of that, too."""
    texts = [toml_bytes(seed) for seed in seeds]

    def mutate(random: Random) -> bytes:
        if random.random() < 0.2:
            return raw(random, random.choice(texts), texts)
        value: Any = random.choice(seeds)
        for _ in range(random.choice((1, 1, 1, 2, 5))):
            value = changed_value(random, value)
        return toml_bytes(value if isinstance(value, dict) else {"value": value})

    return mutate


def toml_bytes(table: dict[str, Any]) -> bytes:
    """A line for each key, tables inline."""
    text = "".join(f"{json.dumps(str(key))} = {_toml(value)}\n" for key, value in table.items())
    return text.encode("utf-8", "replace")


def _toml(value: Any) -> str:
    match value:
        case None:
            return "1979-05-27T07:32:00Z"  # it has no null, but times
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case dict():
            return "{" + ", ".join(f"{json.dumps(str(k))} = {_toml(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
    meant = {DEEP: "[" * 5000, DIGITS: "9" * 5000, HEX: "0x" + "f" * 5000}
    return meant.get(value) or json.dumps(value, ensure_ascii=False).replace("\x7f", "")


def changed_value(random: Random, value: Any) -> Any:
    """The value with one change somewhere in it; what is not changed is shared with it."""
    if isinstance(value, dict | list) and value and random.random() < 0.85:
        copied: Any = value.copy()
        key: Any = random.choice(list(copied)) if isinstance(copied, dict) else random.randrange(len(copied))
        match random.randrange(12):
            case 0:
                del copied[key]
            case 1 if isinstance(copied, dict):
                copied[random.choice((*copied, "", "a\0b", "x" * 300, "../x", "\x1b[2J"))] = copied.pop(key)
            case 1:
                copied[key:key] = [copied[key]] * random.choice((1, 1, 100))
            case 2:
                copied[key] = copied[random.choice(list(copied)) if isinstance(copied, dict) else -1]
            case 3 if isinstance(copied, dict):
                copied[random.choice(("extra", "id", "name"))] = random.choice(_ATOMS)
            case _:
                copied[key] = changed_value(random, copied[key])
        return copied
    match random.randrange(8):
        case 0:
            return [value]
        case 1:
            return {"a": value}
        case 2 if isinstance(value, int | float):
            return random.choice((-value, value + 1, value * 2**33, str(value), [value]))
        case 2 if isinstance(value, str):
            return random.choice((value * 2, value[:-1], value + "\0", value.upper(), [*value], f"../{value}"))
    return random.choice(_ATOMS)
