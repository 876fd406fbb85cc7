"""Running a stored cell again: it comes out bit by bit, and what has changed is found."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import bench
from bench.codes.packing import unpack
from bench.errors import BenchError
from bench.plugins.registry import registry
from bench.storage.cell import Cell
from bench.storage.store import Store, StoredCell
from bench.studies.reproduction import Reproduction, equal_bits, find_cell, job_again, reproduce

VECTORS = "vectors.npz"


def vectors(path: Path, shift: float = 0.0) -> str:
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 4
    rows = (rng.normal(size=(4, 6))[labels] + rng.normal(size=(120, 6)) + shift).astype(np.float32)
    np.savez(path, train_features=rows[:80], train_labels=labels[:80], query_features=rows[80:],
             query_labels=labels[80:])  # fmt: skip
    return str(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three cells on vectors, two of which are of csq."""
    folder = tmp_path_factory.mktemp("made")
    shared: dict[str, Any] = {"datasets": [vectors(folder / VECTORS)], "out": folder / "out", "reports": False}
    for method, bits in (("csq", 8), ("csq", 16), ("crh", 8)):  # each by itself: none is trained together with others
        bench.run(methods=[method], bits=[bits], set={"train": {"epochs": 3}}, **shared)
    return folder


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    """The same to be changed; the data is beside it."""
    shutil.copytree(made, tmp_path / "made")
    return tmp_path / "made" / "out"


def cell(out: Path, method: str = "csq", bits: int = 8) -> StoredCell:
    return next(s for s in Store(out).read_all() if s.cell.method == method and s.cell.bits == bits)


def verified(out: Path, tolerance: float | None = None, **options: Any) -> Reproduction:
    stored = find_cell(cell(out).cell.id, out)
    return reproduce(job_again(stored, out.parent / VECTORS, **options), stored, tolerance)


def edit(stored: StoredCell, name: str, **changes: Any) -> None:
    path = stored.path / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_arrays(stored: StoredCell, **changes: Any) -> None:
    np.savez(stored.path / "arrays.npz", **(stored.arrays() | changes))


def flipped(codes: np.ndarray, bits: int) -> np.ndarray:
    """With so many bits of the first row turned."""
    changed = codes.copy()
    changed[0, 0] ^= (1 << bits) - 1
    return changed


def test_a_cell_comes_out_again_bit_by_bit(out: Path) -> None:
    before = sorted(p.name for p in (out / "cells").iterdir())
    found = verified(out)
    assert found.passed
    assert found.expected == "identical"
    assert found.tolerance is None
    assert (found.query_bits, found.database_bits) == (1.0, 1.0)
    assert found.map_again == found.map_stored == cell(out).result["metrics"]["map"]
    assert found.changes == ()
    assert sorted(p.name for p in (out / "cells").iterdir()) == before  # nothing of it is stored


def test_one_bit_that_differs_is_found(out: Path) -> None:
    stored = cell(out)
    codes = stored.arrays()["query_codes"]
    edit_arrays(stored, query_codes=flipped(codes, 1))
    found = verified(out)
    assert not found.passed
    assert found.query_bits == 1 - 1 / (len(codes) * 8)
    assert found.database_bits == 1.0
    assert "differ where none should" in found.verdict
    assert verified(out, tolerance=0.0).passed  # asked of the mAP alone


def test_on_another_kind_of_machine_the_map_is_to_be_near(out: Path) -> None:
    stored = cell(out)
    where = {**stored.result["provenance"], "processor": "another"}
    metrics = stored.result["metrics"]
    edit(stored, "result.json", provenance=where)
    edit_arrays(stored, query_codes=flipped(stored.arrays()["query_codes"], 3))
    found = verified(out)
    assert found.passed
    assert found.expected == "within"
    assert found.tolerance == max(0.02, 5 * metrics["map_stderr"])
    assert found.changes[0].startswith("processor was another, is ")
    edit(stored, "result.json", metrics={**metrics, "map": metrics["map"] - 1.1 * found.tolerance})
    far = verified(out)
    assert not far.passed
    assert "more than" in far.verdict


