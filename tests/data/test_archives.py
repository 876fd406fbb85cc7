import io
import pickle
import tarfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.archives import read_members, unpickle_data
from bench.errors import DataError

CONTENT = {"train": bytes(range(256)) * 40, "meta": b"names"}


def add(archive: tarfile.TarFile, name: str, content: bytes = b"evil", kind: bytes = tarfile.REGTYPE) -> None:
    """A member; of a link, the content is where it leads."""
    info = tarfile.TarInfo(name)
    info.type = kind
    if kind == tarfile.REGTYPE:
        info.size = len(content)
    else:
        info.linkname = content.decode()
    archive.addfile(info, io.BytesIO(content))


def pack(path: Path, *more: tuple[str, bytes, bytes], without: str = "", mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content, kind in more:
            add(archive, name, content, kind)
        for name, content in CONTENT.items():
            if name != without:
                add(archive, f"folder/{name}", content)
    return path


def everything_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_members_of_archives_and_of_folders(tmp_path: Path, mode: str) -> None:
    assert read_members(pack(tmp_path / "a.tar", mode=mode), "folder", ["meta", "train"]) == CONTENT
    for name, content in CONTENT.items():
        (tmp_path / name).write_bytes(content)
    assert read_members(tmp_path, "folder", ["train", "meta"]) == CONTENT


@pytest.mark.parametrize("mode", ["w:bz2", "w:xz"])
def test_what_unfolds_to_a_million_times_its_size_is_refused(tmp_path: Path, mode: str) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_members(pack(tmp_path / "a.tar", mode=mode), "folder", ["meta", "train"])


def test_names_that_lead_out_write_nothing(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    names = ["../evil", "../../evil", f"{tmp_path}/evil", "folder/../../evil", "folder/../evil", "folder/.."]
    path = pack(inner / "a.tar.gz", *((name, b"evil", tarfile.REGTYPE) for name in names))
    before = everything_below(tmp_path)
    assert read_members(path, "folder", list(CONTENT)) == CONTENT
    assert everything_below(tmp_path) == before


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"), (tarfile.SYMTYPE, "../secret"), (tarfile.LNKTYPE, "secret"),
        (tarfile.DIRTYPE, ""), (tarfile.FIFOTYPE, ""), (tarfile.CHRTYPE, ""),
    ],
)  # fmt: skip
def test_what_is_no_plain_file_is_refused(tmp_path: Path, kind: bytes, target: str) -> None:
    (tmp_path / "secret").write_text("secret")
    path = pack(tmp_path / "a.tar", ("folder/train", target.encode(), kind), without="train")
    with pytest.raises(DataError, match=r"a\.tar cannot be read \(folder/train is no plain file\): it must hold train"):
        read_members(path, "folder", list(CONTENT))


def test_a_member_that_unpacks_to_a_huge_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.data.archives._MOST_BYTES", len(CONTENT["train"]) - 1)
    with pytest.raises(DataError, match=r"folder/train unpacks to 10240 bytes"):
        read_members(pack(tmp_path / "a.tar.gz"), "folder", list(CONTENT))


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.tar.gz", pack(tmp_path / "a.tar.gz", without="meta"), tmp_path):
        with pytest.raises(DataError, match=r"cannot be read .*: it must hold train, meta of folder") as caught:
            read_members(path, "folder", list(CONTENT))
        assert "\n" not in str(caught.value)


@settings(max_examples=100)
@given(st.sampled_from(["w", "w:gz", "w:bz2", "w:xz"]), st.data())
def test_no_damage_ends_in_anything_but_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, mode: str, data: st.DataObject
) -> None:
    path = pack(tmp_path_factory.getbasetemp() / "damaged.tar", mode=mode)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(content))
    try:
        read_members(path, "folder", list(CONTENT))
    except DataError as error:
        assert "\n" not in str(error)


def test_plain_pickles_are_read() -> None:
    content = {b"data": np.arange(6, dtype=np.uint8).reshape(2, 3), "names": ["a", "b"], "numbers": [1, 2.5, None]}
    for protocol in range(2, 6):
        found = unpickle_data(pickle.dumps(content, protocol=protocol), "x")
        assert np.array_equal(found.pop(b"data"), content[b"data"])
        assert found == {"names": ["a", "b"], "numbers": [1, 2.5, None]}


@pytest.mark.parametrize(
    "hostile", [b"cos\nsystem\n(S'true'\ntR.", b"cbuiltins\neval\n(S'1'\ntR.", b"cnumpy\nload\n(S'a'\ntR.", b"\x80\x05"]
)
def test_other_pickles_are_refused(hostile: bytes) -> None:
    with pytest.raises(DataError, match=r"^x is refused: .*: get the archive again from its source\.$") as caught:
        unpickle_data(hostile, "x")
    assert "\n" not in str(caught.value)


def calls_of_calls(times: int) -> bytes:
    """Protocol 0: each call of the codec takes what the one before it gave."""
    return b"c_codecs\nencode\n(" * times + b"X\x01\x00\x00\x00x" + b"X\x03\x00\x00\x00hextR" * times + b"."


ARRAY = (
    b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    b"(I1\n(I1000000000\ntcnumpy\ndtype\n(S'u1'\ntRI00\n%stb."
)


@pytest.mark.parametrize(
    "hostile",
    [
        calls_of_calls(30),
        b"\x80\x02Nr\xff\xff\xff\x07.",  # the unpickler would make room for so many things to remember
        b"\x80\x05\x96" + (2**34).to_bytes(8, "little") + b".",  # for so many bytes
        b"cnumpy\nndarray\n(I1000000000\ntR.",
        b"cnumpy\ndtype\n(S'O8'\ntR.",
        ARRAY % b"I1000000000\n",  # a number in the place of values
        ARRAY % b"S'abc'\n",
        b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'S2000000000'\ntRtR.",
    ],
)  # fmt: skip
def test_a_small_pickle_that_asks_for_much_memory_is_refused(hostile: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(DataError, match=r"^x is refused: .*: get the archive again from its source\.$"):
        unpickle_data(hostile, "x")
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_arrays_of_any_kind_come_back_as_they_were() -> None:
    for array in (np.arange(6, dtype=">i2").reshape(2, 3).T, np.array(["a", "bc"]), np.ones(1, np.float32)):
        for protocol in (2, 4, 5):
            found = unpickle_data(pickle.dumps({"a": array, "b": np.float64(1.5)}, protocol), "x")
            assert np.array_equal(found["a"], array)
            assert (found["a"].dtype, found["b"]) == (array.dtype, 1.5)
