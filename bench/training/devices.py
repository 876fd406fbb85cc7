"""The device a run is to use, and how its kernels are chosen."""

from __future__ import annotations

import functools
import gc
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bench.errors import BenchWarning, ConfigError

_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"


def choose_device(choice: str) -> torch.device:
    """The device that "auto", "cpu", "cuda" or "cuda:N" means.

    Raises:
        ConfigError: there is no such device here.
    """
    if choice == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(choice)
    except RuntimeError:
        raise ConfigError(f"there is no device '{choice}': use auto, cpu, cuda or cuda:N.") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device {choice} is not there: torch sees {torch.cuda.device_count()} CUDA devices.")
    return device


def worker_devices(choice: str) -> list[str]:
    """Devices that the processes of one machine take in turn: every GPU for "auto" and "cuda", else the one named."""
    chosen = choose_device(choice)
    if chosen.type == "cuda" and chosen.index is None:
        return [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return [str(chosen)]


@contextmanager
def chosen_kernels(deterministic: bool) -> Iterator[None]:
    """Inside, torch uses kernels that add in a fixed order, or the fastest it finds for the shapes at hand.

    An operation of which no deterministic kernel exists runs all the same, with torch's own warning, which a cell keeps
    as a note. On a CPU the fastest are deterministic too, for a number of threads. A BenchWarning says where cuBLAS was
    in use before it was told.
    """
    cudnn = torch.backends.cudnn
    mode, benchmark = torch.get_deterministic_debug_mode(), cudnn.benchmark
    try:
        cudnn.benchmark = not deterministic
        if deterministic:  # where it is off already, saying so would import a second's worth of torch
            _fix_cublas()
            torch.use_deterministic_algorithms(True, warn_only=True)
        yield
    finally:
        cudnn.benchmark = benchmark
        if deterministic:
            torch.set_deterministic_debug_mode(mode)


def _fix_cublas() -> None:
    """cuBLAS adds in a fixed order with a workspace of its own for each stream; it reads this when it is first used."""
    if _CUBLAS not in os.environ:
        os.environ[_CUBLAS] = ":4096:8"
        if torch.cuda.is_initialized():
            warnings.warn(
                f"this process has used CUDA already: last bits may differ from run to run. Set {_CUBLAS}=:4096:8 "
                "before it does, or let cells have processes of their own (workers not 0).",
                BenchWarning,
                stacklevel=4,
            )


@contextmanager
def kernels_for(usual: bool) -> Iterator[None]:
    """Inside, no kernels are searched for unless the batch is of the usual size: a search is made anew for each size,
    and takes seconds (EfficientNet-Lite0, four processes on an H100: the first step of a size took half a minute).
    """
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark
    try:
        cudnn.benchmark = before and usual
        yield
    finally:
        cudnn.benchmark = before


def free_memory() -> None:
    """Give back what nothing refers to any more."""
    gc.collect()
    torch.cuda.empty_cache()


@functools.cache
def has_bfloat16(device: torch.device) -> bool:
    """Whether it is a GPU with units for bfloat16 (Ampere, 2020, and later): elsewhere it is slower than float32."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)


@contextmanager
def full_precision() -> Iterator[None]:
    """Inside, convolutions in float32 are: cuDNN otherwise rounds what it multiplies to the 10 bits of TF32."""
    cudnn = torch.backends.cudnn
    before = cudnn.allow_tf32
    try:
        cudnn.allow_tf32 = False
        yield
    finally:
        cudnn.allow_tf32 = before


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """Inside, torch uses so many threads on the CPU; None: as many as it does now."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
