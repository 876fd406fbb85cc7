import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data.verify import verify
from bench.datasets.image_folder import ImageFolder, ImageFolderConfig


class Published(ImageFolder):
    """Class folders whose first two images have a published checksum, and an archive that is not kept."""

    digests: Mapping[str, str]

    def published_checksums(self) -> Mapping[Path, str]:
        return {self.folder / name: digest for name, digest in self.digests.items()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for c, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for i in range(6):
            pixels = np.random.default_rng([c, i]).integers(0, 256, (8, 9, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    return tmp_path


def published(root: Path, **digests: str) -> Published:
    dataset = Published(ImageFolderConfig(), "auto", root)
    dataset.digests = {name.replace("_", "/") + ".png": digest for name, digest in digests.items()}
    return dataset


def digest(file: Path, kind: str) -> str:
    return f"{kind}:{hashlib.new(kind, file.read_bytes()).hexdigest()}"


def test_files_as_published(root: Path) -> None:
    digests = {"cat_0": digest(root / "cat/0.png", "md5"), "dog_1": digest(root / "dog/1.png", "sha256")}
    facts, findings = verify(published(root, **digests, gone="md5:0"))
    assert facts["checksums"] == {"published": 3, "here": 2, "matching": 2}
    assert findings == []


def test_nothing_is_published(root: Path) -> None:
    facts, findings = verify(ImageFolder(ImageFolderConfig(), "auto", root))
    assert facts["checksums"] == {"published": 0, "here": 0, "matching": 0}
    assert findings == []


def test_files_that_are_others(root: Path) -> None:
    right = digest(root / "cat/0.png", "md5")
    facts, findings = verify(published(root, cat_0=right, cat_1=right, dog_0="md5:0"), shown=1)
    assert facts["checksums"] == {"published": 3, "here": 3, "matching": 1}
    (finding,) = findings
    assert (finding.check, finding.wrong) == ("checksums", True)
    assert finding.text == "2 files are not the published ones: download them again."
    assert finding.items == [f"{root}/cat/1.png ({digest(root / 'cat/1.png', 'md5')}, published {right})"]
