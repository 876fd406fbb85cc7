import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import loadmat, savemat

from bench.data.matfile import read_mat
from bench.errors import DataError

FIELDS = ["bbox_x1", "class", "fname"]
DAMAGED = "cannot be read as a MATLAB file"


def write(path: Path, rows: int = 5, compress: bool = False) -> Path:
    table = np.zeros((1, rows), dtype=[(field, object) for field in FIELDS])
    for i in range(rows):
        table[0, i] = (np.uint16(300 + i), np.uint8(i + 1), f"{i + 1:05d}.jpg")
    names = np.array(["AM General", "Škoda"], dtype=object)
    values = {"other": np.eye(3), "annotations": table, "names": names, "n": np.arange(6.0).reshape(2, 3), "empty": []}
    savemat(path, values, do_compression=compress)
    return path


@pytest.mark.parametrize("compress", [False, True])
def test_values_are_those_that_were_saved(tmp_path: Path, compress: bool) -> None:
    path = write(tmp_path / "a.mat", compress=compress)
    table = read_mat(path, "annotations", ["fname", "class", "absent"])
    assert table["fname"] == [f"{i:05d}.jpg" for i in range(1, 6)]
    assert [v.tolist() for v in table["class"]] == [[i] for i in range(1, 6)]
    assert set(table) == {"fname", "class"}
    assert read_mat(path, "names") == ["AM General", "Škoda"]
    assert read_mat(path, "n").tolist() == [0, 3, 1, 4, 2, 5]  # column by column
    assert len(read_mat(path, "empty")) == 0


def test_it_agrees_with_scipy(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number, kind in enumerate(("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")):
        saved = rng.integers(0, 100, (3, 4)).astype(kind)
        savemat(tmp_path / f"{number}.mat", {"x": saved})
        expected = loadmat(tmp_path / f"{number}.mat")["x"]
        found = read_mat(tmp_path / f"{number}.mat", "x")
        assert np.array_equal(found, expected.flatten(order="F"))


def test_a_file_of_the_other_byte_order(tmp_path: Path) -> None:
    """Written by hand, big-endian: the text 'ab' in UTF-16, its length in the tag ("small element")."""
    body = struct.pack(">IIII", 6, 8, 4, 0) + struct.pack(">IIii", 5, 8, 1, 2)
    body += struct.pack(">HH4s", 1, 1, b"s") + struct.pack(">HH4s", 4, 4, "ab".encode("utf-16-be"))
    file = b"MATLAB 5.0".ljust(124) + b"\1\0MI" + struct.pack(">II", 14, len(body)) + body
    (tmp_path / "a.mat").write_bytes(file)
    assert read_mat(tmp_path / "a.mat", "s") == "ab"


@pytest.mark.parametrize("compress", [False, True])
def test_a_cut_file_is_refused_wherever_it_is_cut(tmp_path: Path, compress: bool) -> None:
    content = write(tmp_path / "a.mat", rows=2, compress=compress).read_bytes()
    path = tmp_path / "cut.mat"
    for length in range(0, len(content) - 8, 11):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=f"{DAMAGED}|has no variable 'empty'") as caught:
            read_mat(path, "empty")
        assert "\n" not in str(caught.value)


@settings(max_examples=100)
@given(st.data())
def test_no_damage_ends_in_anything_but_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.mat"
    content = bytearray(write(path, rows=2).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(124, len(content) - 1))
        content[place] = data.draw(st.sampled_from([*range(20), 255]) | st.integers(0, 255))
    path.write_bytes(bytes(content))
    try:
        read_mat(path, "annotations", FIELDS)
    except DataError as error:
        assert "get it again" in str(error)


def element(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", kind, len(content)) + content + b"\0" * (-len(content) % 8)


def array(*parts: bytes) -> bytes:
    """A file with one array, of these parts."""
    return b"x" * 124 + b"\0\1IM" + element(14, b"".join(parts))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it has no MATLAB 5 header"),
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM", "save it with -v7"),
        (b"<html>404</html>" * 20, "it has no MATLAB 5 header"),
        (b"x" * 124 + b"\0\1IM" + struct.pack("<II", 15, 4) + b"junk", "incorrect header"),
        (b"x" * 124 + b"\0\1IM" + struct.pack("<II", 14, 1 << 31), "cut or damaged"),
        (array(element(7, struct.pack("<f", float("inf")))), "infinity"),
        (array(element(6, struct.pack("<II", 6, 0)), element(5, b"\1\0\0\0" * 33), element(1, b"x")), "damaged"),
    ],
)
def test_another_file_is_explained(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(DataError, match=f"{DAMAGED} .*{message}"):
        read_mat(tmp_path / "a.mat", "x")


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.data.matfile._MAX_UNPACKED", 1 << 20)
    packed = zlib.compress(bytes(1 << 22))
    (tmp_path / "a.mat").write_bytes(b"x" * 124 + b"\0\1IM" + struct.pack("<II", 15, len(packed)) + packed)
    with pytest.raises(DataError, match="larger than 1 MiB"):
        read_mat(tmp_path / "a.mat", "x")


def test_missing_files_and_variables_are_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{DAMAGED} .*No such file"):
        read_mat(tmp_path / "a.mat", "x")
    with pytest.raises(DataError, match="has no variable 'annos'"):
        read_mat(write(tmp_path / "a.mat"), "annos")


def test_what_annotations_do_not_need_is_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"x": np.array([1 + 2j])})
    with pytest.raises(DataError, match="array of class 6"):
        read_mat(tmp_path / "a.mat", "x")
