from pathlib import Path

import numpy as np
import pytest

import bench
from bench.evaluation.uncertainty import bootstrap_interval, paired_p_value
from bench.storage.results import Results
from bench.studies.comparison import compare_results


def test_methods_are_compared_over_the_seeds_they_share(tmp_path: Path, tiny_set: dict) -> None:
    bench.run(methods=["crh", "csq"], bits=[8], seeds=[0, 1], out=tmp_path, set=tiny_set, reports=False)
    results = bench.run(methods=["crh"], bits=[8, 16], seeds=[2], out=tmp_path, set=tiny_set, reports=False)
    (family,) = compare_results(Results.read(tmp_path))
    assert len(results.cells) == 2
    assert (family.cell.bits, family.seeds) == (8, 2)
    ap = {
        name: np.stack([s.arrays()["ap"] for s in Results.read(tmp_path).cells
                        if (s.cell.method, s.cell.bits) == (name, 8) and s.cell.seed < 2])
        for name in ("crh", "csq")
    }  # fmt: skip
    (row,) = family.comparisons
    assert (row.first, row.second) == ("crh", "csq")
    assert row.difference == pytest.approx(ap["crh"].mean() - ap["csq"].mean())
    assert row.p_value == row.p_holm == paired_p_value(ap["crh"].mean(axis=0), ap["csq"].mean(axis=0))
    assert family.map["crh"] == (pytest.approx(ap["crh"].mean()), bootstrap_interval(ap["crh"]))


def test_one_method_or_other_seeds_compare_with_nothing(tmp_path: Path, tiny_set: dict) -> None:
    for method, seed in (("crh", 0), ("csq", 1)):
        bench.run(methods=[method], bits=[8], seeds=[seed], out=tmp_path, set=tiny_set, reports=False)
    assert compare_results(Results.read(tmp_path)) == []


def test_each_code_length_is_a_family_of_its_own(tmp_path: Path, tiny_set: dict) -> None:
    results = bench.run(methods=["crh", "csq"], bits=[8, 16], out=tmp_path, set=tiny_set, reports=False)
    families = {family.cell.bits: family for family in compare_results(results)}
    assert list(families) == [8, 16]
    for stored in results.cells:
        family = families[stored.cell.bits]
        assert family.map[stored.cell.method][0] == pytest.approx(stored.result["metrics"]["map"])
        assert len(family.comparisons) == 1
