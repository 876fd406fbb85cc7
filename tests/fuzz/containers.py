"""Mutations of files within files: zip and npz archives, safetensors. What is changed gets its right checksums."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from tests.fuzz.mutation import changed_value, json_bytes, raw

_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_NAMES = ("../x", "/x", "C:\\x", "a\0b", "x" * 300, "", ".", "cells/../x/cell.json", "é.npy", "\x1b[2J.npy")
_SHAPES = (
    "()", "(0,)", "(1,)", "(3,)", "(-1,)", "(True,)", "(0, 0)", "(1000000000000,)", "(9223372036854775807,)",
    "(18446744073709551616,)", "(" + "9" * 400 + ",)", "(3, 1000000000000)", "(0, 1000000000000)", "(1,) * 99", "3",
    "(3.5,)", "[3]", "None", "(4294967296, 4294967296, 3)", "(1," * 40, "(" * 300, "('a',)",
)  # fmt: skip
_TYPES = (
    "'|O'", "'<i8'", "'>f4'", "'<f8'", "'|V0'", "'|S0'", "'<U2000000000'", "'<M8[s]'", "'|b1'", "'|u1'", "'|i1'",
    "[('a', '<i4')]", "[('a', '|O')]", "[]", "'nonsense'", "3", "None", "('<i4', (1000000000,))", "('<i4', (2,))",
    "'<c16'", "{'names': ['a'], 'formats': ['i4'], 'offsets': [2000000000]}",
)  # fmt: skip


def zip_form(
    seeds: Sequence[bytes], finish: Callable[[dict[str, bytes]], dict[str, bytes]] = lambda files: files
) -> Callable[[Random], bytes]:
    """Archives with a member changed, renamed, doubled or lost; sometimes the bytes of the whole.

    Args:
        finish: makes members agree again after one was changed.
    """
    opened = [members(seed) for seed in seeds]

    def mutate(random: Random) -> bytes:
        if random.random() < 0.3:
            return raw(random, random.choice(seeds), seeds)
        files = dict(random.choice(opened))
        name = random.choice(list(files))
        match random.randrange(10):
            case 0:
                files[random.choice(_NAMES)] = files.pop(name)
            case 1:
                del files[name]
            case 2:
                files[name] = files[random.choice(list(files))]
            case _:
                files[name] = changed_member(random, name, files[name])
        if random.random() < 0.8:
            files = finish(files)
        return packed(files, random.choice(_KINDS) if random.random() < 0.3 else zipfile.ZIP_STORED)

    return mutate


def members(archive: bytes) -> dict[str, bytes]:
    """Content by name."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def packed(files: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive."""
    target = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w", kind) as archive:
        warnings.simplefilter("ignore")  # of a name twice
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, kind)
    return target.getvalue()


def changed_member(random: Random, name: str, content: bytes) -> bytes:
    """A mutation that fits what the member is."""
    if name.endswith(".npy"):
        return changed_npy(random, content)
    if name.endswith(".npz"):
        return zip_form([content])(random) if members(content) else content
    if name.endswith(".json") and random.random() < 0.8:
        return json_bytes(changed_value(random, json.loads(content)))
    return raw(random, content, [content])


def changed_npy(random: Random, content: bytes) -> bytes:
    """Another shape or type in the header, or other bytes."""
    if random.random() < 0.3 or not content.startswith(b"\x93NUMPY\x01"):
        return raw(random, content, [content])
    (size,) = struct.unpack("<H", content[8:10])
    header, data = content[10 : 10 + size].decode("latin-1"), content[10 + size :]
    before, _, rest = header.partition("'shape': ")
    match random.randrange(4):
        case 0 | 1:
            header = f"{before}'shape': {random.choice(_SHAPES)}, }}"
        case 2:
            header = f"{{'descr': {random.choice(_TYPES)}, 'fortran_order': False, 'shape': {rest}"
        case _:
            return content[:10] + raw(random, header.encode("latin-1"), [header.encode()]) + data
    return npy(header, data, random.choice((1, 1, 1, 2, 3)))


def npy(header: str, data: bytes, version: int = 1) -> bytes:
    """An .npy file with a header as it is given."""
    text = header.encode("latin-1", "replace")
    return b"\x93NUMPY" + bytes((version, 0)) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


def safetensors_form(seeds: Sequence[bytes], state: bool = False) -> Callable[[Random], bytes]:
    """Safetensors files with another header or other bytes.

    Args:
        state: whether they are `bench.training.nested`'s: a state in the header, with a checksum that is made anew.
    """

    def mutate(random: Random) -> bytes:
        seed = random.choice(seeds)
        if random.random() < 0.3:
            return raw(random, seed, seeds)
        (size,) = struct.unpack("<Q", seed[:8])
        header, data = json.loads(seed[8 : 8 + size]), seed[8 + size :]
        if state and random.random() < 0.8:
            changed = changed_value(random, json.loads(header["__metadata__"]["state"]))
            header["__metadata__"] = _stated(json_bytes(changed).decode(), header, data)
        else:
            header = changed_value(random, header)
        return safetensors(header, data)

    return mutate


def safetensors(header: Any, data: bytes) -> bytes:
    """A file with a header as it is given."""
    text = json_bytes(header)
    return struct.pack("<Q", len(text)) + text + data


def _stated(text: str, header: dict[str, Any], data: bytes) -> dict[str, str]:
    total = zlib.crc32(text.encode())
    for name in sorted((name for name in header if name != "__metadata__"), key=int):
        begin, end = header[name]["data_offsets"]
        total = zlib.crc32(data[begin:end], total)
    return {"state": text, "checksum": str(total)}


def listed(files: dict[str, bytes]) -> dict[str, bytes]:
    """For `zip_form`: an archive of results whose list of files says what is in it."""
    try:
        manifest = json.loads(files["manifest.json"])
        others = {name: content for name, content in files.items() if name != "manifest.json"}
        manifest["files"] = {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in others.items()
        }
        return {**files, "manifest.json": json.dumps(manifest).encode()}
    except (KeyError, TypeError, ValueError, RecursionError):
        return files
