"""Archives of results: the same bytes for the same results, and nothing foreign gets past the checks."""

from __future__ import annotations

import io
import json
import shutil
import stat
import warnings
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import StoreError
from bench.storage.archive import Archive, without_places, write_archive
from bench.storage.cell import Cell
from bench.storage.checked import can_be_shared
from bench.storage.store import SCHEMA, Store, StoredCell

CELL = Cell(
    dataset="glyphs", dataset_label="glyphs", split="default", dataset_config={}, fingerprint="abc", num_classes=5,
    multi_label=False, counts={"train": 8, "query": 3, "database": 7}, method="crh", method_label="crh",
    method_config={"margin": 0.2}, method_version=1, bits=12, seed=0, regime="quick", settings="matched",
    backbone="small-cnn", weights="scratch", train={},
)  # fmt: skip
AP = np.array([0.25, 0.5, 1.0])
RESULT: dict[str, Any] = {
    "status": "ok", "reason": None, "traceback": None, "metrics": {"map": float(AP.mean()), "map_stderr": 0.2},
    "audit": {}, "history": [{"loss": 1.5}], "notes": [], "seconds": {"training": 1.0, "total": 1.0},
    "provenance": {"command": "bench run"}, "classes": {"names": list("abcde"), "paths": None},
}  # fmt: skip
ARRAYS: dict[str, np.ndarray] = {
    "query_codes": np.zeros((3, 2), np.uint8), "database_codes": np.ones((7, 2), np.uint8),
    **{f"centers_{when}": np.ones((5, 12), np.int8) for when in ("used", "final", "initial")}, "ap": AP,
    "query_labels": np.zeros(3, np.uint8), "database_labels": np.zeros(7, np.uint8),
    "ranks": np.array([1, 2, 5, 7]), "rank_precision": np.ones(4), "rank_recall": np.ones(4),
    "radius_precision": np.ones(13), "radius_recall": np.ones(13),
    "relevant_distances": np.zeros(13, np.int64), "other_distances": np.zeros(13, np.int64),
}  # fmt: skip
FAILED = {**RESULT, "status": "failed", "reason": "out of luck", "metrics": {}, "history": []}


