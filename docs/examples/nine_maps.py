"""One ranking, nine mAPs: the table of docs/nine_maps.md."""

import numpy as np

import bench
from bench.codes.packing import pack
from bench.evaluation.conventions import map_by_convention

BITS, CLASSES, K = 12, 20, 50


def codes(labels: np.ndarray, rng: np.random.Generator, centers: np.ndarray) -> np.ndarray:
    """The centers of the labels with a fifth of the bits flipped."""
    return centers[labels] * np.where(rng.random((len(labels), BITS)) < 0.2, -1, 1)


def nine_maps() -> dict[str, float]:
    """mAP by name, of 100 queries in a database of 1,000 that is stored class by class, as most lists are."""
    rng = np.random.default_rng(0)
    centers = rng.integers(0, 2, (CLASSES, BITS)) * 2 - 1
    labels, query_labels = np.arange(1000) // 50, rng.integers(0, CLASSES, 100)
    database, query = codes(labels, rng, centers), codes(query_labels, rng, centers)
    args = query, query_labels, database, labels
    expected = bench.evaluate(*args)

    def like(name: str, k: int | None = None) -> float:
        return map_by_convention(name, pack(query), query_labels, [(pack(database), labels)], BITS, k)

    return {
        "expected over all orders of ties: `bench evaluate`": expected.map,
        "best order of ties": expected.map_best,
        "worst order of ties": expected.map_worst,
        "the list's order, class by class: `--ties stable`": bench.evaluate(*args, ties="stable").map,
        "the list shuffled: `--ties shuffled`": bench.evaluate(*args, ties="shuffled").map,
        "DeepHash-pytorch and MDS, k = -1 (the last item is lost)": like("deephash-pytorch"),
        f"OrthoHash and CSQ, k = {K} (divided by the hits)": like("csq", K),
        "torchmetrics on similarities K - d (opposite codes never count)": like("torchmetrics"),
        "pytorch-metric-learning, MAP@R (divided by all relevant items)": like("pytorch-metric-learning-r"),
    }


if __name__ == "__main__":
    for name, value in nine_maps().items():
        print(f"| {name} | {value:.4f} |")
