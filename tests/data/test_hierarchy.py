"""Class trees of other people."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.data.hierarchy import read_hierarchy
from bench.errors import DataError


@pytest.mark.parametrize(
    "content",
    [
        '{"fine": ["cat"], "coarse": [3], "fine_to_coarse": [0]}',
        '{"fine": [["cat"]], "coarse": ["pets"], "fine_to_coarse": [0]}',
        '{"fine": [3], "coarse": ["pets"], "fine_to_coarse": [0]}',
        '{"fine": ["cat"], "coarse": ["pets"], "fine_to_coarse": ["0"]}',
        '{"cat": {"a": 3}}',
        '{"a": ' * 5000,
        "[]",
    ],
)
def test_another_form_ends_in_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "tree.json").write_text(content)
    with pytest.raises(DataError, match=r"tree\.json is no class tree \("):
        read_hierarchy(tmp_path / "tree.json", ["cat"])
