"""The work of steps after training: codes that are measured, stored and put into tables; see scaling_work.py."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scaling import Sizes
from scaling_work import FOLDER, Work, draws, random_codes, random_labels, random_vectors

from bench.codes.packing import pack
from bench.evaluation.audit import audit_centers, audit_codes
from bench.evaluation.cosine import cosine_map
from bench.evaluation.evaluate import evaluate_parts
from bench.evaluation.references import class_cosines
from bench.evaluation.semantics import hierarchy_similarity, pcc
from bench.evaluation.summary import measures
from bench.grid.plan import make_plan
from bench.grid.spec import GridSpec
from bench.plugins.dataset import Hierarchy
from bench.storage.results import Results
from bench.storage.store import Store

_PART = 2**20  # codes of a database that are made and counted at a time
RESULT = {"status": "ok", "reason": None, "metrics": {"map": 0.5}, "seconds": {"total": 1.0}}


def histograms(sizes: Sizes) -> Work:
    """The database is made while it is counted: what is in memory is one part of it."""
    rng = draws(sizes)
    query, labels = pack(random_codes(rng, sizes.Q, sizes.K)), random_labels(rng, sizes.Q, sizes)
    some, theirs = pack(random_codes(rng, min(sizes.N, _PART), sizes.K)), random_labels(rng, min(sizes.N, _PART), sizes)

    def parts() -> Any:
        for start in range(0, int(sizes.N), _PART):
            rows = slice(0, int(sizes.N) - start)
            yield some[rows] ^ np.uint8(start // _PART % 256), theirs[rows]

    return lambda: evaluate_parts(query, labels, parts(), int(sizes.K))


def metrics(sizes: Sizes) -> Work:
    """All that is stored of a ranking."""
    ranking = histograms(Sizes(N=1_000, Q=sizes.Q, K=sizes.K))
    return lambda: measures(ranking())  # type: ignore[arg-type]


def cosines(sizes: Sizes) -> Work:
    """Random vectors: their cosines are as near to each other as can be."""
    rng = draws(sizes)
    query, database = random_vectors(rng, sizes.Q, sizes), random_vectors(rng, sizes.N, sizes)
    labels = random_labels(rng, sizes.Q, sizes), random_labels(rng, sizes.N, sizes)
    return lambda: cosine_map(query, labels[0], database, labels[1])


def audit(sizes: Sizes) -> Work:
    """Bits, and distances to all centers."""
    rng = draws(sizes)
    codes, centers = random_codes(rng, sizes.N, sizes.K), random_codes(rng, sizes.C, sizes.K)
    labels = random_labels(rng, sizes.N, sizes)
    return lambda: audit_codes(codes, labels, centers)


def distances(sizes: Sizes) -> Work:
    """Of all pairs."""
    centers = random_codes(draws(sizes), sizes.C, sizes.K)
    return lambda: audit_centers(centers)


def tree(sizes: Sizes) -> Work:
    """Eight classes below each node."""
    levels = range(int(sizes.S) - 1, -1, -1)
    paths = tuple(tuple(f"{level} {i // 8**level}" for level in levels) for i in range(int(sizes.C)))
    return lambda: hierarchy_similarity(Hierarchy(paths))


def correlation(sizes: Sizes) -> Work:
    """With a similarity that is there."""
    reference = draws(sizes).random((int(sizes.C),) * 2)
    centers = random_codes(draws(sizes), sizes.C, sizes.K)
    return lambda: pcc(centers, reference)


def class_means(sizes: Sizes) -> Work:
    """And their cosines."""
    rng = draws(sizes)
    vectors, labels = random_vectors(rng, sizes.N, sizes), random_labels(rng, sizes.N, sizes)
    return lambda: class_cosines(vectors, labels, int(sizes.C))


def store(sizes: Sizes) -> Work:
    """Codes, AP of each query, and the JSON beside them."""
    rng = draws(sizes)
    arrays = {"database_codes": pack(random_codes(rng, sizes.N, sizes.K)), "ap": rng.random(int(sizes.Q))}
    (planned, *_), store = make_plan(_grid(1)).cells, Store(Path(tempfile.mkdtemp(dir=FOLDER)))
    return lambda: store.write(planned.job.cell, RESULT, arrays)


def plan(sizes: Sizes) -> Work:
    """Of one method and dataset; none is stored yet."""
    return lambda: make_plan(_grid(int(sizes.cells)))


def _grid(cells: int) -> GridSpec:
    """On a few letters; the folder is empty."""
    letters = {"classes": 8, "train": 8, "query": 3, "database": 8, "size": 16}
    return GridSpec(
        methods=("crh",), bits=(16,), seeds=tuple(range(cells)), out=FOLDER / "results", set={"glyphs": letters}
    )


def results(sizes: Sizes) -> Work:
    """Of cells that are stored, read and put into one table."""
    out = Path(tempfile.mkdtemp(dir=FOLDER))
    for planned in make_plan(_grid(int(sizes.cells))).cells:
        Store(out).write(planned.job.cell, RESULT, {"ap": np.zeros(4)})
    return lambda: Results.read(out).frame
