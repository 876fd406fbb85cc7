"""Runs checks on a method, each within its time, and says what was found."""

from __future__ import annotations

import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import bench.conformance.life_checks  # noqa: F401 - registers its checks
from bench.conformance.checks import CHECKS, Check, Skipped
from bench.conformance.expectations import Unmet
from bench.conformance.probes import BITS, CLASSES, Refusal, Subject
from bench.errors import BenchWarning, UnknownNameError

Status = Literal["ok", "refused", "skipped", "failed"]
SIZES_BUDGET = 8.0  # seconds for all checks that may be skipped together ...
_LEAST = 0.5  # ... and for one of them when that is spent


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes:
        detail: why it failed or was refused or skipped; of one that is ok a remark, or empty.
        traceback: of an exception that was not foreseen.
    """

    check: str
    status: Status
    detail: str
    seconds: float
    traceback: str | None = None


def check_method(
    name: str, checks: Iterable[str] | None = None, watch: Callable[[str], None] | None = None
) -> list[Outcome]:
    """Run checks on a method, in order.

    Args:
        name: `crh`, a variant, `crh[margin=0.3]`, `crh+csq-loss`, or `./file.py`.
        checks: names in `CHECKS`; None: all.
        watch: told the name of each check before it runs.

    Raises:
        ConfigError, UnknownNameError: no such method, setting or check.
    """
    chosen = list(CHECKS if checks is None else checks)
    for check in chosen:
        if check not in CHECKS:
            raise UnknownNameError("check", check, CHECKS)
    subject, outcomes, left = Subject.named(name), [], SIZES_BUDGET
    for check in chosen:
        if watch is not None:
            watch(check)
        outcomes.append(_outcome(check, subject, max(left, _LEAST) if CHECKS[check].may_skip else None))
        left -= outcomes[-1].seconds if CHECKS[check].may_skip else 0
    return outcomes


class _TooLong(BaseException):
    """Not an Exception, lest the method catch it."""


@contextmanager
def _at_most(seconds: float | None) -> Iterator[None]:
    """End what runs inside with _TooLong after so long; no limit off the main thread, or without such a timer."""
    if seconds is None or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    rang = []

    def stop(*_: object) -> None:
        rang.append(True)
        raise _TooLong

    start, handler = time.monotonic(), signal.signal(signal.SIGALRM, stop)
    theirs, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except Exception:  # compiled code that is interrupted ends in an error of its own
        if rang:
            raise _TooLong from None
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if theirs:  # a timeout around this one, of a test for example, goes on
            signal.setitimer(signal.ITIMER_REAL, max(theirs - (time.monotonic() - start), 1e-3), interval)


def _outcome(name: str, subject: Subject, limit: float | None) -> Outcome:
    start = time.perf_counter()
    status: Status = "ok"
    trace: str | None = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with _at_most(limit):
                detail = CHECKS[name].run(subject)
        except _TooLong:
            detail, status = f"not done within {limit:.1f} s", "skipped"
        except Refusal as refusal:
            detail, status = _refused(CHECKS[name], str(refusal))
        except Skipped as reason:
            detail, status = str(reason), "skipped"
        except Unmet as sentence:
            detail, status = str(sentence), "failed"
        except Exception as error:
            detail, status, trace = f"{type(error).__name__}: {error}", "failed", traceback.format_exc()
    if detail is None:
        detail = next((str(w.message) for w in caught if issubclass(w.category, BenchWarning)), "")
    return Outcome(name, status, detail, time.perf_counter() - start, trace)


def _refused(check: Check, reason: str) -> tuple[str, Status]:
    if not check.may_refuse:
        return f"expected it to do {CLASSES} classes at {BITS} bits; it refuses: {reason}", "failed"
    if not reason.strip():
        return "expected a reason for refusing; found an empty one", "failed"
    return reason, "refused"
