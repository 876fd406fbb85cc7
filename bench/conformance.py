"""Does a method keep to its contract? Named checks on small tasks, for `bench check` and for anybody's pytest.

In pytest:

    from bench.conformance import CHECKS, check_method

    @pytest.mark.parametrize("check", CHECKS)
    def test_my_method(check):
        (outcome,) = check_method("my-method", [check])
        assert outcome.status != "failed", outcome.detail
"""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import bench._life_checks  # noqa: F401 - registers its checks
from bench._checks import CHECKS, Check, Skipped
from bench._expectations import Unmet
from bench._probes import BITS, CLASSES, Refusal, Subject
from bench.errors import BenchWarning, UnknownNameError

__all__ = ["CHECKS", "Check", "Outcome", "check_method"]

Status = Literal["ok", "refused", "skipped", "failed"]


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
    subject, outcomes = Subject.named(name), []
    for check in chosen:
        if watch is not None:
            watch(check)
        outcomes.append(_outcome(check, subject))
    return outcomes


def _outcome(name: str, subject: Subject) -> Outcome:
    start = time.perf_counter()
    status: Status = "ok"
    trace: str | None = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            detail = CHECKS[name].run(subject)
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
