"""Does a method keep to its contract? Named checks on small tasks, for `bench check` and for anybody's pytest.

In pytest:

    from bench.conformance import CHECKS, check_method

    @pytest.mark.parametrize("check", CHECKS)
    def test_my_method(check):
        (outcome,) = check_method("my-method", [check])
        assert outcome.status != "failed", outcome.detail
"""

from bench.conformance.checks import CHECKS, Check
from bench.conformance.runner import Outcome, check_method

__all__ = ["CHECKS", "Check", "Outcome", "check_method"]
