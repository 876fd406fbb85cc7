import numpy as np

from bench.reports._figures.curves import curves_by_bits, mean_curves
from bench.reports._model import panels
from bench.storage.results import Results

NAMES = ("ranks", "rank_precision")


def test_the_mean_is_over_the_seeds_that_have_the_curve(made, kept) -> None:
    cells = [
        kept(made("crh", 16, 0.5, seed=0), {"ranks": [1, 2], "rank_precision": [0.5, 0.25], "ap": [1.0]}),
        kept(made("crh", 16, 0.5, seed=1), {"ranks": [1, 2], "rank_precision": [1.0, 0.25]}),
        kept(made("crh", 16, 0.5, seed=2), {"ranks": [1, 2]}),
    ]
    (panel,) = panels(Results(cells))
    found = mean_curves(panel.entries["crh"][16], NAMES)
    assert found is not None
    np.testing.assert_allclose(found["rank_precision"], [0.75, 0.25])
    np.testing.assert_allclose(found["ranks"], [1, 2])
    assert sorted(found) == sorted(NAMES)


def test_what_is_not_there_is_left_out(made, kept) -> None:
    there = {"ranks": [1], "rank_precision": [1.0]}
    cells = [
        kept(made("crh", 16, 0.5)), made("crh", 32, None), kept(made("crh", 64, 0.5), there),
        kept(made("csq", 16, 0.5)), kept(made("csq", 64, 0.5), there),
    ]  # fmt: skip
    (panel,) = panels(Results(cells))
    found = curves_by_bits(panel, NAMES)
    assert {bits: list(methods) for bits, methods in found.items()} == {64: ["crh", "csq"]}
