"""`bench pcc` on centers that another program could have written, and on stored cells."""

import json
from pathlib import Path

import numpy as np
import pytest

import bench as library
from tests.cli.sentences import sentence

CENTERS = np.random.default_rng(0).integers(0, 2, (8, 16)).astype(np.int8) * 2 - 1
SET = ["--set", "glyphs.classes=8", "--set", "glyphs.train=3", "--set", "glyphs.query=1", "--set", "glyphs.database=2"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(8, 8))
    np.savez(tmp_path / "centers.npz", centers=CENTERS)
    np.savez(tmp_path / "reference.npz", similarity=noise + noise.T)
    np.savez(tmp_path / "other.npz", codes=CENTERS)
    return tmp_path


def test_it_prints_what_the_library_finds(here, files: Path) -> None:
    done = here("pcc", "centers.npz", "--reference", "reference.npz", *SET, "--json", check=0)
    with np.load(files / "reference.npz") as file:
        expected = library.pcc(CENTERS, file["similarity"])
    found = json.loads(done.stdout)["centers"]["centers.npz"]
    assert found["pcc"] == pytest.approx(expected)
    assert 0 < found["p_value"] <= 1
    assert f"PCC {expected:.4f}" in here("pcc", "centers.npz", "--reference", "reference.npz", *SET, check=0).stdout


def test_a_stored_cell(here, tiny_options, tmp_path: Path) -> None:
    here("run", "--methods", "csq,crh", "--bits", "8", *tiny_options, check=0)
    cells = sorted(str(path) for path in (tmp_path / "results" / "cells").iterdir())
    glyphs = [option for option in tiny_options if "train." not in option]
    pairs = [text for text in glyphs if text.startswith("glyphs.")]
    done = here("pcc", *cells, *[x for text in pairs for x in ("--set", text)], check=0)
    assert done.stdout.count("glyphs.c") == 2
    assert "PCC undefined" in done.stdout  # CSQ with no more classes than bits
    assert "Mantel p" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["other.npz"], "other.npz has no array `centers`"),
        (["nowhere.npz"], "there is no file nowhere.npz"),
        (["centers.npz", "--reference", "trees"], "there is no reference 'trees'"),
        (["centers.npz", "--dataset", "glyfs"], "there is no dataset 'glyfs'"),
        (["centers.npz"], "do not fit"),  # glyphs has 48 classes
    ],
)
def test_mistakes_end_in_one_sentence(here, files: Path, arguments: list[str], message: str) -> None:
    assert message in sentence(here("pcc", *arguments))