def test_the_tolerance_is_never_less_than_two_hundredths(out: Path) -> None:
    stored = cell(out)
    where = {**stored.result["provenance"], "threads": 1, "packages": {"torch": "2.0"}}
    edit(stored, "result.json", provenance=where, metrics={**stored.result["metrics"], "map_stderr": 1e-6})
    found = verified(out)
    assert found.tolerance == 0.02
    assert any(change.startswith("torch was 2.0, is ") for change in found.changes)


def test_what_ran_on_a_gpu_is_not_expected_bit_by_bit(out: Path) -> None:
    stored = cell(out)
    gpu = {"name": "A GPU", "cuda": "13.0", "cudnn": 1}
    edit(stored, "result.json", provenance={**stored.result["provenance"], "device": "cuda:0", "gpu": gpu})
    found = verified(out)
    assert found.expected == "within"
    assert found.passed


def test_what_was_trained_with_others_is_not_expected_bit_by_bit(out: Path) -> None:
    stored = cell(out)
    edit(stored, "result.json", provenance={**stored.result["provenance"], "trained_together": 3})
    found = verified(out)
    assert found.expected == "within"
    assert "in one pass with other cells" in found.why
    assert found.passed


def test_it_runs_with_as_many_threads_as_then(out: Path) -> None:
    stored, now = cell(out), torch.get_num_threads()
    edit(stored, "result.json", provenance={**stored.result["provenance"], "threads": 2})
    assert not any("threads" in change for change in verified(out).changes)
    assert torch.get_num_threads() == now


def test_a_second_run_that_fails_is_told(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry("method"), "_entries", dict(registry("method").entries()))
    (tmp_path / "luckless.py").write_text(
        "import torch\nfrom bench.plugins import PluginInfo\nfrom bench.plugins.method import Method\n"
        'INFO = PluginInfo(name="luckless", summary="fails")\n'
        "class Luckless(Method):\n"
        "    def make_centers(self):\n        return torch.ones(self.task.num_classes, self.task.bits)\n"
        "    def loss(self, relaxed, targets):\n        raise RuntimeError('out of luck')\n"
    )
    good = cell(out)
    other = good.cell.model_copy(update={"method": "luckless", "method_version": 1, "method_config": {}})
    stored = Store(out).write(other, good.result, good.arrays())
    with pytest.raises(BenchError, match=r"'luckless', which is not here: .*--plugin FILE"):
        job_again(stored, out.parent / VECTORS)
    job = job_again(stored, out.parent / VECTORS, plugins=[tmp_path / "luckless.py"])
    found = reproduce(job, stored)
    assert not found.passed
    assert "out of luck" in found.verdict
    assert found.map_again is None


