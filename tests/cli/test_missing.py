from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bench as library
from bench.errors import DataError

SETS = ("--set", "train.epochs=1", "--set", "train.image_size=16")
TINY = ("--methods", "csq", "--bits", "8", "--regime", "quick", *SETS)
NOTE = "pets: 1 of 20 images is missing or unreadable and left out (cat/0.png)."


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    for c, name in enumerate(("cat", "dog")):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(10):
            pixels = np.random.default_rng([c, i]).integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{i}.png")
    return tmp_path / "pets"


def test_a_damaged_dataset_is_refused_unless_it_is_allowed(here, pets: Path) -> None:
    whole = (pets / "cat" / "0.png").read_bytes()
    (pets / "cat" / "0.png").write_bytes(whole[:50])
    refused = here("run", "--datasets", "./pets", *TINY, check=2)
    assert "1 image of 20 cannot be read" in refused.stderr
    assert "leave them out with --allow-missing" in refused.stderr
    planned = here("plan", "--datasets", "./pets", *TINY, "--allow-missing", check=0)
    assert f"note: {NOTE}\n" in planned.stdout
    ran = here("run", "--datasets", "./pets", *TINY, "--allow-missing", check=0)
    assert f"note: {NOTE}\n" in ran.stdout
    again = here("plan", "--datasets", "./pets", *TINY, "--allow-missing", check=0)
    assert "1 cell: 1 done, 0 to run" in again.stdout
    (pets / "cat" / "0.png").write_bytes(whole)
    mended = here("plan", "--datasets", "./pets", *TINY, "--allow-missing", check=0)
    assert "1 cell: 1 to run" in mended.stdout  # the whole dataset's is another


def test_every_cell_has_the_note_and_its_own_identity(pets: Path, tmp_path: Path) -> None:
    arguments = {
        "methods": ["csq"], "datasets": [str(pets)], "bits": [8], "seeds": [0, 1], "regime": "quick", "reports": False,
        "set": {"train": {"epochs": 1, "image_size": 16}},
    }  # fmt: skip
    whole = library.run(out=tmp_path / "a", **arguments)
    (pets / "cat" / "0.png").write_text("no image")
    with pytest.raises(DataError, match="--allow-missing"):
        library.run(out=tmp_path / "b", **arguments)
    reduced = library.run(out=tmp_path / "b", allow_missing=True, **arguments)
    assert [stored.ok for stored in reduced.cells] == [True, True]
    assert all(NOTE in stored.result["notes"] for stored in reduced.cells)
    assert not any(NOTE in stored.result["notes"] for stored in whole.cells)
    assert not {s.cell.id for s in whole.cells} & {s.cell.id for s in reduced.cells}
    for before, after in zip(whole.cells, reduced.cells, strict=True):
        assert sum(before.cell.counts.values()) == sum(after.cell.counts.values()) + 1


def test_the_choice_may_be_in_a_grid_file(here, pets: Path, tmp_path: Path) -> None:
    (pets / "cat" / "0.png").write_text("no image")
    (tmp_path / "grid.toml").write_text('datasets = ["./pets"]\nallow_missing = true\n')
    assert f"note: {NOTE}\n" in here("plan", "grid.toml", *TINY, check=0).stdout
