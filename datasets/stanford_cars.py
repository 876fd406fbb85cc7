"""Stanford Cars, from its three archives or from the later one that joins them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.config import Config, setting
from bench.data.file_dataset import FileDataset
from bench.data.matfile import read_mat
from bench.data.splits import shares_split, two_part_split
from bench.datasets._car_names import car_path
from bench.errors import DataError
from bench.plugins import PluginInfo
from bench.plugins.dataset import Hierarchy, Split
from bench.randomness import stream

INFO = PluginInfo(
    name="stanford_cars",
    summary="Stanford Cars: 16,185 photographs of 196 models, with make and body",
    citation="Krause et al., 3D Object Representations for Fine-Grained Categorization, 3dRR workshop at ICCV 2013",
    licence="none stated by its authors; for research",
    homepage="https://ai.stanford.edu/~jkrause/cars/car_dataset.html",
    splits={
        "official": "the 8,144 training images as train and database, the 8,041 test images as queries",
        "shc-b": "5,880 train, 1,958 query, 8,347 database of all 16,185 images, disjoint, as SHC (arXiv 2507.08404)",
    },
)
_SHC_B = (5_880, 1_958, 8_347)
_LABELED = "cars_test_annos_withlabels.mat"
_JOINED = "cars_annos.mat"
_FOLDERS = ("stanford_cars", "stanford-cars", "cars")  # below the root, after the root itself
_Rows = tuple[list[str], list[int], list[bool]]  # file names, classes from 1 and whether it trains


class StanfordCarsConfig(Config):
    """Settings of stanford_cars."""

    split_seed: int = setting(0, "of the shc-b split", source="project: SHC's own draw is not published", ge=0)


class StanfordCars(FileDataset):
    """cars_train/, cars_test/ and devkit/ with cars_test_annos_withlabels.mat in it or beside it; or car_ims/ with
    cars_annos.mat. Whole images are used, not the boxes, as by the papers.

    Both hold the same images under other names and in another order, so their shc-b splits differ.
    """

    Config: ClassVar[type[Config]] = StanfordCarsConfig

    def __init__(self, config: StanfordCarsConfig, split: str, root: Path | None) -> None:
        assert root is not None
        folder = _find(root)
        joined = folder / _JOINED
        if joined.is_file() and not (folder / "cars_train").is_dir():
            names, classes, training = _rows(joined)
            class_names = _class_names(joined)
        else:
            names, classes, training = _from_devkit(folder)
            class_names = _class_names(folder / "devkit" / "cars_meta.mat")
        _check_rows(folder, names, classes, len(class_names))
        labels = np.array(classes, dtype=np.int64) - 1
        self.hierarchy = Hierarchy(tuple(car_path(name) for name in class_names))
        parts = _split(split, labels, np.array(training, dtype=bool), config.split_seed)
        self.hold(folder, names, labels, class_names, parts)


def _find(root: Path) -> Path:
    for folder in (root, *(root / name for name in _FOLDERS)):
        if (folder / "devkit").is_dir() or (folder / _JOINED).is_file():
            return folder
    raise DataError(
        f"{INFO.name}: {root} has neither devkit/ (beside cars_train/ and cars_test/) nor {_JOINED} (beside "
        "car_ims/): unpack the archives there."
    )


def _from_devkit(folder: Path) -> _Rows:
    """The training images, then the test images."""
    names, classes, training = _rows(folder / "devkit" / "cars_train_annos.mat", "cars_train/", train=True)
    more = _rows(_test_annotations(folder), "cars_test/", train=False)
    return names + more[0], classes + more[1], training + more[2]


def _test_annotations(folder: Path) -> Path:
    for path in (folder / "devkit" / _LABELED, folder / _LABELED):
        if path.is_file():
            return path
    plain = folder / "devkit" / "cars_test_annos.mat"
    if plain.is_file() and "class" in _struct(plain, ["class"]):
        return plain
    raise DataError(
        f"{INFO.name}: the devkit in {folder} has no labels of the test images: {_LABELED} is needed, from the same "
        "page; put it into devkit/ or beside it."
    )


def _rows(path: Path, prefix: str = "", train: bool | None = None) -> _Rows:
    """Rows of a file of annotations; without `train` it is the joined one, which tells each image's part itself."""
    wanted = ["relative_im_path", "class", "test"] if train is None else ["fname", "class"]
    table = _struct(path, wanted)
    lacking = [field for field in wanted if field not in table]
    if lacking:
        raise DataError(
            f"{path} is not of this dataset's devkit: its annotations have no field {lacking[0]}; get it again."
        )
    names = table[wanted[0]]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise DataError(f"{path} names no image in some of its {len(names)} rows: get it again.")
    tests = [_whole(value, path) for value in table["test"]] if train is None else [int(not train)] * len(names)
    return [prefix + name for name in names], [_whole(value, path) for value in table["class"]], [t == 0 for t in tests]


def _struct(path: Path, fields: list[str]) -> dict[str, list[Any]]:
    table = read_mat(path, "annotations", fields)
    if not isinstance(table, dict):
        raise DataError(f"{path} is not of this dataset's devkit: its annotations are no struct array; get it again.")
    return table


def _whole(value: Any, path: Path) -> int:
    if not isinstance(value, np.ndarray) or len(value) != 1 or not float(value[0]).is_integer():
        raise DataError(f"{path} has a class or part that is no whole number: get it again.")
    return int(value[0])


def _class_names(path: Path) -> list[str]:
    names = read_mat(path, "class_names")
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise DataError(f"{path} is not of this dataset's devkit: its class_names are no list of names; get it again.")
    return names


def _check_rows(folder: Path, names: list[str], classes: list[int], count: int) -> None:
    """Refuse classes out of range and a file with two rows."""
    for name, number in zip(names, classes, strict=True):
        if not 1 <= number <= count:
            raise DataError(
                f"{INFO.name}: the annotations in {folder} give {name} the class {number}, which is out of range: "
                f"there are 1 to {count}; get the devkit again."
            )
    if len(set(names)) != len(names):
        raise DataError(f"{INFO.name}: the annotations in {folder} list an image twice; get the devkit again.")


def _split(name: str, labels: NDArray[np.int64], training: NDArray[np.bool_], seed: int) -> Split:
    if name == "shc-b":
        return shares_split(labels, stream(seed, INFO.name, "split"), _SHC_B, name=INFO.name)
    return two_part_split(training)
