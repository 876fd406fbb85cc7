import importlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from bench.cli.app import app
from bench.errors import BenchError, ConfigError, DataError, UnknownNameError
from bench.plugins import registry


def run(*arguments: object, code: int = 0) -> str:
    """`bench data ...` in this process; errors come out as they are."""
    result = CliRunner().invoke(app, ["data", *map(str, arguments)])
    if isinstance(result.exception, BenchError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "pets"
    for start, part, count in ((0, "train", 6), (20, "query", 2), (40, "database", 4)):
        for c, name in enumerate(("cat", "dog")):
            (root / part / name).mkdir(parents=True)
            for i in range(count):
                pixels = np.random.default_rng(100 * c + start + i).integers(0, 256, (8, 9, 3), dtype=np.uint8)
                Image.fromarray(pixels).resize((36, 32), Image.Resampling.NEAREST).save(root / part / name / f"{i}.png")
    return root


def test_list_has_every_dataset_with_its_splits() -> None:
    text, listed = run("list"), json.loads(run("list", "--json"))
    known = {entry.info.name: entry.info for entry in registry("dataset").entries().values()}
    assert {row["name"]: row["splits"] for row in listed} == {name: info.splits for name, info in known.items()}
    for info in known.values():
        assert f"\n{info.name}: {info.summary}\n" in f"\n{text}"
        assert info.homepage in text
        assert info.licence in text


def test_path_says_where_and_how_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    hint = f"say where it is with --data-root DIR, $BENCH_DATA or data_root in {os.devnull}\n"
    assert f"data   not set: {hint}" in run("path")
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "deep" / "file").write_bytes(bytes(1500))
    assert json.loads(run("path", "--json", "--data-root", tmp_path / "data")) == {
        "data": {"path": str(tmp_path / "data"), "bytes": 1500, "said_by": "--data-root"},
        "cache": {"path": str(tmp_path / "cache"), "bytes": None, "said_by": "$BENCH_CACHE"},
        "config": {"path": os.devnull, "bytes": 0, "said_by": "$BENCH_CONFIG"},
    }
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))
    assert f"data   {tmp_path / 'data'} (1.5 kB), by $BENCH_DATA\n" in run("path")


def test_places_of_a_config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_CACHE")
    file = tmp_path / "config.toml"
    file.write_text(f'data_root = "{tmp_path / "data"}"\ncache = "{tmp_path / "cache"}"\n')
    monkeypatch.setenv("BENCH_CONFIG", str(file))
    said = f"(not there yet), by {file}\n"
    assert run("path") == (
        f"data   {tmp_path / 'data'} {said}cache  {tmp_path / 'cache'} {said}"
        f"config {file} ({file.stat().st_size} bytes), by $BENCH_CONFIG\n"
    )
    with pytest.raises(ConfigError, match=f"there is no folder or file {tmp_path / 'data'}"):
        run("info", "cifar10")


def test_info_of_feature_vectors(features: str) -> None:
    assert "  images       none, but a feature vector for each\n" in run("info", features)
    assert json.loads(run("info", features, "--json"))["has_images"] is False


def test_info_counts_parts_and_classes(folder: Path) -> None:
    found = json.loads(run("info", folder, "--json"))
    assert found["dataset"] == "pets@folders"
    assert found["parts"]["train"] == {"items": 12, "classes": 2, "least": 6, "median": 6.0, "most": 6}
    assert (found["tree_depth"], found["native_size"], len(found["fingerprint"])) == (None, None, 64)
    text = run("info", "glyphs", "--set", "glyphs.classes=8", "--set", "glyphs.train=3")
    assert "24 items of 8 classes; 3 to 3 of a class, median 3" in text
    assert "class tree   3 levels" in text


def test_verify_of_what_is_fine(folder: Path) -> None:
    assert run("verify", folder).splitlines()[-1] == "pets@folders: fine"
    found = json.loads(run("verify", folder, "--json"))
    assert (found["ok"], found["findings"]) == (True, [])
    assert found["class_counts"]["query"] == {"cat": 2, "dog": 2}


def test_verify_names_broken_and_leaked_images(folder: Path) -> None:
    shutil.copy(folder / "train" / "cat" / "3.png", folder / "query" / "dog" / "copy.png")
    shutil.copy(folder / "train" / "cat" / "4.png", folder / "database" / "cat" / "copy.png")
    Image.open(folder / "database" / "dog" / "0.png").resize((90, 80)).save(folder / "query" / "dog" / "larger.png")
    cut = folder / "train" / "dog" / "0.png"
    cut.write_bytes(cut.read_bytes()[:60])
    found = json.loads(run("verify", folder, "--json", code=1))
    assert not found["ok"]
    assert [(f["check"], f["wrong"], f["text"].split()[0]) for f in found["findings"]] == [
        ("unreadable", True, "1"), ("duplicates", True, "1"), ("near-duplicates", False, "1"),
        ("duplicates", False, "1"),
    ]  # fmt: skip
    items = [f["items"][0] for f in found["findings"]]
    assert items[0].startswith(f"{cut} (")
    assert items[1] == f"query {folder}/query/dog/copy.png [dog] = train {folder}/train/cat/3.png [cat]"
    assert items[2] == f"query {folder}/query/dog/larger.png [dog] = database {folder}/database/dog/0.png [dog]"
    assert items[3] == f"train {folder}/train/cat/4.png [cat] = database {folder}/database/cat/copy.png [cat]"
    lines = run("verify", folder, "--shown", 0, code=1).splitlines()
    assert lines[-1] == "pets@folders: 2 of these must be repaired"
    assert not any(line.startswith("    ") for line in lines)


