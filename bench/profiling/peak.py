"""The most operations a second that a device can do: of a data sheet, else measured."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

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
_IMAGES, _CHANNELS, _SIDE = {"cpu": 32, "cuda": 1024}, 512, 7  # of the convolution: the last ones of a ResNet-34
_SECONDS, _LEAST = 0.2, 3  # of each, and times


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
    """Of the fastest of many large matrix products and convolutions, with the threads that torch has now.

    They come from different libraries: on AMD's processors MKL's products have less than half the speed of oneDNN's
    convolutions.
    """
    flops = [_product(size, device, dtype) for size in _SIZES.get(device.type, (1024,))]
    return Peak(max(*flops, _convolution(device, dtype)), str(dtype).removeprefix("torch."), "measured")


def _product(size: int, device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of a product of two square matrices."""
    one = torch.randn(size, size, device=device, dtype=dtype)
    return 2 * size**3 / _fastest(lambda: torch.mm(one, one), device)


def _convolution(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of a convolution by 3 x 3 weights; zeros around the images count, as torch counts them."""
    count = _IMAGES.get(device.type, 32)
    images = torch.randn(count, _CHANNELS, _SIDE, _SIDE, device=device, dtype=dtype)
    weight = torch.randn(_CHANNELS, _CHANNELS, 3, 3, device=device, dtype=dtype)
    images, weight = (x.contiguous(memory_format=torch.channels_last) for x in (images, weight))
    seconds = _fastest(lambda: F.conv2d(images, weight, padding=1), device)
    return 2 * 9 * _CHANNELS**2 * count * _SIDE**2 / seconds


def _fastest(work: Callable[[], object], device: torch.device) -> float:
    """Seconds of the fastest of several times."""
    work()  # the first is slower
    seconds: list[float] = []
    while sum(seconds) < _SECONDS or len(seconds) < _LEAST:
        _wait(device)
        start = time.perf_counter()
        work()
        _wait(device)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
