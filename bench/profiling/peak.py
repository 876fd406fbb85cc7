"""The most operations a second that a device can do: of a data sheet, else measured."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

import torch

# NVIDIA's data sheets: dense tensor-core TFLOP/s in bfloat16 with sums in float32, at the boost clock. Sheets that tell
# only the figure "with sparsity" are halved. The name is what torch.cuda.get_device_name says; the first match counts.
_TFLOPS_BF16 = (
    (r"\bB200\b", 2250.0),  # HGX B200: 36 PFLOP/s with sparsity for 8
    (r"\bH[12]00 NVL\b", 835.5),  # 1,671 with sparsity
    (r"\bH100 PCIe\b", 756.0),  # 1,513 with sparsity
    (r"\bG?H[12]00\b", 989.4),  # H100 SXM, H200 SXM, GH200: 1,979 with sparsity
    (r"\bA100\b", 312.0),  # PCIe and SXM, 40 and 80 GB
    (r"\bA40\b", 149.7),
    (r"\bA30\b", 165.0),
    (r"\bA10\b", 125.0),
    (r"\bL40S\b", 362.1),
    (r"\bL40\b", 181.1),
    (r"\bL4\b", 121.0),  # 242 with sparsity
    (r"\bRTX 4090\b(?! (?:Laptop|D))", 165.2),  # white paper of Ada
    (r"\bRTX 3090\b(?! Ti)", 71.0),  # white paper of GA102
)
_SIZES = {"cpu": (512, 1024, 2048), "cuda": (8192,)}  # of the measured matrix products
_SECONDS, _LEAST = 0.2, 3  # of each size, and products


@dataclass(frozen=True)
class Peak:
    """Operations a second, of which kind of number, and who says so: "data sheet" or "measured"."""

    flops: float
    dtype: str
    source: str


def peak_of(device: torch.device) -> Peak:
    """In the kind of number that the backbone computes in: bfloat16 on CUDA, float32 elsewhere."""
    if device.type == "cuda":
        found = listed(torch.cuda.get_device_name(device))
        return Peak(found, "bfloat16", "data sheet") if found else measured(device, torch.bfloat16)
    return measured(device, torch.float32)


def listed(name: str) -> float | None:
    """Dense bfloat16 operations a second of a GPU by its name, None where the table does not have it."""
    return next((1e12 * tera for pattern, tera in _TFLOPS_BF16 if re.search(pattern, name)), None)


def measured(device: torch.device, dtype: torch.dtype) -> Peak:
    """Of the fastest of many large matrix products on the device, with the threads that torch has now."""
    flops = max(_product(size, device, dtype) for size in _SIZES.get(device.type, (1024,)))
    return Peak(flops, str(dtype).removeprefix("torch."), "measured")


def _product(size: int, device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of the fastest product of two square matrices."""
    one = torch.randn(size, size, device=device, dtype=dtype)
    torch.mm(one, one)  # the first is slower
    seconds: list[float] = []
    while sum(seconds) < _SECONDS or len(seconds) < _LEAST:
        _wait(device)
        start = time.perf_counter()
        torch.mm(one, one)
        _wait(device)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
