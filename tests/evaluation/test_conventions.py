"""Each convention against the program itself where it can be installed, else against its published rule by a sort."""

import numpy as np
import pytest
import torch

from bench.codes.packing import pack
from bench.errors import UnknownNameError
from bench.evaluation.conventions import CONVENTIONS, map_by_convention

BITS = 12


class Fixture:
    """Few bits and items, so many ties; opposite codes, a query without hits and one without labels among them."""

    def __init__(self, multi_label: bool) -> None:
        rng = np.random.default_rng(5)
        self.query, self.database = ((rng.integers(0, 2, (n, BITS)) * 2 - 1).astype(np.int8) for n in (9, 40))
        self.database[3] = -self.query[0]
        self.query_labels, self.labels = rng.integers(0, 4, 9), rng.integers(0, 4, 40)
        self.labels[3] = self.query_labels[0]
        self.query_labels[4] = 7  # of a class that the database lacks
        if multi_label:
            self.query_labels, self.labels = (np.eye(8, dtype=bool)[x] for x in (self.query_labels, self.labels))
            self.labels |= rng.random((40, 8)) < [0.2] * 7 + [0.0]
            self.query_labels[5] = False
        self.distances = (BITS - self.query.astype(int) @ self.database.T.astype(int)) // 2
        one_hot = [x.astype(int) if multi_label else np.eye(8, dtype=int)[x] for x in (self.query_labels, self.labels)]
        self.relevant = one_hot[0] @ one_hot[1].T > 0

    def map(self, name: str, k: int | None = None) -> float:
        parts = [(pack(self.database[s]), self.labels[s]) for s in (slice(0, 17), slice(17, 40))]
        return map_by_convention(name, pack(self.query), self.query_labels, parts, BITS, k)

    def ranked(self) -> np.ndarray:
        """Relevance by rank, ties in the database's order."""
        return np.take_along_axis(self.relevant, np.argsort(self.distances, axis=1, kind="stable"), axis=1)


@pytest.fixture(params=[False, True], ids=["single-label", "multi-label"])
def data(request: pytest.FixtureRequest) -> Fixture:
    return Fixture(request.param)


def hits_map(ranked: np.ndarray) -> float:
    """Sum of precisions over hits in the list; a list without hits counts 0."""
    total = 0.0
    for row in ranked:
        places = np.flatnonzero(row) + 1
        total += float((np.arange(1, len(places) + 1) / places).mean()) if len(places) else 0.0
    return total / len(ranked)


@pytest.mark.parametrize("k", [None, 1, 5, 40])
def test_deephash_pytorch_and_mds_lose_the_last_item_by_default(data: Fixture, k: int | None) -> None:
    expected = hits_map(data.ranked()[:, : -1 if k is None else k])
    assert data.map("deephash-pytorch", k) == pytest.approx(expected, abs=1e-12)
    assert data.map("mds", k) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("k", [None, 1, 5])
def test_orthohash(data: Fixture, k: int | None) -> None:
    assert data.map("orthohash", k) == pytest.approx(hits_map(data.ranked()[:, :k]), abs=1e-12)


@pytest.mark.parametrize("k", [None, 5])
def test_csq_leaves_out_queries_without_labels(data: Fixture, k: int | None) -> None:
    ranked = data.ranked()[:, :k]
    if data.query_labels.ndim == 2:
        ranked = ranked[data.query_labels.any(axis=1)]
    assert data.map("csq", k) == pytest.approx(hits_map(ranked), abs=1e-12)


@pytest.fixture(scope="module")
def torchvision_first() -> None:
    from bench.compat import import_torchvision

    import_torchvision()  # the programs below import it


@pytest.mark.parametrize("k", [None, 5])
def test_torchmetrics_itself(data: Fixture, k: int | None, torchvision_first: None) -> None:
    retrieval = pytest.importorskip("torchmetrics.retrieval")
    metric = retrieval.RetrievalMAP(top_k=k, empty_target_action="neg")
    # Similarity K - d, and the database's order where that is tied; 0 stays 0, which torchmetrics treats apart.
    similarity = BITS - data.distances - np.arange(40) / 1e3 * (data.distances < BITS)
    queries = np.repeat(np.arange(9), 40)
    value = metric(torch.tensor(similarity).flatten(), torch.tensor(data.relevant).flatten(), torch.tensor(queries))
    assert data.map("torchmetrics", k) == pytest.approx(float(value), abs=1e-6)


def test_pytorch_metric_learning_itself(torchvision_first: None) -> None:
    data = Fixture(multi_label=False)
    calculators = pytest.importorskip("pytorch_metric_learning.utils.accuracy_calculator")
    order = torch.from_numpy(np.argsort(data.distances, axis=1, kind="stable"))

    def nearest(query: object, k: int, reference: object, same: bool) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(9, k), order[:, :k]  # distances are not used by these metrics

    calculator = calculators.AccuracyCalculator(
        include=("mean_average_precision", "mean_average_precision_at_r"), k=None, knn_func=nearest
    )
    found = calculator.get_accuracy(data.query, data.query_labels, data.database, data.labels)
    assert data.map("pytorch-metric-learning") == pytest.approx(found["mean_average_precision"], abs=1e-12)
    assert data.map("pytorch-metric-learning-r") == pytest.approx(found["mean_average_precision_at_r"], abs=1e-12)


def test_an_unknown_convention_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean torchmetrics"):
        map_by_convention("torchmetric", np.zeros((1, 1), np.uint8), np.zeros(1, int), [], 8)
    assert all(each.summary for each in CONVENTIONS.values())
