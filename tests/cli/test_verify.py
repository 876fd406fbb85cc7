"""`bench verify` from outside: what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.sentences import sentence


def spoil(cell: Path) -> None:
    """All its query codes are others now."""
    with np.load(cell / "arrays.npz") as file:
        arrays = dict(file)
    np.savez(cell / "arrays.npz", **{**arrays, "query_codes": ~arrays["query_codes"]})


def test_pass_and_fail(here, cell: Path, tmp_path: Path) -> None:
    name = cell.name.rpartition(".")[2]
    done = here("verify", name[:8], check=0)
    assert done.stdout.splitlines()[0] == f"glyphs@default csq 8 bits seed 0, cell {name}"
    assert done.stdout.count("100% of the bits are equal") == 2
    assert "identical bits: the same kind of machine" in done.stdout
    assert done.stdout.splitlines()[-1] == "pass: all bits and the mAP are the same"
    spoil(cell)
    done = here("verify", str(cell.relative_to(tmp_path)), check=1)
    assert "query codes     0.0000% of the bits are equal" in done.stdout
    assert done.stdout.splitlines()[-1] == "fail: bits or mAP differ where none should"
    assert done.stderr == ""


def test_json_for_a_program(here, cell: Path, tmp_path: Path) -> None:
    (tmp_path / "results").rename(tmp_path / "elsewhere")
    spoil(tmp_path / "elsewhere" / "cells" / cell.name)
    found = json.loads(here("verify", cell.name, "--out", "elsewhere", "--tolerance", "0.01", "--json", check=0).stdout)
    assert found["passed"] is True
    assert found["query_bits"] == 0.0
    assert found["database_bits"] == 1.0
    assert found["map_again"] == found["map_stored"]
    assert found["tolerance"] == 0.01


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["zzz"], "cell 'zzz' in results is not there: give an id"),
        (["CELL", "--tolerance", "2"], "--tolerance 2 is no difference of mAP: give one from 0 to 1"),
        (["CELL", "--device", "tpu"], "there is no device 'tpu'"),
        (["CELL", "--weights", "none.pth"], "there are no weights at none.pth"),
        (["CELL", "--plugin", "none.py"], "there is no file"),
    ],
)
def test_mistakes(here, cell: Path, options: list[str], message: str) -> None:
    words = [cell.name if option == "CELL" else option for option in options]
    assert message in sentence(here("verify", *words, check=2))
