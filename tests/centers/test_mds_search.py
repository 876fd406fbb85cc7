import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.centers import _mds_kernels as kernels
from bench.centers.bounds import target_distance
from bench.centers.hadamard_rows import hadamard_rows
from bench.centers.mds_search import search
from bench.centers.separation import separation
from bench.errors import ConfigError

GAMMA = (1 + 5**0.5) / 2


def random_centers(rng: np.random.Generator, size: int, bits: int) -> np.ndarray:
    return (rng.integers(0, 2, (size, bits)) * 2 - 1).astype(np.int8)


class Plain:
    """The ADMM for one center as it is written: the inverse computed anew for each iteration."""

    def __init__(self, center: np.ndarray, others: np.ndarray, target: int, duals: list[np.ndarray]) -> None:
        self.A, self.a = others, others.mean(axis=0)
        self.K, self.t, self.rho = len(center), len(center) - 2 * target, 1e-5
        self.b, self.z1, self.z2 = center.copy(), center.copy(), center.copy()
        self.z3 = self.t - others @ np.sign(center)
        self.y1, self.y2, self.y3 = (dual.copy() for dual in duals)

    def step(self) -> bool:
        A, rho, t = self.A, self.rho, self.t
        left = 2 * rho * np.eye(self.K) + rho * A.T @ A
        right = rho * self.z1 + rho * self.z2 + rho * A.T @ (t - self.z3) - self.y1 - self.y2 - A.T @ self.y3 - self.a
        self.b = np.linalg.inv(left) @ right
        self.z1, self.z2 = self.b + self.y1 / rho, self.b + self.y2 / rho
        self.z3 = t - A @ self.b - self.y3 / rho
        outside = ((self.z1 < -1) & (self.z1 > 1)).any() or (self.z3 < 0).any()
        in_range = not outside and abs((self.z2**2).sum() - self.K) <= 1e-3
        if not in_range:
            self.z1 = np.clip(self.z1, -1, 1)
            self.z2 = np.sqrt(self.K) * self.z2 / np.linalg.norm(self.z2)
            self.z3 = np.maximum(self.z3, 0)
        self.y1 = self.y1 + GAMMA * rho * (self.b - self.z1)
        self.y2 = self.y2 + GAMMA * rho * (self.b - self.z2)
        self.y3 = self.y3 + GAMMA * rho * (A @ self.b + self.z3 - t)
        return bool(in_range)


@pytest.mark.parametrize(("size", "bits"), [(6, 8), (23, 16), (30, 100)])
def test_steps_equal_the_plain_ones(size: int, bits: int) -> None:
    rng = np.random.default_rng(0)
    centers = random_centers(rng, size, bits).astype(np.float64)
    center, others, target = centers[0], centers[1:], target_distance(bits, size)
    duals = [rng.random(bits), rng.random(bits), rng.random(size - 1)]
    plain = Plain(center, others, target, duals)
    inverse = np.linalg.inv(2 * np.eye(bits) + others.T @ others)
    b, z1, z2, products = center.copy(), center.copy(), center.copy(), np.empty(size - 1)
    z3, (y1, y2, y3) = plain.z3.copy(), (dual.copy() for dual in duals)
    for _ in range(4):
        for _ in range(10):
            checked = kernels.step(
                others, np.ascontiguousarray(others.T), inverse, others.mean(axis=0), float(plain.t), plain.rho,
                b, products, z1, z2, z3, y1, y2, y3,
            )  # fmt: skip
            assert checked == plain.step()
            for found, expected in (
                (b, plain.b), (products, others @ plain.b), (z1, plain.z1), (z2, plain.z2), (z3, plain.z3),
                (y1, plain.y1), (y2, plain.y2), (y3, plain.y3),
            ):  # fmt: skip
                assert found == pytest.approx(expected, rel=1e-8, abs=1e-8 * max(1.0, abs(expected).max()))
        plain.rho *= 1.09


