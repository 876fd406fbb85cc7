"""A study given away and taken in: the same reports come out, and what must not be mixed is not."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench
from bench.errors import BenchError
from bench.grid.run import write_reports
from bench.storage import exchange
from bench.storage.archive import write_archive
from bench.storage.cell import Cell
from bench.storage.claims import claimed
from bench.storage.exchange import export_results, import_results, same_result
from bench.storage.store import Store, StoredCell


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four finished cells, one of them with a note, and one that failed."""
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    rows = (rng.normal(size=(3, 5))[labels] + rng.normal(size=(60, 5))).astype(np.float32)
    np.savez(folder / "vectors.npz", train_features=rows[:40], train_labels=labels[:40], query_features=rows[40:],
             query_labels=labels[40:])  # fmt: skip
    results = bench.run(
        methods=["crh", "csq"], datasets=[str(folder / "vectors.npz")], bits=[8, 16], out=folder / "out",
        set={"train": {"epochs": 3}}, reports=False,
    )  # fmt: skip
    good = results.cells[0]
    other = Cell(**{**good.cell.model_dump(), "bits": 32})
    failed = {**good.result, "status": "failed", "reason": "RuntimeError: out of luck", "metrics": {}, "history": []}
    Store(folder / "out").write(other, failed, {})
    return folder / "out"


@pytest.fixture
def out(study: Path, tmp_path: Path) -> Path:
    """The same to be changed."""
    shutil.copytree(study, tmp_path / "mine")
    return tmp_path / "mine"


@pytest.fixture
def archive(study: Path, tmp_path: Path) -> Path:
    export_results(study, tmp_path / "study.zip")
    return tmp_path / "study.zip"


def content(out: Path) -> dict[str, bytes]:
    """Every file of every cell, hidden ones too."""
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in sorted(out.glob("cells/**/*")) if p.is_file()}


def cells(out: Path) -> list[StoredCell]:
    return Store(out).read_all()


def edit(stored: StoredCell, **changes: Any) -> None:
    path = stored.path / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def moved(stored: StoredCell, out: Path, **fields: Any) -> StoredCell:
    """The same result as that of another cell."""
    other = Cell(**{**stored.cell.model_dump(), **fields})
    return Store(out).write(other, stored.result, stored.arrays())


def test_reports_of_an_imported_study_are_the_same_bytes(out: Path, tmp_path: Path) -> None:
    export_results(out, tmp_path / "study.zip")
    merged = import_results(tmp_path / "study.zip", tmp_path / "theirs")
    assert (len(merged.added), len(merged.replaced), len(merged.kept)) == (5, 0, 0)
    assert content(tmp_path / "theirs") == content(out)
    ours, theirs = write_reports(out), write_reports(tmp_path / "theirs")
    assert len(ours) > 3
    assert {p.name: p.read_bytes() for p in theirs} == {p.name: p.read_bytes() for p in ours}
    assert "out of luck" in (tmp_path / "theirs" / "results.csv").read_text()


