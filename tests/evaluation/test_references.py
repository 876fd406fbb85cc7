"""References on real images of the embedded dataset; CLIP through open_clip, with a checkpoint that the test saves."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.compat import import_torchvision
from bench.errors import ConfigError, DataError, UnknownNameError
from bench.evaluation import clip as clip_module
from bench.evaluation import references as module
from bench.evaluation.references import class_cosines, reference
from bench.grid.job import open_dataset
from bench.plugins.dataset import Dataset

GLYPHS = {"classes": 6, "train": 5, "query": 2, "database": 3, "size": 32}
TINY_CLIP = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def glyphs() -> Dataset:
    return open_dataset("glyphs", dict(GLYPHS), "default", None)


@pytest.fixture(scope="module")
def open_clip(tmp_path_factory: pytest.TempPathFactory):
    """open_clip, with a model small enough for a test."""
    import_torchvision()
    open_clip = pytest.importorskip("open_clip")
    folder = tmp_path_factory.mktemp("models")
    (folder / "bench-tiny-clip.json").write_text(json.dumps(TINY_CLIP))
    open_clip.add_model_config(folder)
    return open_clip


@pytest.fixture
def checkpoint(open_clip, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "weights.pt"
    torch.save(open_clip.create_model("bench-tiny-clip").state_dict(), path)
    return path


@pytest.mark.parametrize("weighting", ["each", "shared"])
def test_class_means_equal_a_loop(weighting: str) -> None:
    rng = np.random.default_rng(0)
    embeddings, rows = rng.normal(size=(40, 7)).astype(np.float32), rng.random((40, 5)) < 0.4
    means = []
    for c in range(5):
        total = np.zeros(7)
        for x, y in zip(embeddings.astype(float), rows, strict=True):
            if y[c]:
                total += x / np.linalg.norm(x) / (y.sum() if weighting == "shared" else 1)
        means.append(total / np.linalg.norm(total))
    assert class_cosines(embeddings, rows, 5, weighting) == pytest.approx(np.array(means) @ np.array(means).T)  # type: ignore[arg-type]


def test_class_indices_and_one_hot_rows_are_the_same() -> None:
    rng = np.random.default_rng(1)
    embeddings, labels = rng.normal(size=(30, 4)).astype(np.float32), rng.integers(0, 3, 30)
    assert np.array_equal(class_cosines(embeddings, labels, 3), class_cosines(embeddings, np.eye(3)[labels] > 0, 3))


@pytest.mark.parametrize("weighting", ["each", "shared"])
def test_class_means_in_blocks(weighting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    embeddings, rows = rng.normal(size=(50, 6)).astype(np.float32), rng.random((50, 4)) < 0.3
    for labels in (rows, rng.integers(0, 4, 50)):
        whole = class_cosines(embeddings, labels, 4, weighting)  # type: ignore[arg-type]
        with monkeypatch.context() as patch:
            patch.setattr(module, "_BLOCK", 7)
            assert class_cosines(embeddings, labels, 4, weighting) == pytest.approx(whole, abs=1e-12)  # type: ignore[arg-type]


def test_class_means_need_no_table_of_items_by_classes() -> None:
    embeddings, labels = np.ones((20_000, 2), np.float32), np.arange(20_000) % 300
    tracemalloc.start()
    class_cosines(embeddings, labels, 300)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000  # the table would take 48 MB


def clip_similarity(open_clip: Any, model: torch.nn.Module, glyphs: Dataset) -> np.ndarray:
    """What the model's own embeddings of the training images give."""
    pixels = torch.from_numpy(np.array(glyphs.images(32))[glyphs.split.train]).permute(0, 3, 1, 2) / 255
    mean, std = (
        torch.tensor(x).view(1, 3, 1, 1) for x in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    )
    with torch.inference_mode():
        embeddings = model.eval().encode_image((pixels - mean) / std, normalize=True).numpy()
    labels = glyphs.labels[glyphs.split.train]
    means = np.stack([embeddings[labels == c].mean(axis=0) for c in range(6)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return np.asarray(means @ means.T)


def test_clip_from_a_checkpoint_is_open_clips_own_embedding(open_clip, glyphs: Dataset, checkpoint: Path) -> None:
    found = reference(f"clip:bench-tiny-clip@{checkpoint}", glyphs)
    model = open_clip.create_model("bench-tiny-clip", pretrained=str(checkpoint))
    assert found.similarity == pytest.approx(clip_similarity(open_clip, model, glyphs), abs=1e-5)
    assert found.facts["weights"].startswith("file sha256:")
    assert found.facts["dataset"] == glyphs.fingerprint()


@pytest.mark.parametrize("quick", [True, False])
def test_a_release_has_its_own_activation(
    open_clip, glyphs: Dataset, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, quick: bool
) -> None:
    """OpenAI's weights want QuickGELU, which the model's name does not say, and open_clip only warns of it."""
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "bench-tiny-clip", {"ours": {"quick_gelu": quick}})
    monkeypatch.setattr(clip_module, "_download", lambda *release: checkpoint)
    found = reference("clip:bench-tiny-clip@ours", glyphs)
    models = {
        force: open_clip.create_model("bench-tiny-clip", pretrained=str(checkpoint), force_quick_gelu=force)
        for force in (True, False)
    }
    wanted, other = (clip_similarity(open_clip, models[force], glyphs) for force in (quick, not quick))
    assert found.similarity == pytest.approx(wanted, abs=1e-6)
    assert np.abs(wanted - other).max() > 1e-5
    assert found.facts["weights"].endswith("QuickGELU") is quick


def test_embeddings_are_computed_once_for_each_checkpoint(
    open_clip, glyphs: Dataset, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    embed = module.embed
    monkeypatch.setattr(module, "embed", lambda *a: calls.append(1) or embed(*a))
    name = f"clip:bench-tiny-clip@{checkpoint}"
    first = reference(name, glyphs)
    again = reference(name, glyphs)
    assert np.array_equal(first.similarity, again.similarity)
    assert len(calls) == 1
    torch.save(open_clip.create_model("bench-tiny-clip").state_dict(), checkpoint)  # other weights, same path
    assert not np.allclose(reference(name, glyphs).similarity, first.similarity)
    assert len(calls) == 2


def test_clip_of_class_names(open_clip, glyphs: Dataset, checkpoint: Path) -> None:
    found = reference(f"clip-text:bench-tiny-clip@{checkpoint}", glyphs)
    assert found.similarity.shape == (6, 6)
    assert np.diag(found.similarity) == pytest.approx(np.ones(6))
    assert found.facts["prompt"] == "a photo of a {}."


def test_backbone_hierarchy_and_file(glyphs: Dataset, tmp_path: Path) -> None:
    assert np.diag(reference("backbone:small-cnn@scratch", glyphs).similarity) == pytest.approx(np.ones(6))
    tree = reference("hierarchy", glyphs).similarity
    assert tree[0, 0] == 1
    np.savez(tmp_path / "r.npz", similarity=tree)
    assert np.array_equal(reference(str(tmp_path / "r.npz"), glyphs).similarity, tree)


def test_multi_label_images(tmp_path: Path) -> None:
    scenes = open_dataset("glyph-scenes", {"classes": 6, "train": 12, "query": 2, "database": 3}, "default", None)
    each, shared = (reference("backbone:small-cnn@scratch", scenes, w).similarity for w in ("each", "shared"))
    assert not np.allclose(each, shared)


def test_feature_vectors_are_their_own_backbone(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(60, 8)).astype(np.float32), np.arange(60) % 3
    np.savez(tmp_path / "f.npz", features=features, labels=labels)
    arrays = open_dataset("arrays", {}, "stratified", tmp_path / "f.npz")
    train = arrays.split.train
    assert np.array_equal(
        reference("backbone", arrays).similarity, class_cosines(features[train], arrays.labels[train], 3)
    )
    with pytest.raises(DataError, match="no images"):
        reference("clip:RN50@" + str(tmp_path / "f.npz"), arrays)


def test_mistakes(open_clip, glyphs: Dataset, checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean clip"):
        reference("clib", glyphs)
    with pytest.raises(UnknownNameError, match="did you mean ViT-B-32"):
        reference("clip:ViT-B-31", glyphs)
    with pytest.raises(UnknownNameError, match="did you mean laion2b_s34b_b79k"):
        reference("clip:ViT-B-32@laion2b_s34b_b79", glyphs)
    with pytest.raises(ConfigError, match="is it a checkpoint of this model"):
        reference(f"clip:ViT-S-32@{checkpoint}", glyphs)
    with pytest.raises(ConfigError, match=r"cannot be downloaded .* clip:ViT-B-32@FILE"):
        reference("clip:ViT-B-32", glyphs)  # tests run offline, with an empty cache
    with pytest.raises(ConfigError, match=r"cannot be downloaded .* clip:ViT-B-32-quickgelu@FILE"):
        reference("clip:ViT-B-32@openai", glyphs)
    np.savez(tmp_path / "r.npz", similarity=np.eye(5))
    with pytest.raises(DataError, match="glyphs has 6 classes"):
        reference(str(tmp_path / "r.npz"), glyphs)