def test_verify_says_whether_files_are_the_published_ones(tmp_path: Path, folder: Path) -> None:
    assert "  checksums    none is published\n" in run("verify", folder)
    folder.rename(tmp_path / "images")
    shutil.move(tmp_path / "images" / "train", tmp_path / "CUB_200_2011" / "images")
    base = tmp_path / "CUB_200_2011"
    names = [f"{animal}/{i}.png" for animal in ("cat", "dog") for i in range(6)]
    columns = {
        "images": names, "image_class_labels": [1] * 6 + [2] * 6, "train_test_split": [1, 1, 1, 1, 0, 0] * 2,
        "classes": ["001.cat", "002.dog"],
    }  # fmt: skip
    for name, column in columns.items():
        (base / f"{name}.txt").write_text("".join(f"{i} {value}\n" for i, value in enumerate(column, 1)))
    said = run("verify", "cub200", "--data-root", tmp_path)
    assert "  checksums    published for 1 file of which none is here\n" in said
    (tmp_path / "CUB_200_2011.tgz").write_bytes(b"")
    said = run("verify", "cub200", "--data-root", tmp_path, code=1)
    assert "  checksums    0 of 1 file as published\n" in said
    assert "wrong: 1 file is not the published one: download it again.\n" in said
    assert f"    {tmp_path}/CUB_200_2011.tgz (md5:d41d8cd98f00b204e9800998ecf8427e, published md5:97eceeb" in said


def test_verify_of_what_cannot_be_opened(folder: Path, tmp_path: Path) -> None:
    shutil.rmtree(folder / "train" / "dog")
    found = json.loads(run("verify", folder, "--json", code=1))
    assert found["findings"][0]["check"] == "files"
    assert "without training images" in found["findings"][0]["text"]
    file = tmp_path / "bad.npz"
    file.write_bytes(b"PK no")
    assert "is not a readable .npz" in run("verify", file, code=1)
    with pytest.raises(UnknownNameError, match="did you mean cifar"):
        run("verify", "cifar00")
    with pytest.raises(UnknownNameError, match="owner of settings here named 'crh'"):
        run("verify", "glyphs", "--set", "crh.heads=1")


def test_the_program_ends_with_one(bench, folder: Path) -> None:
    shutil.copy(folder / "train" / "cat" / "3.png", folder / "query" / "cat" / "copy.png")
    assert "must be repaired" in bench("data", "verify", str(folder), check=1).stdout


def test_prepare_fills_the_cache(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    assert "pets@folders: 24 images of 16 px (18.4 kB) in" in run("prepare", folder, "--size", 16)
    assert [np.load(p).shape for p in (tmp_path / "cache").glob("images-*.npy")] == [(24, 16, 16, 3)]
    (folder / "train" / "cat" / "1.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"1 image of 24 cannot be read: .*cat/1\.png"):
        run("prepare", folder, "--size", 16)


def test_a_subset_is_a_dataset(tmp_path: Path) -> None:
    small = "glyphs.size=16", "glyphs.classes=8"
    said = run("make-subset", "glyphs", "--classes", 3, "--images", 8, "--out", tmp_path / "s", "--set", small[0],
               "--set", small[1])  # fmt: skip
    assert "24 images of 3 classes of glyphs@default; image-folder reads it with --set image-folder.flip_safe" in said
    assert json.loads(run("info", tmp_path / "s", "--json"))["parts"]["query"]["items"] == 6
    said = run("make-subset", "glyph-scenes", "--classes", 3, "--images", 8, "--out", tmp_path / "m")
    assert f"{tmp_path / 'm' / 'labels.csv'}: " in said
    found = json.loads(run("info", tmp_path / "m" / "labels.csv", "--json"))
    assert (found["classes"], found["multi_label"]) == (3, True)


def test_get_asks_torchvision_once_for_each_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, dict]] = []

    def fake(name: str):
        return lambda **arguments: calls.append((name, arguments))

    monkeypatch.setattr("bench.data.download.torchvision_class", fake)
    monkeypatch.delenv("BENCH_DATA", raising=False)
    with pytest.raises(ConfigError, match="say where omniglot is to go with --data-root"):
        run("get", "omniglot")
    assert not calls
    assert "bench data verify omniglot" in run("get", "omniglot", "--data-root", tmp_path / "new")
    root = {"root": str(tmp_path / "new"), "download": True}
    assert calls == [("Omniglot", {**root, "background": True}), ("Omniglot", {**root, "background": False})]
    run("get", "cifar10", "--data-root", tmp_path)
    assert calls[2:] == [("CIFAR10", {"root": str(tmp_path), "download": True})]


def test_get_of_what_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"imagenet100 cannot be downloaded here: get it from https://www\.image-net"):
        run("get", "imagenet100", "--data-root", tmp_path)
    with pytest.raises(UnknownNameError, match="no dataset to download 'cifar1000': did you mean cifar100"):
        run("get", "cifar1000", "--data-root", tmp_path)

    def offline(**_: object) -> None:
        raise OSError("<urlopen error\nno network>")

    monkeypatch.setattr("bench.data.download.torchvision_class", lambda name: offline)
    with pytest.raises(DataError, match=r"could not be downloaded into .* \(<urlopen error no network>\): run"):
        run("get", "cifar100", "--data-root", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is not a folder"):
        run("get", "cifar100", "--data-root", tmp_path / "file")


def test_a_torchvision_that_does_not_fit_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.data.download import torchvision_class

    def broken(name: str) -> None:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(ConfigError, match=r"torchvision cannot be imported .operator torchvision::nms"):
        torchvision_class("CIFAR10")
