"""CUB-200-2011 from the folder that its archive unpacks to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.data.file_dataset import FileDataset, find_folder
from bench.data.splits import two_part_split
from bench.datasets._id_lists import read_annotations, read_classes
from bench.plugins import PluginInfo

INFO = PluginInfo(
    name="cub200",
    summary="CUB-200-2011: 11,788 photographs of 200 kinds of birds",
    citation="Wah et al., The Caltech-UCSD Birds-200-2011 Dataset, CNS-TR-2011-001, 2011",
    licence="non-commercial research and education",
    homepage="https://www.vision.caltech.edu/datasets/cub_200_2011/",
    splits={"official": "the 5,994 training images as train and database, the 5,794 test images as queries"},
)
_FOLDER = "CUB_200_2011"
_MD5 = "97eceeb196236b17998738112f37df78"  # of CUB_200_2011.tgz: CaltechDATA, record 65de6-vp158


class CUB200(FileDataset):
    """images/ with images.txt, image_class_labels.txt, train_test_split.txt and classes.txt; nothing else is read.

    Classes are in the order of their ids; '001.Black_footed_Albatross' is named 'Black footed Albatross'.
    """

    def __init__(self, config: Any, split: str, root: Path | None) -> None:
        assert root is not None
        folder = find_folder(root, [_FOLDER], "images.txt", INFO.name)
        classes = read_classes(folder / "classes.txt")
        found = read_annotations(folder)
        ids = sorted(classes)
        labels = found.class_indices(ids, folder / "classes.txt")
        names = [classes[i].partition(".")[2].replace("_", " ") or classes[i] for i in ids]
        self.hold(folder / "images", found.names, labels, names, two_part_split(found.training))

    def published_checksums(self) -> dict[Path, str]:
        """Of the archive, beside the folder it unpacks to."""
        return {self.folder.absolute().parents[1] / f"{_FOLDER}.tgz": f"md5:{_MD5}"}