def test_a_cell_is_found_by_id_first_digits_or_folder(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = cell(out, "crh")
    for text in (stored.cell.id, stored.cell.id[:6], stored.path.name, str(stored.path)):
        assert find_cell(text, out).cell.id == stored.cell.id
    monkeypatch.chdir(out.parent)
    assert find_cell(f"out/cells/{stored.path.name}/", Path("elsewhere")).cell.id == stored.cell.id


def test_a_cell_that_is_not_meant_clearly(out: Path) -> None:
    with pytest.raises(BenchError, match=r"cell 'zz' in .* is not there: give an id, the first digits"):
        find_cell("zz", out)
    with pytest.raises(BenchError, match="is not there"):
        find_cell("", out)
    twin = cell(out).cell.model_copy(update={"dataset_label": "twin"})
    Store(out).write(twin, cell(out).result, {})
    with pytest.raises(BenchError, match=rf"2 cells of .* are meant by '{twin.id}'"):
        find_cell(twin.id, out)
    (cell(out, "crh").path / "result.json").write_text("[]")
    name = next(p.name for p in (out / "cells").iterdir() if ".crh." in p.name)
    with pytest.raises(BenchError, match="is not whole: run it again"):
        find_cell(name, out)


def test_a_failed_cell_has_nothing_to_compare_with(out: Path) -> None:
    edit(cell(out), "result.json", status="failed", reason="out of luck")
    with pytest.raises(BenchError, match=r"failed when it was run \(out of luck\): run it again first"):
        find_cell(cell(out).cell.id, out)


def changed(stored: StoredCell, **fields: Any) -> StoredCell:
    """Another cell, in a folder of its name."""
    other = Cell(**{**stored.cell.model_dump(mode="json"), **fields})
    return dataclasses.replace(stored, cell=other, path=stored.path.with_name(other.folder))


def test_what_is_not_as_it_was_is_refused_in_one_sentence(out: Path) -> None:
    stored, data = cell(out), out.parent / VECTORS
    cases = [
        (dataclasses.replace(stored, cell=changed(stored, seed=5).cell), {}, "has the id .*, not that of its folder"),
        (changed(stored, method="gone"), {}, "was run with the method 'gone', which is not here: install the package"),
        (changed(stored, dataset="gone"), {}, "was run with the dataset 'gone', which is not here"),
        (changed(stored, method_version=9), {}, r"csq is version \d here, and .* was run with version 9: .*of commit"),
        (changed(stored, fingerprint="0" * 64), {}, r"is not what the cell was run on \(its fingerprint differs\)"),
        (stored, {"root": None}, "needs its data: say where it is with --data-root or"),
        (stored, {"root": data.with_name("x.npz")}, "there is nothing at .*x.npz"),
        (stored, {"plugins": [data.with_name("x.py")]}, "there is no file .*x.py"),
        (changed(stored, weights="sha256:12"), {}, r"from a file of weights \(sha256:12\): give it with --weights"),
    ]  # fmt: skip
    for other, options, message in cases:
        with pytest.raises(BenchError, match=message):
            job_again(other, **{"root": data, **options})


def test_data_that_has_changed(out: Path) -> None:
    vectors(out.parent / VECTORS, shift=1.0)
    with pytest.raises(BenchError, match="its fingerprint differs"):
        job_again(cell(out), out.parent / VECTORS)


def test_weights_are_known_by_their_digest(out: Path, tmp_path: Path) -> None:
    for name in ("right", "wrong"):
        (tmp_path / f"{name}.pth").write_text(name)
    digest = "sha256:27042f4e6eca7d0b"  # of "right"
    glyphs = {"dataset": "glyphs", "dataset_config": {"classes": 4}, "backbone": "resnet18", "regime": "finetune"}
    stored = changed(cell(out), weights=digest, **glyphs)
    with pytest.raises(BenchError, match=rf"began from the weights {digest}; .*wrong.pth is sha256:\w+ here"):
        job_again(stored, weights=str(tmp_path / "wrong.pth"))
    with pytest.raises(BenchError, match="there are no weights at"):
        job_again(stored, weights=str(tmp_path / "none.pth"))
    with pytest.raises(BenchError, match="its fingerprint differs"):  # the weights are right
        job_again(stored, weights=str(tmp_path / "right.pth"))
    with pytest.raises(BenchError, match="imagenet is resnet18-f37072fd here"):
        job_again(changed(cell(out), weights="resnet18-5c106cde", **glyphs))


@given(st.data(), st.integers(1, 20), st.integers(1, 70))
def test_equal_bits_are_counted_as_by_hand(data: st.DataObject, rows: int, bits: int) -> None:
    codes = [data.draw(hnp.arrays(bool, (rows, bits))) for _ in range(2)]
    one, two = (np.packbits(c, axis=1) for c in codes)
    expected = (unpack(one, bits) == unpack(two, bits)).sum() / (rows * bits)
    assert equal_bits(one, two, bits) == pytest.approx(expected, abs=1e-15)
    assert equal_bits(one, one, bits) == 1.0
    assert equal_bits(one, two[:-1], bits) == 0.0
