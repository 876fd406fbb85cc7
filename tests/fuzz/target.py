"""A reader of other people's files under test: what it may do with a hostile one, and a run of it on one input."""

from __future__ import annotations

import resource
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from types import FrameType
from typing import NoReturn

from bench.errors import BenchError

MIB = 2**20
FAST, SLOW = 10.0, 0.05  # shares of readers of a few thousand inputs a second, and of a hundred
_FACTOR = 4096  # bytes of memory for each byte of input: four times what deflate can unfold to
_MOST_TEXT = 4000  # characters of a sentence

Mutate = Callable[[Random], bytes]


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        name: `what/file`.
        read: takes the content of a file; raises a BenchError where it cannot be read, and nothing else.
        mutate: makes an input from random numbers.
        seeds: valid files, which `read` must take.
        seconds: of the processor that one input may take.
        memory: MiB that any input may take, beside its share.
        share: how many inputs of a campaign it gets, relative to the others.
    """

    name: str
    read: Callable[[bytes], object]
    mutate: Mutate
    seeds: tuple[bytes, ...]
    seconds: float = 2.0
    memory: int = 64
    share: float = 1.0


@dataclass(frozen=True)
class Finding:
    """What a reader must not have done.

    Attributes:
        what: `KeyError: 'x'`, `3.1 s`, `900 MiB`, ...
        where: the line it came from; findings of one kind and line are one.
    """

    what: str
    where: str

    @property
    def kind(self) -> str:
        """What findings are counted by."""
        return f"{self.what.partition(':')[0]} at {self.where}"


@dataclass(frozen=True)
class Outcome:
    """Of one input: whether it was refused, a finding if there is one, seconds and MiB it took."""

    refused: bool
    finding: Finding | None
    seconds: float
    memory: float


class TooSlow(BaseException):
    """The clock's; no reader can take it for an error of the file."""


def run(target: Target, content: bytes) -> Outcome:
    """Read one input under the target's limits."""
    before, began = peak_memory(), time.process_time()
    refused, finding = False, None
    try:
        with clock(target.seconds), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.read(content)
    except BenchError as error:
        refused, finding = True, _bad_sentence(str(error), error)
    except TooSlow as error:
        finding = Finding("too slow", _place(error))
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        finding = Finding(f"{type(error).__name__}: {text}", _place(error))
    seconds, memory = time.process_time() - began, (peak_memory() - before) / MIB
    if finding is None and memory > target.memory + len(content) * _FACTOR / MIB:
        finding = Finding(f"too much memory: {memory:.0f} MiB of {len(content)} bytes", target.name)
    return Outcome(refused, finding, seconds, memory)


def peak_memory() -> int:
    """Bytes this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextmanager
def clock(seconds: float) -> Iterator[None]:
    """Inside, TooSlow is raised after so much time of the processor. In the main thread alone."""
    before = signal.signal(signal.SIGPROF, _ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _ring(number: int, frame: FrameType | None) -> NoReturn:
    raise TooSlow


def _bad_sentence(text: str, error: BaseException) -> Finding | None:
    """An error's text is one line that a terminal can show."""
    if not text.strip() or not text.isprintable():
        return Finding(f"unprintable: {text[:200]!r}", _place(error))
    if len(text) > _MOST_TEXT:
        return Finding(f"a sentence too long: {len(text)} characters", _place(error))
    return None


def _place(error: BaseException) -> str:
    """The innermost line of the project in a traceback, else the innermost one."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if any(f"/{part}/" in f.filename for part in ("bench", "datasets", "methods", "reports"))]
    own = [f for f in own if "site-packages" not in f.filename and "/tests/" not in f.filename]
    frame = (own or frames)[-1]
    return f"{'/'.join(frame.filename.split('/')[-3:])}:{frame.lineno}"
