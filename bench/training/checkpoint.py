"""Training that goes on where it was ended, on the CPU to the same bits as if nothing had been."""

from __future__ import annotations

import copy
import hashlib
import shutil
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from bench.errors import BenchWarning
from bench.plugins.method import Method
from bench.training.nested import NotWhole, load_nested, save_nested
from bench.training.regimes import TrainConfig

_VERSION = 1  # raised when a checkpoint of before must not be gone on from


class Part(Protocol):
    """A piece of a training that has a state: the network, its optimiser, the method, ..."""

    def state_dict(self) -> dict[str, Any]:
        """Its state now."""

    def load_state_dict(self, state: dict[str, Any], /) -> Any:
        """Be in that state."""


@dataclass
class Checkpoint:
    """A place for the state of one training, saved at ends of epochs. Whoever stores the result clears it.

    Attributes:
        folder: its own; holds one file, which is replaced as a whole.
        every: seconds from one saving to the next; 0: after each epoch.
    """

    folder: Path
    every: float = 60.0
    _run: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _parts: Mapping[str, Part] = field(default_factory=dict, init=False, repr=False)
    _last: float = field(default=0.0, init=False, repr=False)

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / "training.safetensors"

    def begin(self, run: dict[str, Any], parts: Mapping[str, Part]) -> bool:
        """Take the state that is there, if it is of this very run; whether there was one.

        One that is cut, of another run or does not fit is passed over with a BenchWarning.

        Args:
            run: all that decides the training, see `run_identity`.
            parts: by name; they keep being saved by `after_epoch`.
        """
        self._run, self._parts, self._last = run, parts, time.monotonic()
        try:
            saved = load_nested(self.path)
            differs = sorted(key for key in run.keys() | saved["run"].keys() if run.get(key) != saved["run"].get(key))
            states = saved["parts"]
        except FileNotFoundError:
            return False
        except (NotWhole, KeyError, TypeError, AttributeError):
            return self._passed_over("is cut or no checkpoint")
        if differs:
            return self._passed_over(f"is of another run (other {', '.join(differs)})")
        before = {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()}
        try:
            for name, part in parts.items():
                part.load_state_dict(states[name])
        except Exception as error:  # of code that has changed since
            for name, part in parts.items():
                part.load_state_dict(before[name])
            return self._passed_over(f"does not fit ({type(error).__name__})")
        return True

    def after_epoch(self) -> None:
        """Save the state, if it is time to. Where that cannot be done, training goes on with a BenchWarning."""
        if time.monotonic() - self._last < self.every:
            return
        try:
            states = {name: part.state_dict() for name, part in self._parts.items()}
            save_nested(self.path, {"run": self._run, "parts": states})
        except Exception as error:  # a full disk, or a method whose state cannot be asked for
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            self._warn(f"the checkpoint {self.path} cannot be written ({reason}): an ended training will start again.")
        self._last = time.monotonic()

    def clear(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _passed_over(self, why: str) -> bool:
        self._warn(f"the checkpoint {self.path} {why}: training starts again.")
        return False

    def _warn(self, sentence: str) -> None:
        warnings.warn(sentence, BenchWarning, stacklevel=4)


class RandomStates:
    """The random numbers a training draws on: torch's own (dropout) and the augmentation's.

    The order of items draws from a stream of its own for each epoch, which has no state to keep.
    """

    def __init__(self, augmentation: torch.Generator, device: torch.device) -> None:
        self.augmentation, self.device = augmentation, device

    def state_dict(self) -> dict[str, Any]:
        """States of the generators."""
        on_device = torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None
        return {"torch": torch.get_rng_state(), "device": on_device, "augmentation": self.augmentation.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from those states."""
        self.augmentation.set_state(state["augmentation"])
        torch.set_rng_state(state["torch"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state["device"], self.device)


def run_identity(
    method: Method, labels: NDArray[Any], rows: NDArray[np.int64], config: TrainConfig, *, seed: int, pretrained: bool,
    device: torch.device,
) -> dict[str, Any]:  # fmt: skip
    """What a checkpoint must agree on with the run that would go on from it: all but the images themselves."""
    data = hashlib.sha256(np.ascontiguousarray(rows).tobytes() + np.ascontiguousarray(labels[rows]).tobytes())
    task, centers = method.task, hashlib.sha256(method.centers.cpu().numpy().tobytes())
    return {
        "checkpoint version": _VERSION, "torch version": str(torch.__version__), "device": device.type,
        "method": f"{type(method).__module__}.{type(method).__qualname__}",
        "method settings": method.config.model_dump(mode="json"),
        "task": [task.num_classes, task.bits, task.seed, task.multi_label], "first centers": centers.hexdigest(),
        "training settings": config.model_dump(mode="json"), "seed": seed, "pretrained": pretrained,
        "training items": data.hexdigest(),
    }  # fmt: skip
