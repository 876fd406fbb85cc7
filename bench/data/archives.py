"""Python pickles of published datasets, read without trusting them: no code in them is ever called."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path
from typing import IO, Any, cast

from bench.errors import DataError

_MOST_BYTES = 1 << 30  # of a member; the largest of the two CIFAR archives has 155 million
# What a dict of NumPy arrays, lists, bytes and numbers is made of, under NumPy's old and new names.
_ALLOWED = {
    *((f"numpy.{core}.{module}", name) for core in ("core", "_core")
      for module, name in (("multiarray", "_reconstruct"), ("multiarray", "scalar"), ("numeric", "_frombuffer"))),
    ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"),
}  # fmt: skip


class _Data(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which plain data does not need")
        return super().find_class(module, name)


def unpickle_data(content: bytes, name: str) -> Any:
    """Plain data in a pickle; text that Python 2 wrote is bytes, as are the keys of its dicts.

    Raises:
        DataError: it is cut, or it asks for anything beyond NumPy arrays and plain containers.
    """
    try:
        return _Data(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # a hostile or broken pickle can raise anything
        why = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{name} is refused: {why}: get the archive again from its source.") from None


def read_members(path: Path, folder: str, members: list[str]) -> dict[str, bytes]:
    """Files of an unpacked folder or of a tar archive, read into memory; nothing is extracted to disk.

    Args:
        path: the folder itself, or a .tar or .tar.gz that holds `folder`.
        members: file names in `folder`.

    Raises:
        DataError: one is missing, no plain file or far too large, or the archive is cut.
    """
    try:
        if path.is_dir():
            return {member: (path / member).read_bytes() for member in members}
        with tarfile.open(path) as archive:
            return {member: _content(archive, f"{folder}/{member}") for member in members}
    except Exception as error:  # a damaged archive makes its decompressor raise anything
        why = " ".join(str(error).split())
        raise DataError(f"{path} cannot be read ({why}): it must hold {', '.join(members)} of {folder}.") from None


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.getmember(name)
    if not member.isreg() or member.size > _MOST_BYTES:
        raise ValueError(f"{name} is no plain file" if not member.isreg() else f"{name} unpacks to {member.size} bytes")
    with cast(IO[bytes], archive.extractfile(member)) as file:  # None for what is no plain file only
        return file.read()
