"""Archives of arrays by other people: whole ones are read, and no other takes memory that it has not brought."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bench.zipfiles import DAMAGED, HeaderError, npz_names, read_header, read_npz
from tests.fuzz.containers import npy, packed

ARRAYS = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.array(["x", "yz"]), "c": np.zeros((0, 4), np.int8)}


def test_arrays_are_those_of_numpy_and_can_be_written_to(tmp_path: Path) -> None:
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **ARRAYS)
        found = read_npz(tmp_path / "a.npz")
        assert list(found) == list(ARRAYS)
        assert all(np.array_equal(found[name], array) and found[name].flags.writeable for name, array in ARRAYS.items())
        assert list(read_npz(tmp_path / "a.npz", ["c", "none"])) == ["c"]


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000,), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '|V0', 'fortran_order': False, 'shape': (3,), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (3,), }",
        "{'descr': ('<i4', (1000000000,)), 'fortran_order': False, 'shape': (3,), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (" + "9" * 400 + ",), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), ",
        "(" * 300,
        "",
    ],
)  # fmt: skip
def test_a_header_that_says_what_cannot_be_is_refused(tmp_path: Path, header: str) -> None:
    (tmp_path / "a.npz").write_bytes(packed({"a.npy": npy(header, b"abc")}))
    tracemalloc.start()
    with pytest.raises(HeaderError):
        read_npz(tmp_path / "a.npz")
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_header_of_the_second_version_is_read() -> None:
    file = io.BytesIO(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", b"", version=2))
    assert read_header(file) == ((2, 3), True, np.dtype("<f4"))


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_unfolds_to_a_million_times_its_size_is_refused(tmp_path: Path, kind: int) -> None:
    array = io.BytesIO()
    np.save(array, np.zeros(2**24, np.uint8))
    (tmp_path / "a.npz").write_bytes(packed({"a.npy": array.getvalue()}, kind))
    tracemalloc.start()
    with pytest.raises(zipfile.BadZipFile, match="neither stored nor deflated"):
        read_npz(tmp_path / "a.npz")
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_file_that_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x05\x06")
    for path in (tmp_path / "a.npz", tmp_path / "missing.npz"):
        with pytest.raises(DAMAGED):
            read_npz(path)


def test_names_are_told_without_the_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **ARRAYS)
    assert npz_names(tmp_path / "a.npz") == set(ARRAYS)
    (tmp_path / "a.npz").write_bytes(b"PK")
    with pytest.raises(DAMAGED):
        npz_names(tmp_path / "a.npz")
