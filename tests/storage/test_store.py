import json
from pathlib import Path

import numpy as np
import pytest

from bench.errors import StoreError
from bench.storage.cell import Cell
from bench.storage.store import Store

CELL = Cell(
    dataset="glyphs", dataset_label="glyphs", split="default", dataset_config={}, fingerprint="abc", num_classes=8,
    multi_label=False, counts={"train": 8, "query": 2, "database": 8}, method="crh", method_label="crh",
    method_config={}, method_version=1, bits=16, seed=0, regime="quick", settings="matched", backbone="small-cnn",
    weights="scratch", train={},
)  # fmt: skip
RESULT = {"status": "ok", "reason": None, "metrics": {"map": 0.5}}
ARRAYS = {"ap": np.array([0.25, 0.75])}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.read(CELL) is None
    store.write(CELL, RESULT, ARRAYS)
    stored = store.read(CELL)
    assert stored is not None
    assert stored.ok
    assert stored.cell == CELL
    assert stored.arrays()["ap"].tolist() == [0.25, 0.75]
    assert list(stored.arrays("ap", "none")) == ["ap"]
    assert stored.arrays("none") == {}
    assert [s.cell.id for s in store.read_all()] == [CELL.id]


@pytest.mark.parametrize("name", ["cell.json", "result.json", "arrays.npz"])
@pytest.mark.parametrize("damage", ["missing", "cut", "foreign"])
def test_a_damaged_cell_is_as_if_it_were_not_there(tmp_path: Path, name: str, damage: str) -> None:
    store = Store(tmp_path)
    file = store.write(CELL, RESULT, ARRAYS).path / name
    content = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"[]")
    assert store.read(CELL) is None
    assert store.read_all() == []
    store.write(CELL, RESULT, ARRAYS)
    assert store.read(CELL) is not None


def test_a_writer_killed_half_way_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.write(CELL, RESULT, ARRAYS)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(np, "savez_compressed", die)
        store.write(CELL, {**RESULT, "metrics": {"map": 0.9}}, ARRAYS)
    stored = store.read(CELL)
    assert stored is not None
    assert stored.result["metrics"] == {"map": 0.5}
    assert len(store.read_all()) == 1
    store.write(CELL, RESULT, ARRAYS)
    assert [p.name for p in store.cells.iterdir()] == [CELL.folder]


def test_a_folder_that_cannot_be_written_is_found_out_before(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written .*choose another with --out"):
        Store(tmp_path / "file" / "out").prepare()


def test_no_pickle_is_written_or_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(ValueError, match="allow_pickle"):
        store.write(CELL, RESULT, {"x": np.array([{}], dtype=object)})
    path = store.write(CELL, RESULT, ARRAYS).path
    np.savez(path / "arrays.npz", ap=np.array([{}], dtype=object))
    with pytest.raises(StoreError, match="damaged"):
        store.read(CELL).arrays()


def test_json_is_the_same_bytes_for_the_same_content(tmp_path: Path) -> None:
    a = Store(tmp_path / "a").write(CELL, RESULT, ARRAYS).path
    b = Store(tmp_path / "b").write(CELL, dict(reversed(RESULT.items())), ARRAYS).path
    for name in ("cell.json", "result.json"):
        assert (a / name).read_bytes() == (b / name).read_bytes()
        json.loads((a / name).read_text())


@pytest.mark.parametrize(
    "content",
    ["[" * 5000, "[]", '{"schema": 2}', '{"schema": 2, "status": "ok"}', '{"schema": 2, "status": "?", "metrics": {}}'],
)
def test_a_result_that_says_nothing_is_none(tmp_path: Path, content: str) -> None:
    store = Store(tmp_path)
    (store.write(CELL, RESULT, ARRAYS).path / "result.json").write_text(content)
    assert store.read(CELL) is None


def test_damaged_arrays_are_told_in_one_sentence(tmp_path: Path) -> None:
    stored = Store(tmp_path).write(CELL, RESULT, ARRAYS)
    path = stored.path / "arrays.npz"
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole.replace(b"PK", b"PX", 1), b""):
        path.write_bytes(content)
        with pytest.raises(StoreError, match=r"arrays\.npz is missing or damaged: remove its folder and run the cell"):
            stored.arrays()
    path.unlink()
    with pytest.raises(StoreError, match="missing"):
        stored.arrays("ap")