def test_the_range_check_skips_projections_although_z1_is_outside() -> None:
    # One other center (1, 1), rho 1, duals 0 and t 0. With z3 = 0, b = [2 I + A^T A]^-1 (z1 + z2), and this inverse
    # is (3, -1; -1, 3) / 8: b = (s, -s) for z1 + z2 = (2 s, -2 s), of norm 2 where s = 1 and products b.(1, 1) = 0.
    others, inverse = np.ones((1, 2)), np.array([[3.0, -1], [-1, 3]]) / 8
    assert inverse == pytest.approx(np.linalg.inv(2 * np.eye(2) + others.T @ others))
    b, products = np.zeros(2), np.zeros(1)
    for outside, expected in ((0.0, [1, -1]), (0.5, [1.5, -1])):
        z1, z2, z3 = np.array([1.0, -1]), np.array([1.0, -1]), np.zeros(1)
        y1, y2, y3 = np.array([outside, 0.0]), np.array([-outside, 0.0]), np.zeros(1)
        norm = (1 - outside) ** 2 + 1
        checked = kernels.step(
            others, others.T.copy(), inverse, np.zeros(2), 0.0, 1.0, b, products, z1, z2, z3, y1, y2, y3
        )
        assert b == pytest.approx([1, -1])
        assert checked == (abs(norm - 2) < 1e-3)
        assert z1 == pytest.approx(expected if checked else np.clip(expected, -1, 1))
    # z1 = (1.3, -1.3) is outside of the box, z2 = b + y2 = (1, -1): the check passes and z1 stays.
    z1, z2, z3 = np.array([1.0, -1]), np.array([1.0, -1]), np.zeros(1)
    y1, y2, y3 = np.array([0.3, -0.3]), np.zeros(2), np.zeros(1)
    shift = np.array([-0.3, 0.3])  # a, which takes y1 out of the equation of b
    assert kernels.step(others, others.T.copy(), inverse, shift, 0.0, 1.0, b, products, z1, z2, z3, y1, y2, y3)
    assert (b, z1) == (pytest.approx([1, -1]), pytest.approx([1.3, -1.3]))
    assert y1 == pytest.approx([0.3 - GAMMA * 0.3, GAMMA * 0.3 - 0.3])


def row_problem(seed: int, size: int, bits: int) -> tuple:
    rng = np.random.default_rng(seed)
    centers = random_centers(rng, size, bits).astype(np.float64)
    others = centers[1:]
    inverse = np.linalg.inv(2 * np.eye(bits) + others.T @ others)
    return centers[0], others, inverse, rng.random(bits), rng.random(bits), rng.random(size - 1)


def test_the_penalty_reaches_its_cap_at_the_321st_iteration() -> None:
    rho, count = kernels.RHO, 0
    while rho < kernels.RHO_CAP:
        rho, count = min(kernels.GROWTH * rho, kernels.RHO_CAP), count + 1
    assert count == 321
    # Distance 8 from each of 40 words of 8 bits cannot be: residuals never vanish, and 100 scorings end it.
    center, others, inverse, y1, y2, y3 = row_problem(0, 41, 8)
    _, outer, scorings, converged = kernels.search_row(center, others, inverse, 8, y1, y2, y3, False)
    assert (outer, scorings, converged) == (321 + 99, 100, False)


def test_score_by_hand() -> None:
    others = np.array([[1.0, 1, 1, -1], [-1, -1, 1, 1], [-1, -1, -1, 1]])  # at distances 1, 2, 3 from (1, 1, 1, 1)
    value, least = kernels.score(np.ones(4), others)
    assert (value, least) == (pytest.approx(2 + 1 - 2 / 3), 1)


def test_what_converges_before_the_cap_is_lost_unless_it_is_scored() -> None:
    lost = 0
    for seed in range(10):
        center, others, inverse, *duals = row_problem(seed, 20, 16)
        copies = [dual.copy() for dual in duals]
        row, outer, scorings, converged = kernels.search_row(center, others, inverse, 5, *duals, False)
        if converged and outer < 321:
            lost += 1
            assert scorings == 0
            assert np.array_equal(row, center)
            kept, same_outer, scorings, _ = kernels.search_row(center, others, inverse, 5, *copies, True)
            assert (same_outer, scorings) == (outer, 1)
            if not np.array_equal(kept, center):
                value, least = kernels.score(kept, others)
                old_value, old_least = kernels.score(center, others)
                assert (least, value) > (old_least, old_value)
    assert lost > 0


@pytest.mark.parametrize("mended", [False, True])
@pytest.mark.parametrize(("size", "bits"), [(24, 16), (10, 48), (12, 64), (8, 100)])
def test_shapes_values_and_arguments(mended: bool, size: int, bits: int) -> None:
    start = random_centers(np.random.default_rng(1), size, bits)
    before = start.copy()
    found = search(start, target_distance(bits, size), np.random.default_rng(2), score_on_convergence=mended, sweeps=2)
    assert (found.centers.shape, found.centers.dtype) == ((size, bits), np.int8)
    assert (abs(found.centers) == 1).all()
    assert np.array_equal(start, before)
    assert 1 <= found.sweeps <= 2
    assert found.changed_rows + found.discarded <= found.sweeps * size
    assert found.reached == (separation(found.centers).least >= target_distance(bits, size))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 14), st.integers(4, 12))