def test_an_export_of_an_import_is_the_same_file(archive: Path, tmp_path: Path) -> None:
    import_results(archive, tmp_path / "theirs")
    export_results(tmp_path / "theirs", tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_a_second_import_changes_nothing(archive: Path, out: Path) -> None:
    before = content(out)
    merged = import_results(archive, out)
    assert (len(merged.added), len(merged.replaced), len(merged.kept)) == (0, 0, 5)
    assert content(out) == before
    assert not list(out.glob(".importing-*"))


def test_the_same_result_of_another_machine_is_no_conflict(archive: Path, out: Path) -> None:
    for stored in cells(out):
        edit(stored, seconds={"total": 99.0}, provenance={"processor": "another"}, traceback="another")
    before = content(out)
    assert len(import_results(archive, out).kept) == 5
    assert content(out) == before


def test_cells_of_two_machines_become_one_study(study: Path, tmp_path: Path) -> None:
    for i, half in enumerate((cells(study)[::2], cells(study)[1::2])):
        write_archive(half, tmp_path / f"{i}.zip")
        import_results(tmp_path / f"{i}.zip", tmp_path / "all")
    assert content(tmp_path / "all") == content(study)


def disagreeing(out: Path) -> StoredCell:
    """One cell of mine now has another result."""
    stored = next(s for s in cells(out) if s.ok)
    arrays = stored.arrays()
    ap = arrays["ap"] * 0.5
    metrics = {**stored.result["metrics"], "map": float(ap.mean())}
    return Store(out).write(stored.cell, {**stored.result, "metrics": metrics}, {**arrays, "ap": ap})


def test_results_that_disagree_are_refused_kept_or_replaced(archive: Path, out: Path, study: Path) -> None:
    changed = disagreeing(out)
    shutil.rmtree(next(s for s in cells(out) if s.cell.method == "csq").path)  # one is to be added
    before = content(out)
    with pytest.raises(
        BenchError, match=r"1 of the 5 cells in .* are in .* with another result \(.*: mAP 0\.\d+ there, 0\.\d+ here\)"
    ):
        import_results(archive, out)
    assert content(out) == before
    kept = import_results(archive, out, "keep")
    assert (len(kept.added), len(kept.replaced), len(kept.kept)) == (1, 0, 4)
    assert content(out)[f"cells/{changed.path.name}/result.json"] == (changed.path / "result.json").read_bytes()
    replaced = import_results(archive, out, "replace")
    assert [s.cell.id for s in replaced.replaced] == [changed.cell.id]
    assert content(out) == content(study)


def test_a_failure_gives_way_to_a_result_and_never_takes_its_place(study: Path, out: Path, tmp_path: Path) -> None:
    good = next(s for s in cells(out) if s.ok)
    failed = {**good.result, "status": "failed", "reason": "x", "metrics": {}}
    Store(tmp_path / "failed").write(good.cell, failed, {})
    export_results(tmp_path / "failed", tmp_path / "failed.zip")
    for conflict in ("refuse", "keep", "replace"):
        before = content(out)
        assert len(import_results(tmp_path / "failed.zip", out, conflict).kept) == 1  # type: ignore[arg-type]
        assert content(out) == before
    export_results(study, tmp_path / "good.zip")
    merged = import_results(tmp_path / "good.zip", tmp_path / "failed")
    assert [s.cell.id for s in merged.replaced] == [good.cell.id]
    assert content(tmp_path / "failed") == content(study)


def test_a_dataset_with_another_name_is_the_same_cell(archive: Path, out: Path) -> None:
    for stored in cells(out):
        if stored.ok:
            moved(stored, out, dataset_label="renamed")
        shutil.rmtree(stored.path)
    before = content(out)
    assert len(import_results(archive, out).kept) == 4
    assert {k: v for k, v in content(out).items() if "renamed" in k} == before


def test_protocols_are_not_mixed(archive: Path, study: Path, tmp_path: Path) -> None:
    first, out = next(s for s in cells(study) if s.ok), tmp_path / "mine"
    other = moved(first, out, train={**first.cell.train, "epochs": 99})
    before = content(out)
    name = "vectors@parts, frozen, matched settings, features"
    said = rf"has results of {name} under the protocol {first.cell.protocol}, .* under {other.cell.protocol}: they must"
    with pytest.raises(BenchError, match=rf"{said} not be mixed; nothing was imported"):
        import_results(archive, out)
    assert content(out) == before
    moved(first, out)
    with pytest.raises(
        BenchError, match=r"under 2 protocols \(\w+, \w+\), which must not be mixed: choose with --proto"
    ):
        export_results(out, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()
    assert export_results(out, tmp_path / "x.zip", [other.cell.protocol])["counts"]["cells"] == 1
    with pytest.raises(BenchError, match="has no cell of protocol 123"):
        export_results(out, tmp_path / "x.zip", ["123"])
    write_archive(cells(out), tmp_path / "mixed.zip")
    with pytest.raises(BenchError, match=r"mixes 2 protocols of vectors@parts, frozen"):
        import_results(tmp_path / "mixed.zip", tmp_path / "empty")
    assert not (tmp_path / "empty").exists()


def test_what_a_reader_can_tell_apart_is_no_mixture(archive: Path, study: Path, tmp_path: Path) -> None:
    first, out = next(s for s in cells(study) if s.ok), tmp_path / "mine"
    for fields in ({"backbone": "other"}, {"settings": "paper"}, {"part": "validation"}, {"split": "other"}):
        moved(first, out, **fields)
    assert len(import_results(archive, out).added) == 5


def test_versions_of_a_method_are_not_mixed(archive: Path, out: Path, tmp_path: Path) -> None:
    newer = [moved(s, out, method_version=s.cell.method_version + 1) for s in cells(out) if s.cell.method == "csq"]
    with pytest.raises(BenchError, match=r"has results of csq of the versions \d and \d, which differ on purpose"):
        export_results(out, tmp_path / "x.zip")
    for stored in cells(out):
        if stored.path not in {s.path for s in newer}:
            shutil.rmtree(stored.path)
    before = content(out)
    with pytest.raises(BenchError, match=r"have results of csq of the versions \d and \d, .*; nothing was imported"):
        import_results(archive, out)
    assert content(out) == before


def test_a_damaged_archive_leaves_the_folder_as_it_was(archive: Path, out: Path, tmp_path: Path) -> None:
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    shutil.rmtree(cells(out)[0].path)
    before = content(out)
    with pytest.raises(BenchError, match="nothing of it was used"):
        import_results(archive, out)
    assert content(out) == before
    assert not list(out.glob(".importing-*"))
    with pytest.raises(BenchError, match="nothing of it was used"):
        import_results(archive, tmp_path / "new" / "deep")
    assert not (tmp_path / "new" / "deep").exists()


def test_a_disk_that_fails_in_the_middle_loses_nothing(
    archive: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disagreeing(out)
    before = content(out)
    rename, calls = Path.rename, []

    def failing(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 2:  # the first has moved what was there out of the way
            raise OSError(28, "No space left on device")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(exchange.Path, "rename", failing)
        with pytest.raises(BenchError, match=r"cannot be written \(No space left on device\)"):
            import_results(archive, out, "replace")
    assert len(calls) == 3
    assert content(out) == before


def test_a_cell_that_is_being_run_is_not_replaced(archive: Path, out: Path) -> None:
    with claimed(out / "cells", cells(out)[0].cell), pytest.raises(BenchError, match="1 of these cells are being run"):
        import_results(archive, out)


def test_nothing_to_share(tmp_path: Path, out: Path) -> None:
    with pytest.raises(BenchError, match=r"there are no results in .*nowhere to share: make some with bench run"):
        export_results(tmp_path / "nowhere", tmp_path / "x.zip")
    first = cells(out)[0]
    shutil.copytree(first.path, first.path.with_name("copy"))
    with pytest.raises(BenchError, match="are the same cell: remove one of them"):
        export_results(out, tmp_path / "x.zip")
    shutil.rmtree(first.path.with_name("copy"))
    moved(next(s for s in cells(out) if s.ok), out, dataset_label="a:b", split="x")
    with pytest.raises(BenchError, match="has a name that not every system can take"):
        export_results(out, tmp_path / "x.zip")


def test_a_folder_that_cannot_be_written(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchError, match="cannot be written"):
        import_results(archive, tmp_path / "file" / "out")


def test_the_same_result_is_that_of_metrics_and_arrays(study: Path) -> None:
    one, two = [s for s in cells(study) if s.ok][:2]
    assert same_result(one, dataclasses.replace(one, result={**one.result, "seconds": {}, "history": []}))
    assert not same_result(one, dataclasses.replace(one, result={**one.result, "metrics": {}}))
    assert not same_result(one, dataclasses.replace(two, result=one.result))
