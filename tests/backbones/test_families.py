"""Every family of backbones with random weights: shapes, sizes, gradients; what other sizes do to the embeddings."""

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bench.backbones.build import BACKBONES, Weights, build_backbone, resolve_weights
from bench.backbones.open_clip_towers import resize as resize_tower
from bench.backbones.sources import _resize_torchvision, _torchvision_models
from bench.compat import import_open_clip
from bench.errors import ConfigError
from bench.training.seeding import seeded

SCRATCH = Weights("scratch")
TINY = "tiny-clip"


@pytest.fixture(scope="module", autouse=True)
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A model of open_clip that is built in no time: the smallest it brings has 20 million parameters."""
    vision = {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8}
    text = {"context_length": 4, "vocab_size": 16, "width": 16, "heads": 2, "layers": 1}
    path = tmp_path_factory.mktemp("models") / f"{TINY}.json"
    path.write_text(json.dumps({"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}))
    import_open_clip().add_model_config(path)


def slow(*values: object) -> object:
    return pytest.param(*values, marks=pytest.mark.slow)


CASES = [
    ("small-cnn", 2048, 32), ("resnet18", 512, 64), ("efficientnet-lite0", 1280, 64), ("timm:test_vit", 64, 160),
    ("timm:test_vit", 64, 96), ("timm:test_convnext", 64, 64), (f"open_clip:{TINY}", 24, 32),
    (f"open_clip:{TINY}", 24, 48), slow("resnet34", 512, 64), slow("resnet50", 2048, 64), slow("resnet50", 2048, 96),
    slow("alexnet", 4096, 96), slow("alexnet", 4096, 128), slow("vgg16", 4096, 64), slow("vgg16", 4096, 48),
    slow("vit_b_16", 768, 224), slow("vit_b_16", 768, 64), slow("convnext_tiny", 768, 64),
    slow("convnext_tiny", 768, 96), slow("timm:swin_tiny_patch4_window7_224", 768, 96),
    slow("open_clip:RN50", 1024, 224), slow("open_clip:ViT-B-32", 512, 224), slow("open_clip:ViT-B-32", 512, 96),
    slow("open_clip:convnext_tiny", 1024, 64), slow("open_clip:coca_ViT-B-32", 512, 64),
    slow("open_clip:roberta-ViT-B-32", 512, 64),
]  # fmt: skip


@pytest.mark.parametrize(("name", "dim", "size"), CASES)
def test_features_are_of_the_stated_width_and_train(name: str, dim: int, size: int) -> None:
    if name == "efficientnet-lite0":
        pytest.importorskip("efficientnet_lite_pytorch")
    with seeded(0, "network-init"):
        network, found = build_backbone(name, SCRATCH, size)
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    features = network(images)
    assert not network.training
    assert found == dim
    assert features.shape == (2, dim)
    assert torch.equal(features, network(images))
    assert not torch.equal(features[0], features[1])
    features.square().sum().backward()
    assert all(p.grad is not None for p in network.parameters() if p.requires_grad)


def test_the_stated_widths_are_those_that_are_tested() -> None:
    widths = {
        name: int(found[1]) for name, info in BACKBONES.items() if (found := re.search(r"(\d+) feat", info.summary))
    }
    tested = {values[0]: values[1] for values in (getattr(case, "values", case) for case in CASES)}
    assert len(widths) > 8
    assert widths == {name: tested[name] for name in widths}


@pytest.mark.slow
def test_a_tower_whose_pool_has_a_fixed_size_is_refused_at_another() -> None:
    with pytest.raises(ConfigError, match=r"open_clip:RN50 cannot take images of 96 px .*train.image_size=224"):
        build_backbone("open_clip:RN50", SCRATCH, 96)


def test_torchvision_vits_are_resized_as_torchvision_does() -> None:
    from torchvision.models.vision_transformer import interpolate_embeddings

    def vit(size: int) -> torch.nn.Module:
        return _torchvision_models().VisionTransformer(size, 8, 1, 2, 16, 32).eval()

    torch.manual_seed(0)
    network, other = vit(32), vit(48)
    torch.nn.init.normal_(network.heads.head.weight)  # zero at first
    other.load_state_dict(interpolate_embeddings(48, 8, network.state_dict()))
    _resize_torchvision(network, 48)
    images = torch.rand(2, 3, 48, 48)
    assert torch.equal(network(images), other(images))


@pytest.mark.parametrize("size", [32, 48])
@pytest.mark.parametrize("quick_gelu", [False, True])
def test_towers_are_those_of_open_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, quick_gelu: bool
) -> None:
    open_clip = import_open_clip()
    config = {"url": "", "hf_hub": "", "mean": (0.1,) * 3, "std": (0.2,) * 3, "quick_gelu": quick_gelu}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, TINY, {"ours": config})
    path = tmp_path / "clip.safetensors"
    save_file(open_clip.create_model(TINY).state_dict(), path)
    reference = open_clip.create_model(
        TINY, pretrained=str(path), force_image_size=size, force_quick_gelu=quick_gelu
    ).eval()  # fmt: skip
    weights = resolve_weights(f"open_clip:{TINY}/ours", str(path))
    network, _ = build_backbone(f"open_clip:{TINY}/ours", weights, size)
    images = torch.rand(2, 3, size, size)
    assert weights.mean == (0.1,) * 3
    assert torch.equal(network(images), reference.encode_image(images))


def test_a_resized_embedding_goes_on_as_it_was() -> None:
    tower = build_backbone(f"open_clip:{TINY}", SCRATCH, 32)[0]
    before = tower.positional_embedding
    resize_tower(tower, 32)
    assert tower.positional_embedding is before
    before.requires_grad_(False)  # as fixed sines are
    resize_tower(tower, 64)
    assert tower.positional_embedding.shape == (65, 32)
    assert not tower.positional_embedding.requires_grad


def test_a_file_says_which_release_it_is_like_where_they_differ(tmp_path: Path) -> None:
    path = tmp_path / "clip.safetensors"
    path.write_bytes(b"")
    with pytest.raises(ConfigError, match=r"differ in activation .* --backbone open_clip:ViT-B-32/openai"):
        resolve_weights("open_clip:ViT-B-32", str(path))
    assert resolve_weights("open_clip:ViT-B-32/openai", str(path)).file == path
    assert resolve_weights("open_clip:RN50", str(path)).file == path