def test_the_mended_form_never_loses(seed: int, size: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    start = random_centers(rng, size, bits)
    found = search(start, min(target_distance(bits, size), bits), rng, score_on_convergence=True, sweeps=2)
    before, after = separation(start), separation(found.centers)
    assert (after.least, after.mean + after.least - after.variance) >= (
        before.least, before.mean + before.least - before.variance,
    )  # fmt: skip
    assert found.discarded == 0


def test_the_released_search_can_be_a_no_op() -> None:
    unmoved = 0
    for seed in range(12):  # where rounding differs other seeds may move: 7 of these 12 did not where this was written
        rng = np.random.default_rng(seed)
        start, _ = hadamard_rows(9, 4, rng, 5, never_accept=True)
        found = search(start, 2, rng, sweeps=3)
        if found.changed_rows == 0:
            unmoved += 1
            assert np.array_equal(found.centers, start)
            assert (found.reached, found.discarded > 0, found.sweeps) == (False, True, 3)
    assert unmoved > 0


def test_sweeps_are_compared_with_0_as_released_and_with_the_start_when_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    start, words = np.array([[1, 1, 1, 1], [-1, -1, -1, -1]], np.int8), []

    def next_row(*_: object) -> tuple[np.ndarray, int, int, bool]:
        return np.array(words.pop(0), np.float64), 420, 100, False

    monkeypatch.setattr(kernels, "search_row", next_row)
    for mended in (False, True):
        words[:] = [[1, 1, 1, 1]] * 2  # score 0
        found = search(start, 4, np.random.default_rng(0), sweeps=1, score_on_convergence=mended)
        assert (found.centers.tolist(), found.changed_rows) == (start.tolist(), 1)
        near = [[1, 1, 1, 1], [1, 1, -1, -1]]  # score 2 + 2, below the 4 + 4 of the start
        nearer = [[1, 1, 1, 1], [1, 1, 1, -1]]  # score 1 + 1
        words[:] = near + nearer
        found = search(start, 4, np.random.default_rng(0), sweeps=2, score_on_convergence=mended)
        assert found.centers.tolist() == (start.tolist() if mended else near)
        assert (found.sweeps, found.reached) == (2, mended)
        words[:] = near + nearer
        found = search(start, 2, np.random.default_rng(0), score_on_convergence=mended)
        assert (found.sweeps, found.reached, len(words)) == (1, True, 2)  # the first sweep is at the target


def test_a_released_zero_becomes_plus_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "search_row", lambda row, *_: (np.where(row < 0, 0.0, row), 420, 100, False))
    start = np.array([[1, -1, 1, 1], [-1, 1, 1, -1], [-1, -1, -1, -1]], np.int8)
    start[:, 2] = 1
    found = search(start[:2], 0, np.random.default_rng(0))
    assert found.changed_rows == 2
    assert set(found.centers.ravel().tolist()) <= {-1, 1}


def test_csq_start_is_improved_at_16_bits() -> None:
    start, _ = hadamard_rows(48, 16, np.random.default_rng(0), 5, never_accept=True)
    found = search(start, 5, np.random.default_rng(0), score_on_convergence=True, sweeps=10)
    assert separation(found.centers).least > separation(start).least
    assert found.changed_rows > 0


def test_time_ends_it() -> None:
    start = random_centers(np.random.default_rng(0), 40, 16)
    found = search(start, 16, np.random.default_rng(0), seconds=1e-9)
    assert (found.timed_out, found.reached, found.sweeps) == (True, False, 1)
    assert found.changed_rows + found.discarded <= 1  # one row was tried
    assert not search(start, 16, np.random.default_rng(0), sweeps=1).timed_out


def test_bad_input() -> None:
    start, rng = random_centers(np.random.default_rng(0), 4, 8), np.random.default_rng(0)
    for wrong in (start[0], start[:1], start * 2, start * 0):
        with pytest.raises(ConfigError, match="at least two classes"):
            search(wrong, 2, rng)
    for target, settings_ in ((9, {}), (-1, {}), (2, {"sweeps": 0}), (2, {"seconds": 0.0})):
        with pytest.raises(ConfigError, match="needs sweeps >= 1"):
            search(start, target, rng, **settings_)
