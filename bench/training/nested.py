"""Nested state in one file, without pickle: tensors as safetensors, all else as JSON in that file's header.

Tensors, arrays, numbers, texts, None, lists, tuples and dicts of any depth come back as they were, tensors with their
memory layout: sums over a differently laid out tensor can differ in the last bit.
"""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor


class NotWhole(Exception):
    """A file that is cut, changed, or was never written by `save_nested`."""


def save_nested(path: Path, value: Any) -> None:
    """Write under another name, then rename: what has the right name is whole.

    Raises:
        TypeError: something in it has no place in such a file.
        OSError: it cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_packed(value, tensors))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".writing-{path.name}")
    try:
        try:
            save_file(tensors, temporary, {"state": text, "checksum": str(_checksum(text, tensors))})
        except SafetensorError as error:
            raise OSError(str(error)) from error
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_nested(path: Path) -> Any:
    """What was saved, tensors on the CPU.

    Raises:
        FileNotFoundError: there is no such file.
        NotWhole: it is not what was saved.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - no mapping
        if header["checksum"] != str(_checksum(header["state"], tensors)):
            raise NotWhole(path)
        return _unpacked(json.loads(header["state"]), tensors)
    except NotWhole:
        raise
    except Exception as error:  # what was written by someone else can be of any form
        raise NotWhole(path) from error


def _packed(value: Any, tensors: dict[str, Tensor]) -> Any:
    """JSON; tensors go to `tensors` under a number."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Tensor():
            order = sorted(range(value.ndim), key=value.stride, reverse=True)
            name = str(len(tensors))
            tensors[name] = value.detach().permute(order).to("cpu", copy=True).contiguous()
            return {"tensor": name, "order": order}
        case np.generic():
            return _packed(value.item(), tensors)
        case np.ndarray():
            return {"array": _packed(torch.from_numpy(np.ascontiguousarray(value)), tensors)}
        case list():
            return [_packed(item, tensors) for item in value]
        case tuple():
            return {"tuple": [_packed(item, tensors) for item in value]}
        case dict():
            return {"dict": [[_packed(key, tensors), _packed(item, tensors)] for key, item in value.items()]}
    raise TypeError(
        f"a {type(value).__name__} cannot be saved: tensors, arrays, numbers, texts, lists, tuples and dicts can."
    )


def _unpacked(value: Any, tensors: dict[str, Tensor]) -> Any:
    match value:
        case list():
            return [_unpacked(item, tensors) for item in value]
        case {"tensor": name, "order": order}:
            return tensors[name].permute([order.index(dim) for dim in range(len(order))])
        case {"array": packed}:
            return _unpacked(packed, tensors).numpy().copy()
        case {"tuple": items}:
            return tuple(_unpacked(item, tensors) for item in items)
        case {"dict": items}:
            return {_unpacked(key, tensors): _unpacked(item, tensors) for key, item in items}
    return value


def _checksum(text: str, tensors: dict[str, Tensor]) -> int:
    total = zlib.crc32(text.encode())
    for name in sorted(tensors, key=int):
        total = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy().data, total)
    return total
