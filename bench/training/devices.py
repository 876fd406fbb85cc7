"""The device a run is to use."""

from __future__ import annotations

import torch

from bench.errors import ConfigError


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