def stored(out: Path, result: dict[str, Any] = RESULT, arrays: dict[str, Any] = ARRAYS, **fields: Any) -> StoredCell:
    cell = Cell(**{**CELL.model_dump(), **fields})
    return Store(out).write(cell, result, arrays if result["status"] == "ok" else {})


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Of one finished and one failed cell."""
    cells = [stored(tmp_path / "out"), stored(tmp_path / "out", FAILED, seed=1)]
    write_archive(cells, tmp_path / "study.zip")
    return tmp_path / "study.zip"


def extract(archive: Path, folder: Path) -> list[StoredCell]:
    folder.mkdir()
    return list(Archive(archive).extract(folder))


def test_cells_come_out_as_they_went_in(archive: Path, tmp_path: Path) -> None:
    found = extract(archive, tmp_path / "there")
    assert {s.cell.id for s in found} == {s.cell.id for s in Store(tmp_path / "out").read_all()}
    for each in found:
        for name in ("cell.json", "result.json", "arrays.npz"):
            original = tmp_path / "out" / "cells" / each.path.name / name
            assert (each.path / name).read_bytes() == original.read_bytes()
            assert stat.S_IMODE((each.path / name).stat().st_mode) & 0o111 == 0


def test_the_same_results_are_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "out", tmp_path / "copy")
    cells = Store(tmp_path / "copy").read_all()[::-1]
    manifest = write_archive(cells, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()
    write_archive(cells, archive)  # an archive that is there is replaced
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()
    assert manifest["counts"] == {"cells": 2, "finished": 1, "failed": 1}
    assert manifest["methods"] == {"crh": 1}
    assert len(manifest["files"]) == 6
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.zip", "copy", "out", "study.zip"]


def test_another_file_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(StoreError, match=r"thesis.tex is there and no archive of results: choose another name"):
        write_archive([stored(tmp_path / "out")], tmp_path / "thesis.tex")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        write_archive([stored(tmp_path / "out")], tmp_path / "file" / "study.zip")


def test_a_traceback_does_not_tell_where_files_are(tmp_path: Path) -> None:
    text = (
        'Traceback (most recent call last):\n  File "/home/jane/secret-project/bench/experiment.py", line 3, in run\n'
        '  File "/home/jane/env/lib/python3.12/site-packages/torch/nn/modules/module.py", line 9, in call\n'
        '  File "/usr/lib/python3.12/json/decoder.py", line 1, in loads\n  File "<string>", line 1\n'
        '  File "C:\\Users\\jane\\my\\method.py", line 2, in loss\n'
        "FileNotFoundError: '/home/jane/data/cars/1.jpg', /Users/jane/x, C:\\Users\\jane\\y and /root/z"
    )
    hidden = without_places(text)
    assert hidden is not None
    assert "jane" not in hidden
    assert hidden.splitlines()[1:] == [
        '  File "bench/experiment.py", line 3, in run',
        '  File "torch/nn/modules/module.py", line 9, in call',
        '  File "json/decoder.py", line 1, in loads',
        '  File "<string>", line 1',
        '  File "my/method.py", line 2, in loss',
        "FileNotFoundError: '~/data/cars/1.jpg', ~/x, ~\\y and ~/z",
    ]
    assert without_places(hidden) == hidden
    result = {**FAILED, "traceback": text, "provenance": {"command": "bench run --data-root /home/jane/data"}}
    write_archive([stored(tmp_path / "out", result)], tmp_path / "study.zip")
    assert b"jane" not in (tmp_path / "study.zip").read_bytes()
    (shared,) = extract(tmp_path / "study.zip", tmp_path / "there")
    assert shared.result["provenance"]["command"] == "bench run --data-root ~/data"
    assert {**shared.result, "traceback": 0, "provenance": 0} == {
        **result,
        "schema": SCHEMA,
        "traceback": 0,
        "provenance": 0,
    }


PIECES = ["/home/", "jane", "/root", "/", 'File "', '"', "C:\\Users\\", "site-packages/", "~", "\n", " "]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_places_are_hidden_once_and_for_all(text: str) -> None:
    hidden = without_places(text)
    assert without_places(hidden) == hidden


# What a hostile or damaged archive may hold. Each is written with a list of files that fits, as its maker could.

Files = dict[str, bytes]


def rewritten(archive: Path, change: Callable[[Files, dict[str, Any]], None], **entry: Any) -> Path:
    """The archive with other files, with the manifest changed after it was made to fit, with odd entries."""
    with zipfile.ZipFile(archive) as old:
        files = {name: old.read(name) for name in old.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    change(files, manifest)
    listed = {name: {"bytes": len(c), "sha256": sha256(c).hexdigest()} for name, c in files.items()}
    manifest = {**manifest, "files": {**listed, **manifest.get("instead", {})}}
    new = archive.with_name("changed.zip")
    with zipfile.ZipFile(new, "w") as target:
        for name, content in [*files.items(), ("manifest.json", json.dumps(manifest).encode())]:
            info = zipfile.ZipInfo(name)
            for key, value in entry.items():
                setattr(info, key, value)
            target.writestr(info, content)
    return new


def only(files: Files, ending: str, ok: bool = True) -> str:
    """Name of a file of the finished (or failed) cell."""
    (name,) = (n for n in files if n.endswith(ending) and (".s0." in n) == ok)
    return name


def edited(ending: str, **changes: Any) -> Callable[[Files, dict[str, Any]], None]:
    def change(files: Files, _: dict[str, Any]) -> None:
        name = only(files, ending)
        files[name] = json.dumps(json.loads(files[name]) | changes).encode()

    return change


def arrays(**changes: Any) -> Callable[[Files, dict[str, Any]], None]:
    def change(files: Files, _: dict[str, Any]) -> None:
        buffer = io.BytesIO()
        np.savez(buffer, **{k: v for k, v in (ARRAYS | changes).items() if v is not None})
        files[only(files, "arrays.npz")] = buffer.getvalue()

    return change


def renamed(old: str, new: str) -> Callable[[Files, dict[str, Any]], None]:
    def change(files: Files, _: dict[str, Any]) -> None:
        for name in list(files):
            files[name.replace(old, new)] = files.pop(name)

    return change


def manifest(**changes: Any) -> Callable[[Files, dict[str, Any]], None]:
    return lambda _, found: found.update(changes)


def put(name: str, content: bytes) -> Callable[[Files, dict[str, Any]], None]:
    return lambda files, _: files.update({name: content})


def replaced(ending: str, content: bytes) -> Callable[[Files, dict[str, Any]], None]:
    return lambda files, _: files.update({only(files, ending): content})


def removed(ending: str) -> Callable[[Files, dict[str, Any]], None]:
    return lambda files, _: files.pop(only(files, ending)) and None  # type: ignore[return-value]


def bomb(files: Files, _: dict[str, Any]) -> None:
    """An array of 4 GiB of zeros in few bytes, its header true."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (2**32,)})
    buffer = io.BytesIO()
    np.savez(buffer, **ARRAYS)
    with zipfile.ZipFile(buffer, "a") as target:
        target.writestr("zeros.npy", header.getvalue() + bytes(100), zipfile.ZIP_DEFLATED)
        target.filelist[-1].file_size = len(header.getvalue()) + 2**32  # as its list of files claims
    files[only(files, "arrays.npz")] = buffer.getvalue()


