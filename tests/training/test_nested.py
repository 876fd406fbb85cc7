import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from bench.training.nested import NotWhole, _checksum, load_nested, save_nested

IMAGES = torch.arange(2 * 3 * 4 * 4.0).reshape(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
STATE = {
    "numbers": [1, 2.5, True, None, float("inf"), "text"],
    "pair": (0.1 + 0.2, ()),
    3: {"half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16), "scalar": torch.tensor(7)},
    "images": IMAGES,
    "transposed": torch.arange(6.0).reshape(2, 3).T,
    "none": torch.empty(0, 4),
    "flags": torch.tensor([True, False]),
    "array": np.arange(6, dtype=np.int16).reshape(2, 3),
    "numpy number": np.int64(4),
    "like a tensor's place": {"tensor": "0", "order": []},
}


def same(a: object, b: object) -> bool:
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b) and a.stride() == b.stride()
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    return a == b


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state"
    save_nested(path, STATE)
    assert same(STATE, load_nested(path))
    assert [file.name for file in path.parent.iterdir()] == ["state"]
    load_nested(path)["images"] += 1  # is not the file's own memory
    assert same(STATE, load_nested(path))


def test_it_is_a_plain_safetensors_file(tmp_path: Path) -> None:
    save_nested(tmp_path / "state", STATE)
    with safe_open(tmp_path / "state", "pt") as file:
        assert json.loads(file.metadata()["state"])["dict"][1] == ["pair", {"tuple": [0.1 + 0.2, {"tuple": []}]}]


@pytest.mark.parametrize("place", [0, 9, 200, 0.5, 0.9, -1])
def test_a_changed_byte_is_found(tmp_path: Path, place: float) -> None:
    path = tmp_path / "state"
    save_nested(path, STATE)
    content = bytearray(path.read_bytes())
    content[int(place * len(content)) if isinstance(place, float) else place] ^= 4
    path.write_bytes(content)
    with pytest.raises(NotWhole):
        load_nested(path)


def test_what_is_no_such_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with pytest.raises(FileNotFoundError):
        load_nested(path)
    save_nested(path, STATE)
    whole = path.read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2], whole[:-1], whole + b"0"):
        path.write_bytes(content)
        with pytest.raises(NotWhole):
            load_nested(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(NotWhole):
        load_nested(path)


def test_what_cannot_be_saved_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    save_nested(path, [1])
    with pytest.raises(TypeError, match=r"a set cannot be saved: tensors, arrays, numbers"):
        save_nested(path, [{1}])
    assert load_nested(path) == [1]
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError):
        save_nested(tmp_path / "file" / "state", [1])


@pytest.mark.parametrize(
    "state",
    [
        '{"tensor": [], "order": [0]}', '{"tensor": "0", "order": [0, 1, 2]}', '{"tensor": "0", "order": 3}',
        '{"array": 3}', '{"dict": [[[], 1]]}', '{"dict": [3]}', '{"tuple": 3}', '{"tensor": "1", "order": []}',
        "[" * 5000, "NaN]",
    ],
)  # fmt: skip
def test_a_state_of_another_form_with_the_right_checksum(tmp_path: Path, state: str) -> None:
    tensors = {"0": torch.ones(2, 3)}
    save_file(tensors, tmp_path / "state", {"state": state, "checksum": str(_checksum(state, tensors))})
    with pytest.raises(NotWhole):
        load_nested(tmp_path / "state")
