from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bench.errors import ConfigError, DataError
from bench.grid.job import open_dataset

CHARACTERS = {"images_background": {"Greek": 3, "Latin": 2}, "images_evaluation": {"Oriya": 2}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Seven characters by 20 drawers, 1-bit PNGs as in the archives."""
    number = 0
    for side, alphabets in CHARACTERS.items():
        for alphabet, count in alphabets.items():
            for c in range(1, count + 1):
                number += 1
                folder = tmp_path / "python" / side / alphabet / f"character{c:02d}"
                folder.mkdir(parents=True)
                for drawer in range(1, 21):
                    image = Image.new("1", (15, 15), 1)
                    ImageDraw.Draw(image).line((number, 0, drawer % 15, 14), fill=0)
                    image.save(folder / f"{number:04d}_{drawer:02d}.png")
    return tmp_path


def drawers(dataset, part: str) -> dict[str, set[int]]:
    """Alphabet -> drawers of a part."""
    found = defaultdict(set)
    for row in getattr(dataset.split, part):
        file = dataset.files[row]
        found[file.parent.parent.name].add(int(file.stem[-2:]))
    return dict(found)


def test_no_drawer_of_an_alphabet_is_in_two_parts(root: Path) -> None:
    dataset = open_dataset("omniglot", {}, "drawers", root)
    parts = [drawers(dataset, part) for part in ("train", "query", "database")]
    for alphabet in ("Greek", "Latin", "Oriya"):
        assert [len(part[alphabet]) for part in parts] == [8, 4, 8]
        assert set.union(*(part[alphabet] for part in parts)) == set(range(1, 21))
    for rows, count in ((dataset.split.train, 8), (dataset.split.query, 4), (dataset.split.database, 8)):
        assert np.bincount(dataset.labels[rows]).tolist() == [count] * 7
    assert parts[0]["Greek"] != parts[0]["Latin"]


def test_checksums_are_those_of_the_archives_beside_it(root: Path) -> None:
    assert open_dataset("omniglot", {}, "drawers", root).published_checksums() == {
        root / "python" / "images_background.zip": "md5:68d2efa1b9178cc56df9314c21c6e718",
        root / "python" / "images_evaluation.zip": "md5:6b91aef0f799c5bb55b94e3f2daec811",
    }


def test_classes_tree_and_images(root: Path) -> None:
    dataset = open_dataset("omniglot", {}, "drawers", root)
    assert dataset.class_names[:4] == (
        "Greek/character01", "Greek/character02", "Greek/character03", "Latin/character01",
    )  # fmt: skip
    assert dataset.hierarchy.paths[5] == ("Oriya", "Oriya/character01")
    assert (dataset.flip_safe, dataset.native_size) == (False, 105)
    small = open_dataset("omniglot", {"size": 15}, "drawers", root)
    images = small.images(224)
    assert images.shape == (140, 15, 15, 3)
    for row in (0, 77, 139):
        assert np.array_equal(images[row, :, :, 1], 255 * np.asarray(Image.open(small.files[row])))
    assert small.fingerprint() != dataset.fingerprint()


def test_the_seed_decides_and_parts_leave_the_other_drawers_alone(root: Path) -> None:
    first, again = (open_dataset("omniglot", {}, "drawers", root) for _ in range(2))
    other = open_dataset("omniglot", {"split_seed": 1}, "drawers", root)
    half = open_dataset("omniglot", {"part": "background"}, "drawers", root / "python")
    assert first.fingerprint() == again.fingerprint()
    assert drawers(first, "query") != drawers(other, "query")
    assert drawers(half, "query") == {k: v for k, v in drawers(first, "query").items() if k != "Oriya"}
    assert half.num_classes == 5


def test_the_whole_archive_by_counts() -> None:
    from bench.plugins import registry

    module = __import__(registry("dataset").entry("omniglot").module, fromlist=["_split"])
    alphabet = np.repeat(np.arange(1623) % 50, 20)  # label-only: 50 alphabets, 1,623 characters, 20 drawers
    split = module._split(
        alphabet, np.tile(np.arange(1, 21), 1623), [f"a{i}" for i in range(50)], module.OmniglotConfig()
    )
    assert (len(split.train), len(split.query), len(split.database)) == (12984, 6492, 12984)
    assert len(np.unique(np.concatenate([split.train, split.query, split.database]))) == 32460


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [("size", 200, "size = 200 cannot be"), ("part", "half", "part = 'half' cannot be"), ("drawer", 1, "no setting")],
)
def test_bad_settings(root: Path, setting: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_dataset("omniglot", {setting: value}, "drawers", root)


def test_bad_trees_end_in_one_sentence(root: Path) -> None:
    with pytest.raises(DataError, match="Greek has 20 drawers; 17 train, 4 query"):
        open_dataset("omniglot", {"train_drawers": 17}, "drawers", root)
    with pytest.raises(DataError, match="there is no images_background in"):
        open_dataset("omniglot", {}, "drawers", root / "python" / "images_background")
    character = root / "python" / "images_background" / "Latin" / "character02"
    (character / "notes.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"notes\.png has no drawer's number"):
        open_dataset("omniglot", {}, "drawers", root)
    for file in character.iterdir():
        file.unlink()
    with pytest.raises(DataError, match="character02 has no images"):
        open_dataset("omniglot", {}, "drawers", root)
    (root / "python" / "images_evaluation").rename(root / "evaluation")
    with pytest.raises(DataError, match=r"images_evaluation: unpack images_evaluation\.zip there"):
        open_dataset("omniglot", {}, "drawers", root / "python")
    with pytest.raises(DataError, match="there is no images_evaluation in"):
        open_dataset("omniglot", {"part": "evaluation"}, "drawers", root / "python")


def test_an_unreadable_drawing_is_named(root: Path) -> None:
    dataset = open_dataset("omniglot", {"size": 15}, "drawers", root)
    dataset.files[3].write_bytes(dataset.files[3].read_bytes()[:30])
    with pytest.raises(DataError, match=r"1 image of 140 cannot be read: .*0001_04\.png"):
        open_dataset("omniglot", {"size": 15}, "drawers", root).images(15)


def test_a_link_out_of_the_tree_is_refused(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = open_dataset("omniglot", {}, "drawers", root).files[0]
    outside = tmp_path_factory.mktemp("outside") / "0001_01.png"
    file.rename(outside)
    file.symlink_to(outside)
    with pytest.raises(DataError, match="1 images lie outside"):
        open_dataset("omniglot", {}, "drawers", root)