def no_query(files: Files, _: dict[str, Any]) -> None:
    """A cell that has measured nothing and claims a mAP."""
    cell = CELL.model_copy(update={"counts": {**CELL.counts, "query": 0}})
    of_none = {name: array[:0] for name, array in ARRAYS.items() if name in ("query_codes", "query_labels", "ap")}
    buffer = io.BytesIO()
    np.savez(buffer, **{**ARRAYS, **of_none})
    files[only(files, "arrays.npz")] = buffer.getvalue()
    files[only(files, "cell.json")] = cell.model_dump_json().encode()
    renamed(CELL.folder, cell.folder)(files, {})


def renamed_label(label: str) -> Callable[[Files, dict[str, Any]], None]:
    """A cell whose folder and settings agree on a name that leads elsewhere."""

    def change(files: Files, _: dict[str, Any]) -> None:
        edited("cell.json", dataset_label=label)(files, {})
        renamed("glyphs.crh.12b.s0", f"{label}.crh.12b.s0")(files, {})

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("../evil.txt", b""), "holds '../evil.txt', which is no file of a cell"),
        (put("/etc/passwd", b""), "holds '/etc/passwd', which is no file of a cell"),
        (put("cells/x/evil.py", b""), "holds 'cells/x/evil.py', which is no file of a cell"),
        (put("cells/../cell.json", b""), "holds 'cells/../cell.json', which is no file of a cell"),
        (put("cells/.x/cell.json", b""), "holds 'cells/.x/cell.json', which is no file of a cell"),
        (put("cells/a\x1b[2J/cell.json", b""), "which is no file of a cell"),
        (put("cells/C:x/cell.json", b""), "which is no file of a cell"),
        (put("cells/x/cell.json", b"{}"), "a cell in it has not all of its three files"),
        (removed("result.json"), "a cell in it has not all of its three files"),
        (renamed_label(".."), "which is no file of a cell"),
        (renamed_label("a\u202eb"), "which is no file of a cell"),
        (manifest(counts={"cells": 3}), "a cell in it has not all of its three files"),
        (manifest(counts={}), "has no list of files that can be read"),
        (manifest(instead={"cells/y/cell.json": {"sha256": ""}}), "list of files and what is in it disagree"),
        (manifest(instead={"cells/y/cell.json": 3}), "has no list of files that can be read"),
        (manifest(format=2), "of format version 2, here it is 1: .*use bench 0.1.0, which wrote it"),
        (manifest(identity=2), "of identity version 2, here it is 1"),
        (manifest(schema=0), "of schema version 0, here it is 2"),
        (edited("cell.json", seed=5), "has settings of the id .*, which is not that of its name"),
        (edited("cell.json", method_config={}), "has settings of the id .*, which is not that of its name"),
        (edited("cell.json", surprise=1), r"has a cell.json that this version cannot read \(surprise\)"),
        (edited("cell.json", split="a\nb"), "has a name that cannot be printed or be that of a folder"),
        (replaced("cell.json", b"[" * 10**5), "has a cell.json that this version cannot read"),
        (replaced("result.json", b"[" * 10**5), "has a result.json that is no proper JSON"),
        (replaced("result.json", b'{"schema": NaN}'), "has a result.json that is no proper JSON"),
        (replaced("result.json", b"\xff"), "has a result.json that is no proper JSON"),
        (edited("result.json", schema=3), "has a result of schema 3, here it is 2"),
        (edited("result.json", status="great"), "has a result.json without a proper status"),
        (edited("result.json", seconds={}), "has a result.json without the time it took"),
        (edited("result.json", metrics={}), "has a result.json without a mAP"),
        (edited("result.json", metrics={"map": "high", "map_stderr": 0.1}), "has a result.json without a mAP"),
        (edited("result.json", metrics={**RESULT["metrics"], "map": 0.9}), "claims a mAP of 0.9000, but .*0.5833"),
        (edited("result.json", notes=[1]), "has a result.json without a proper notes"),
        (replaced("arrays.npz", b"no zip"), "has an arrays.npz that is damaged"),
        (arrays(ap=None), "has no array ap"),
        (arrays(ap=AP[:2]), r"has ap of \(2,\), but its settings ask for \(3,\)"),
        (arrays(ap=AP + 1), "has values of AP that cannot be"),
        (arrays(ap=AP * np.nan), "has values of AP that cannot be"),
        (arrays(query_codes=np.zeros((3, 1), np.uint8)), r"has query_codes of \(3, 1\), but its settings ask for"),
        (arrays(centers_used=np.ones((5, 12), np.float32)), "has centers_used of"),
        (arrays(more=np.array([{}], dtype=object)), "has an array that is refused: it holds Python objects"),
        (no_query, "claims a mAP of no query at all"),
        (bomb, r"has arrays of 4.0 GiB, more than any study's"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_refused(archive: Path, tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        extract(rewritten(archive, change), tmp_path / "there")
    assert "nothing of it was used" in str(caught.value) or "not comparable" in str(caught.value)
    assert "\n" not in str(caught.value)
    names = {p.name for p in (tmp_path / "there").rglob("*") if p.is_file()}
    assert names <= {"cell.json", "result.json", "arrays.npz"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["changed.zip", "out", "study.zip", "there"]


def test_links_and_compressed_files_are_refused(archive: Path) -> None:
    for entry in ({"external_attr": (stat.S_IFLNK | 0o777) << 16}, {"compress_type": zipfile.ZIP_DEFLATED}):
        with pytest.raises(StoreError, match="is a link, encrypted or compressed"):
            Archive(rewritten(archive, lambda files, found: None, **entry))


def test_an_archive_that_claims_more_than_it_holds(archive: Path) -> None:
    """Entries that overlap: each file's bytes are those of the first."""
    content = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        entries = opened.infolist()
    largest = max(entry.file_size for entry in entries)
    start = content.rindex(b"PK\x05\x06") - sum(46 + len(e.filename) for e in entries)
    for entry in entries:
        content[start + 20 : start + 28] = (largest * 100).to_bytes(4, "little") * 2
        start += 46 + len(entry.filename)
    archive.write_bytes(content)
    with pytest.raises(StoreError, match="claim to be larger than it is"):
        Archive(archive)


def test_a_name_twice(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        name = opened.namelist()[0]
        opened.writestr(zipfile.ZipInfo(name), b"another")
    with pytest.raises(StoreError, match="which is no file of a cell"):
        Archive(archive)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(StoreError, match="is no archive of results"):
        Archive(tmp_path / "x.zip")
    with pytest.raises(StoreError, match="there is no file"):
        Archive(tmp_path / "y.zip")


@given(data=st.data())
def test_one_byte_that_is_changed_or_a_cut_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    original = [stored(folder / "out"), stored(folder / "out", FAILED, seed=1)]
    write_archive(original, folder / "x.zip")
    content = bytearray((folder / "x.zip").read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
    (folder / "x.zip").write_bytes(content)
    try:
        found = extract(folder / "x.zip", folder / "there")
    except StoreError:
        return
    # A byte that decides nothing: a date, a version. What came out is what went in.
    assert [s.result for s in found] == [s.result for s in sorted(original, key=lambda s: s.cell.folder)]
    for one, two in zip(found, sorted(original, key=lambda s: s.cell.folder), strict=True):
        assert one.cell == two.cell
        assert all(np.array_equal(a, two.arrays()[name]) for name, a in one.arrays().items())


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".a", "a/b", "a\\b", "a:b", "a\nb", "a\0b", " a", "x" * 241, "é" * 121]
)
def test_names_that_cannot_be_shared(name: str) -> None:
    assert not can_be_shared(name)


@pytest.mark.parametrize(
    "name", ["glyphs.crh.16b.s0.0123456789abcdef", "Größe 猫.crh+csq-loss.8b.s0.0", "a b", "x" * 240]
)
def test_names_that_can_be_shared(name: str) -> None:
    assert can_be_shared(name)
