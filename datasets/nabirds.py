"""NABirds from the folder that its archive unpacks to."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.config import Config, setting
from bench.data.file_dataset import FileDataset, find_folder
from bench.data.splits import shares_split, two_part_split
from bench.datasets._id_lists import read_annotations, read_classes, read_list, whole_numbers
from bench.errors import DataError
from bench.plugins import PluginInfo
from bench.plugins.dataset import Hierarchy, Split
from bench.randomness import stream

INFO = PluginInfo(
    name="nabirds",
    summary="NABirds: 48,562 photographs of 555 kinds of birds, in a tree of families and species",
    citation="Van Horn et al., Building a Bird Recognition App and Large Scale Dataset with Citizen Scientists, CVPR "
    "2015",
    licence="non-commercial research and education",
    homepage="https://dl.allaboutbirds.org/nabirds",
    splits={
        "official": "the 23,929 training images as train and database, the 24,633 test images as queries",
        "shc-b": "15,860 train, 7,909 query, 24,793 database, disjoint: in the ratio that SHC (arXiv 2507.08404) "
        "prints as 16,384 / 8,171 / 25,612, which is more images than there are; not to be compared with its numbers",
        "shc-a-swapped": "the official test images as train and database, the training images as queries, as SHC "
        "prints its split A",
    },
)
_SHC_B = (16_384, 8_171, 25_612)


class NABirdsConfig(Config):
    """Settings of nabirds."""

    split_seed: int = setting(0, "of the shc-b split", source="project: SHC's own draw is not published", ge=0)


class NABirds(FileDataset):
    """images/ with images.txt, image_class_labels.txt, train_test_split.txt, classes.txt and hierarchy.txt.

    classes.txt names every node of the tree; those that have images are the classes, in the order of their ids.
    sizes.txt, bounding_boxes.txt and the rest are not read: whole images are used, as by the papers.
    """

    Config: ClassVar[type[Config]] = NABirdsConfig

    def __init__(self, config: NABirdsConfig, split: str, root: Path | None) -> None:
        assert root is not None
        folder = find_folder(root, [INFO.name], "images.txt", INFO.name)
        nodes = read_classes(folder / "classes.txt")
        found = read_annotations(folder)
        used = set(found.class_ids.tolist())
        ids = [i for i in sorted(nodes) if i in used]
        labels = found.class_indices(ids, folder / "classes.txt")
        self.hierarchy = Hierarchy(read_paths(folder / "hierarchy.txt", nodes, ids))
        parts = _split(split, labels, found.training, config.split_seed)
        self.hold(folder / "images", found.names, labels, [nodes[i] for i in ids], parts)


def read_paths(path: Path, nodes: dict[int, str], ids: list[int]) -> tuple[tuple[str, ...], ...]:
    """Names from below the root down to each class.

    Args:
        path: hierarchy.txt, a node and its parent in each line; the root has no line.
        nodes: names of all nodes.
        ids: the classes.

    Raises:
        DataError: a list that is no tree, or lacks a class or a name.
    """
    parents = {int(child): parent for child, parent in whole_numbers(_children(path), path).items()}
    unknown = sorted((set(parents) | set(parents.values()) | set(ids)) - set(nodes))
    if unknown:
        raise DataError(f"{path} has the class {unknown[0]}, which classes.txt does not name: get both again.")
    return tuple(_path(i, parents, nodes, path) for i in ids)


def _children(path: Path) -> dict[str, str]:
    table = read_list(path)
    whole_numbers({child: child for child in table}, path)
    return table


def _path(node: int, parents: dict[int, int], nodes: dict[int, str], path: Path) -> tuple[str, ...]:
    if node not in parents:
        raise DataError(f"{path} has no parent for class {node} ({nodes[node]}): get it again from its archive.")
    names: list[str] = []
    at = node
    while at in parents:
        if len(names) == len(parents):
            raise DataError(f"{path} is no tree: class {node} ({nodes[node]}) is above itself; get it again.")
        names.append(nodes[at])
        at = parents[at]
    return tuple(reversed(names))


def _split(name: str, labels: NDArray[np.int64], training: NDArray[np.bool_], seed: int) -> Split:
    if name == "shc-b":
        return shares_split(labels, stream(seed, INFO.name, "split"), _SHC_B, name=INFO.name)
    return two_part_split(~training if name == "shc-a-swapped" else training)
