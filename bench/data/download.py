"""Datasets that torchvision can download and compare with a checksum it brings."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from bench.compat import import_torchvision
from bench.errors import ConfigError, DataError, UnknownNameError

# Our name -> torchvision's class, and the arguments of each call that brings a part.
DOWNLOADS: dict[str, tuple[str, tuple[dict[str, Any], ...]]] = {
    "cifar10": ("CIFAR10", ({},)),
    "cifar100": ("CIFAR100", ({},)),
    "omniglot": ("Omniglot", ({"background": True}, {"background": False})),
}


def download(name: str, root: Path) -> None:
    """Bring a dataset's archive into `root` and unpack it; torchvision checks its MD5 and keeps what is there.

    Raises:
        UnknownNameError: torchvision cannot bring this one with a checksum.
        ConfigError: torchvision is broken, or the root is a file.
        DataError: no network, no room, or a checksum that is another.
    """
    if name not in DOWNLOADS:
        raise UnknownNameError("dataset to download", name, DOWNLOADS)
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{root} is not a folder: give one with --data-root.")
    class_name, parts = DOWNLOADS[name]
    made = torchvision_class(class_name)
    try:
        root.mkdir(parents=True, exist_ok=True)
        for arguments in parts:
            made(root=str(root), download=True, **arguments)
    except (OSError, RuntimeError, EOFError) as error:  # urllib's errors are OSErrors
        reason = " ".join(str(error).split()).rstrip(".")
        raise DataError(
            f"{name} could not be downloaded into {root} ({reason}): run this again, or get it by hand."
        ) from None


def torchvision_class(name: str) -> Any:
    """A class of torchvision.datasets."""
    try:
        import_torchvision()
        return getattr(importlib.import_module("torchvision.datasets"), name)
    except (ImportError, RuntimeError, OSError) as error:
        raise ConfigError(f"torchvision cannot be imported ({error}): install the one that fits torch.") from None
