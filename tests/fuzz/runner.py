"""Many inputs: python -m tests.fuzz.runner --inputs 1000000 --seed 1 [--target NAME] [--keep FOLDER]

Each target has a process of its own, which may crash or hang: the input it had in hand is in memory that both share. An
input is told by seed, target and number, so that any of them can be made again. POSIX alone.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import mmap
import multiprocessing
import os
import resource
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.target import MIB, Finding, Target, run

_ADDRESS_SPACE = 1024 * MIB  # bytes a worker may have beyond what it begins with; more ends in a MemoryError
_LARGEST = 4 * MIB  # bytes of an input; longer ones are cut
_HANG = 60.0  # seconds without a sign of life
_ROUND = 0.5  # seconds between looks at a worker
_KEPT = 3  # inputs of one kind of finding
_HEAD = struct.Struct("<QQ")  # number of the input in hand, its length
_NONE = 2**64 - 1  # the number before the first


@dataclass
class Tally:
    """What became of a target's inputs.

    Attributes:
        findings: kind -> what was found and the input, the first few.
        counts: kind -> how often.
        slowest, largest: seconds and MiB of the worst input.
    """

    inputs: int = 0
    refused: int = 0
    slowest: float = 0.0
    largest: float = 0.0
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    findings: dict[str, list[tuple[Finding, bytes]]] = field(default_factory=dict)

    def add(self, finding: Finding, content: bytes) -> None:
        """One more."""
        self.counts[finding.kind] = self.counts.get(finding.kind, 0) + 1
        kept = self.findings.setdefault(finding.kind, [])
        if len(kept) < _KEPT:
            kept.append((finding, content))

    def join(self, other: Tally) -> None:
        """Add those of another process."""
        self.refused += other.refused
        self.seconds += other.seconds
        self.slowest, self.largest = max(self.slowest, other.slowest), max(self.largest, other.largest)
        for kind, count in other.counts.items():
            self.counts[kind] = self.counts.get(kind, 0) + count
            self.findings.setdefault(kind, []).extend(other.findings[kind])
            del self.findings[kind][_KEPT:]


def one_input(target: Target, seed: int, number: int) -> bytes:
    """The same bytes for the same numbers."""
    return target.mutate(Random(f"{seed}/{target.name}/{number}"))[:_LARGEST]


def campaign(target: Target, seed: int, inputs: int) -> Tally:
    """So many inputs of a target; a worker that crashes or hangs is replaced, and its input is a finding."""
    context = multiprocessing.get_context("fork")
    shared = mmap.mmap(-1, _HEAD.size + _LARGEST)
    total, number = Tally(), 0
    while number < inputs:
        shared[: _HEAD.size] = _HEAD.pack(_NONE, 0)
        receiver, sender = context.Pipe(duplex=False)
        worker = context.Process(target=_work, args=(target, seed, number, inputs, shared, sender))
        worker.start()
        sender.close()
        ended = _wait(worker, receiver, shared, total)
        if ended is None:
            total.inputs = inputs
            break
        at, length = _HEAD.unpack(shared[: _HEAD.size])
        if at == _NONE:
            raise RuntimeError(f"{target.name}: its worker ended ({ended}) before its first input")
        total.inputs = at + 1
        total.add(Finding(ended, target.name), shared[_HEAD.size : _HEAD.size + length])
        number = at + 1
    return total


def _wait(worker: Any, receiver: Any, shared: mmap.mmap, total: Tally) -> str | None:
    """Hear a worker out; None where it ended well, else how it did not."""
    seen, when, last = b"", time.monotonic(), Tally()
    ended: str | None = "hang"
    while time.monotonic() - when < _HANG:
        if shared[: _HEAD.size] != seen:
            seen, when = shared[: _HEAD.size], time.monotonic()
        with contextlib.suppress(EOFError):
            while receiver.poll(_ROUND):
                last = receiver.recv()
                when = time.monotonic()
        if not worker.is_alive():
            ended = None if worker.exitcode == 0 else f"crash: exit code {worker.exitcode}"
            break
    else:
        worker.kill()
    worker.join()
    total.join(last)
    return ended


def _work(target: Target, seed: int, first: int, inputs: int, shared: mmap.mmap, sender: Any) -> None:
    with Path(os.devnull).open("w") as nowhere:  # what libraries in C print of damaged images
        os.dup2(nowhere.fileno(), 2)
    for content in target.seeds:
        run(target, content)  # what is imported or compiled at first use is no input's doing
    _limit()
    tally, told = Tally(), time.monotonic()
    for number in range(first, inputs):
        content = one_input(target, seed, number)
        shared[_HEAD.size : _HEAD.size + len(content)] = content
        shared[: _HEAD.size] = _HEAD.pack(number, len(content))
        outcome = run(target, content)
        tally.refused += outcome.refused
        tally.seconds += outcome.seconds
        tally.slowest, tally.largest = max(tally.slowest, outcome.seconds), max(tally.largest, outcome.memory)
        if outcome.finding is not None:
            tally.add(outcome.finding, content)
        if outcome.finding is not None or time.monotonic() - told > 1:
            told = time.monotonic()
            sender.send(tally)
    sender.send(tally)
    sender.close()


def _limit() -> None:
    """Of the address space; Linux alone says how much of it is in use."""
    statm = Path("/proc/self/statm")
    if statm.is_file():
        most = int(statm.read_text().split()[0]) * resource.getpagesize() + _ADDRESS_SPACE
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def shares(targets: dict[str, Target], inputs: int) -> dict[str, int]:
    """How many inputs each gets."""
    whole = sum(target.share for target in targets.values())
    return {name: max(1, round(inputs * target.share / whole)) for name, target in targets.items()}


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """A folder for inputs, in memory where there is such a place, and the current one meanwhile."""
    memory, before = Path("/dev/shm"), Path.cwd()
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=memory if memory.is_dir() else None) as name:
        os.chdir(name)
        try:
            yield Path(name, "files")
        finally:
            os.chdir(before)


def main(arguments: list[str] | None = None) -> int:
    """Run, report, keep; 1 where there are findings."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.runner", description="Fuzz readers of foreign files.")
    parser.add_argument("--inputs", type=int, default=100_000, help="of all targets together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", action="append", default=[], help="a name or the beginning of one; again for more")
    parser.add_argument(
        "--keep", type=Path, default=Path("fuzz-findings"), help="folder for inputs that found something"
    )
    options = parser.parse_args(arguments)
    keep = options.keep.absolute()
    os.environ |= {"BENCH_CONFIG": os.devnull, "OMP_NUM_THREADS": "1"}
    with workplace() as folder:
        os.environ["BENCH_CACHE"] = str(folder.parent / "cache")
        from tests.fuzz.targets import all_targets

        targets = {n: t for n, t in all_targets(folder).items() if n.startswith(tuple(options.target) or "")}
        if not targets:
            parser.error(f"no target begins with {' or '.join(options.target)}")
        print(f"{'target':<32}{'inputs':>9}{'refused':>9}{'findings':>9}{'worst s':>9}{'MiB':>6}{'a second':>10}")
        return _report(targets, shares(targets, options.inputs), options.seed, keep)


def _report(targets: dict[str, Target], inputs: dict[str, int], seed: int, keep: Path) -> int:
    found = total = 0
    for name, target in targets.items():
        began = time.monotonic()
        tally = campaign(target, seed, inputs[name])
        rate = tally.inputs / max(time.monotonic() - began, 1e-9)
        total += tally.inputs
        found += len(tally.counts)
        print(
            f"{name:<32}{tally.inputs:>9}{tally.refused / max(tally.inputs, 1):>9.0%}{sum(tally.counts.values()):>9}"
            f"{tally.slowest:>9.2f}{tally.largest:>6.0f}{rate:>10.0f}", flush=True,
        )  # fmt: skip
        for kind, examples in tally.findings.items():
            for finding, content in examples:
                keep.mkdir(parents=True, exist_ok=True)
                path = keep / f"{name.replace('/', '-')}-{hashlib.sha256(content).hexdigest()[:8]}"
                path.write_bytes(content)
                print(f"  {finding.what} at {finding.where} ({tally.counts[kind]} times)")
                print(f"    {path}: {content[:60].hex()}")
    print(f"{total} inputs, {found} kinds of findings")
    return min(found, 1)


if __name__ == "__main__":
    sys.exit(main())
