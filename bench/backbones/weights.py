"""Weights of a backbone: what they are called, how a file of them is read, and the digest of what was loaded.

A file is safetensors, or PyTorch's read with `weights_only`: nothing in it is ever run.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError, first_line

if TYPE_CHECKING:
    from torch import Tensor, nn

Triple = tuple[float, float, float]
IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Weights:
    """Where a backbone's weights come from.

    Attributes:
        id: identity for results: "scratch", a release's name, or "sha256:..." of a file.
        mean, std: of the input normalisation these weights expect, for RGB in [0, 1].
    """

    id: str
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    file: Path | None = None

    @property
    def pretrained(self) -> bool:
        """Whether there are any."""
        return self.id != "scratch"


def weights_digest(network: nn.Module) -> str:
    """`sha256:<64 digits>` over names, types, shapes and bytes of a network's tensors, wherever they lie in memory."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return f"sha256:{digest.hexdigest()}"


def load_weights(network: nn.Module, path: Path, name: str) -> None:
    """Load a file into a network. What else is in it (a classifier, a text tower, an optimiser) is ignored.

    The network may lie anywhere in it: under `state_dict`, behind `module.`, as CLIP's `visual.`.

    Raises:
        ConfigError: a file that cannot be read, of another network, or of several that fit.
    """
    found, mine = read_tensors(path), network.state_dict()
    # Old files have no such counters, and nothing here reads them.
    needed = {k: t.shape for k, t in mine.items() if not k.endswith("num_batches_tracked")}
    fits = {
        prefix: {k for k, shape in needed.items() if prefix + k in found and found[prefix + k].shape == shape}
        for prefix in _prefixes(found, next(iter(mine)))
    }
    whole = [prefix for prefix, names in fits.items() if len(names) == len(needed)]
    if len(whole) > 1:
        raise ConfigError(
            f"{path} holds {len(whole)} networks that fit {name} ({', '.join(map(repr, whole))}): save the one you "
            "mean by itself."
        )
    if not whole:
        missing = sorted(set(needed) - max(fits.values(), key=len))
        raise ConfigError(
            f"{path} does not fit {name}: {len(missing)} of its {len(needed)} tensors are missing or of another shape "
            f"({', '.join(missing[:2])}{', ...' if len(missing) > 2 else ''})."
        )
    network.load_state_dict({k: found[whole[0] + k] for k in mine if whole[0] + k in found})


def _prefixes(found: dict[str, Tensor], first: str) -> list[str]:
    """What may stand before a network's names in a file, by the name of its first tensor."""
    return [k.removesuffix(first) for k in found if k == first or k.endswith(f".{first}")] or [""]


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a file by name; those in nested dictionaries by the names on the way, joined with points.

    Raises:
        ConfigError: not a file of tensors, damaged, or with more in it than tensors.
    """
    import torch
    from safetensors.torch import load_file

    with path.open("rb") as file:
        head = file.read(9)
    try:
        if head[8:] == b"{":
            tensors = load_file(path)
        elif head.startswith((b"PK", b"\x80")):  # a zip archive; a pickle, before PyTorch 1.6
            tensors = dict(_tensors(torch.load(path, map_location="cpu", weights_only=True)))
        else:
            tensors = {}
        reason = "" if tensors else "there are no tensors in it"
    except Exception as error:
        if isinstance(error, pickle.UnpicklingError) or "TorchScript" in str(error):
            reason = "it holds Python objects, which may be code and are not read"
        else:
            reason = f"it is damaged or cut short: {first_line(error)}"
    if reason:
        raise ConfigError(
            f"{path} is no file of weights ({reason}): save them with torch.save(network.state_dict(), FILE) or as "
            "safetensors."
        )
    return tensors


def _tensors(node: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    import torch

    if isinstance(node, torch.Tensor):
        yield name, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _tensors(value, f"{name}.{key}" if name else str(key))
