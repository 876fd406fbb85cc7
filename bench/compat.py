"""torchvision beside a CPU-only torch.

torchvision's Linux wheel is linked against CUDA. Beside a CPU build of torch its compiled part does not
load, and `import torchvision` (hence timm and open_clip too) dies with "operator torchvision::nms does
not exist". Nothing this project uses needs that operator, so we declare the two schemas that torchvision
registers fake kernels for, and import it again. Where torchvision imports by itself nothing is done.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def import_torchvision() -> ModuleType:
    """torchvision, also beside a CPU-only torch. Call before importing timm or open_clip."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    for name in [m for m in sys.modules if m == "torchvision" or m.startswith("torchvision.")]:
        del sys.modules[name]  # half-imported: the second import must start afresh
    for operator in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, operator):
            torch.library.define(f"torchvision::{operator}", _SCHEMA)
    return importlib.import_module("torchvision")


def import_open_clip() -> Any:
    """open_clip, also beside a CPU-only torch."""
    import_torchvision()
    return importlib.import_module("open_clip")
