import numpy as np
import pytest

from bench.reports._figures.epochs import Epochs, by_epoch, centers_moved, lengthened, with_start
from bench.reports._model import Entry, panels
from bench.storage.results import Results


def entry(*cells) -> Entry:
    (panel,) = panels(Results(list(cells)))
    return panel.entries[cells[0].cell.method_label][cells[0].cell.bits]


@pytest.fixture
def trained(made, kept):
    def cell(seed: int, start: float | None, *epochs: dict[str, float]):
        stored = made("crh", 16, 0.5, seed=seed)
        return kept(stored, metrics={**stored.result["metrics"], "pcc_initial": start}, history=list(epochs))

    return cell


def test_mean_and_deviation_over_seeds(trained) -> None:
    found = by_epoch(
        entry(trained(0, None, {"loss": 3.0}, {"loss": 1.0}), trained(1, None, {"loss": 5.0}, {"loss": 1.0})), "loss"
    )
    assert found is not None
    assert found.epochs.tolist() == [1, 2]
    assert found.mean.tolist() == [4, 1]
    np.testing.assert_allclose(found.deviation, [2**0.5, 0])


def test_one_seed_has_no_deviation(trained) -> None:
    found = by_epoch(entry(trained(0, None, {"loss": 3.0})), "loss")
    assert found is not None and found.deviation is None


def test_seeds_without_the_quantity_are_left_out(trained) -> None:
    cells = [
        trained(0, None, {"pcc": 0.5}, {"loss": 1.0}),
        trained(1, None, {"pcc": 0.25}, {"pcc": 0.75}),
        trained(2, None),
    ]
    found = by_epoch(entry(*cells), "pcc")
    assert found is not None and found.mean.tolist() == [0.25, 0.75]
    assert by_epoch(entry(*cells), "pcc_backbone") is None


def test_cells_without_a_history_have_none(made) -> None:
    without = entry(made("crh", 16, 0.5))
    assert by_epoch(without, "loss") is None
    assert with_start(without, "pcc") is None
    assert centers_moved([without]) is None


def test_the_start_stands_before_the_first_epoch(trained) -> None:
    cells = [trained(0, 0.0, {"pcc": 0.5}), trained(1, 0.25, {"pcc": 0.5}), trained(2, None, {"pcc": 0.9})]
    found = with_start(entry(*cells), "pcc")
    assert found is not None
    assert (found.epochs.tolist(), found.mean.tolist()) == ([0, 1], [0.125, 0.5])


def test_moved_centers_are_a_share_of_the_classes(trained) -> None:
    cells = [
        trained(0, None, {"centers_moved": 12}, {"centers_moved": 3}),
        trained(1, None, {"centers_moved": 6}, {"centers_moved": 0}),
    ]
    found = centers_moved([entry(*cells)])
    assert found is not None
    np.testing.assert_allclose(found.mean, [0.75, 0.125])  # of 12 classes


def test_histories_of_different_lengths_end_with_the_shortest(trained) -> None:
    found = by_epoch(entry(trained(0, None, {"loss": 3.0}, {"loss": 1.0}), trained(1, None, {"loss": 5.0})), "loss")
    assert found is not None and found.mean.tolist() == [4.0]


def test_steps_are_lengthened_by_their_last_value() -> None:
    found = lengthened(Epochs(np.array([0.0, 1.0]), np.array([0.1, 0.2]), np.array([0.0, 0.5])), 0.5)
    assert (found.epochs.tolist(), found.mean.tolist()) == ([0, 1, 1.5], [0.1, 0.2, 0.2])
    assert found.deviation is not None and found.deviation.tolist() == [0, 0.5, 0.5]
    assert lengthened(Epochs(np.array([0.0]), np.array([0.1]), None), 0.5).deviation is None
