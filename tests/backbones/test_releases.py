"""Weights by name, from the caches of the libraries: found there, checked, or at once a sentence that they are not."""

import hashlib
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bench.backbones.build import build_backbone, resolve_weights
from bench.backbones.hub import hub_file
from bench.backbones.sources import _timm, _torchvision_models
from bench.errors import ConfigError


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def place_of(hub: Path, repository: str, file: str) -> Path:
    """Where the hub's client keeps a file."""
    folder = hub / f"models--{repository.replace('/', '--')}"
    for part in ("refs", "snapshots/0123", "blobs"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "refs" / "main").write_text("0123")
    return folder / "snapshots" / "0123" / file


@pytest.mark.parametrize("size", [160, 96])
def test_timm_releases_come_from_the_hubs_cache(hub: Path, size: int) -> None:
    full = _timm().create_model("test_vit").eval()
    save_file(full.state_dict(), place_of(hub, "timm/test_vit.r160_in1k", "model.safetensors"))
    weights = resolve_weights("timm:test_vit", None)
    network, _ = build_backbone("timm:test_vit", weights, size)
    full.set_input_size(img_size=(size, size))
    images = torch.rand(2, 3, size, size)
    assert weights.id == "timm-test_vit.r160_in1k"
    assert torch.equal(network(images), full.forward_head(full.forward_features(images), pre_logits=True))


def test_of_two_files_the_safe_one_is_taken(hub: Path) -> None:
    place_of(hub, "owner/model", "b.bin").write_text("b")
    assert hub_file("owner/model", ("a.safetensors", "b.bin")).name == "b.bin"
    place_of(hub, "owner/model", "a.safetensors").write_text("a")
    assert hub_file("owner/model", ("a.safetensors", "b.bin")).name == "a.safetensors"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("timm:test_vit", "model.safetensors of https://huggingface.co/timm/test_vit.r160_in1k"),
        ("open_clip:RN50", "open_clip_model.safetensors of https://huggingface.co/timm/resnet50_clip.openai"),
    ],
)
def test_releases_that_are_not_there_say_at_once_how_to_get_them(hub: Path, name: str, place: str) -> None:
    build_backbone("timm:test_vit", resolve_weights("timm:test_vit", "scratch"), 160)  # imports take their time
    start = time.perf_counter()
    with pytest.raises(ConfigError, match=f"cannot be loaded .*download {place} .* --weights FILE, .* --from-scratch"):
        build_backbone(name, resolve_weights(name, None), 224)
    assert time.perf_counter() - start < 10  # the hub's client tries for 46 s


def test_torchvision_releases_are_compared_with_the_hash_in_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = _torchvision_models()
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(models.resnet18().state_dict(), tmp_path / "saved.pth")
    content = (tmp_path / "saved.pth").read_bytes()
    path = folder / f"resnet18-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    path.write_bytes(content)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(models.ResNet18_Weights.DEFAULT.value, "url", f"https://nowhere.invalid/{path.name}")
    weights = resolve_weights("resnet18", None)
    network, _ = build_backbone("resnet18", weights, 64)
    saved = torch.load(tmp_path / "saved.pth", weights_only=True)
    assert weights.id == path.stem
    assert torch.equal(network.state_dict()["layer1.0.conv1.weight"], saved["layer1.0.conv1.weight"])
    path.write_bytes(content[:-1] + b"x")
    with pytest.raises(ConfigError, match=r"its SHA-256 differs.*: delete it"):
        build_backbone("resnet18", weights, 64)
