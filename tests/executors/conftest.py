from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.plugins.registry import registry

_METHOD = '''
import os, signal, time
import torch
from bench.plugins import PluginInfo
from bench.plugins.method import Method
from bench.randomness import stream

INFO = PluginInfo(name="{name}", summary="ends badly", citation="-", licence="MIT")


class Trouble(Method):
    """Learns, until its fourth batch."""

    batches = 0

    def make_centers(self):
        return torch.from_numpy(stream(0, "c").integers(0, 2, (self.task.num_classes, self.task.bits)) * 2 - 1)

    def loss(self, relaxed, targets):
        self.batches += 1
        loss = (relaxed - self.centers[targets]).square().mean()
        if self.batches >= 4:
            {trouble}
        return loss
'''
TROUBLES = {
    "raises": "raise ValueError('the fourth batch')",
    "not-a-number": "return loss * float('nan')",
    "greedy": "self.hoard = torch.ones(2**40)",
    "loses-the-gpu": "raise RuntimeError('CUDA error: device-side assert triggered')",
    "hangs": "time.sleep(600)",
    "dies": "os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.fixture
def trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """The file of a method that ends badly, for `methods`."""
    known = registry("method")
    monkeypatch.setattr(known, "_entries", dict(known.entries()))

    def write(name: str) -> str:
        path = tmp_path / f"{name.replace('-', '_')}.py"
        path.write_text(_METHOD.format(name=name, trouble=TROUBLES[name]))
        return str(path)

    return write
