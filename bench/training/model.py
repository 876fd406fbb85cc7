"""The network of every method: a backbone, and a head that gives K real numbers."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from bench.backbones.build import Weights, build_backbone
from bench.training.compiled import CompiledNetworks, Forward
from bench.training.devices import has_bfloat16
from bench.training.inputs import FeatureInputs, ImageInputs
from bench.training.regimes import TrainConfig
from bench.training.seeding import seeded


class HashModel(nn.Module):
    """Backbone (B, ...) -> (B, D), head (B, D) -> relaxed codes (B, K).

    On GPUs that have it the backbone runs in bfloat16; head and loss are float32 everywhere, since the sign of a code
    must not hang on a rounding.

    Attributes:
        full_precision: the backbone in float32, too.
        compiled: the backbone's forward pass for batches of `sizes`; others, as the last of an epoch, run plainly.
    """

    compiled: Forward | None = None
    sizes: frozenset[int] = frozenset()

    def __init__(self, backbone: nn.Module, head: nn.Module, full_precision: bool = False) -> None:
        super().__init__()
        self.backbone, self.head, self.full_precision = backbone, head, full_precision
        for weight in (p for p in backbone.parameters() if p.ndim == 4):  # images come channels-last: no copies
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)

    def features(self, x: Tensor) -> Tensor:
        """What the head reads: (B, D) float32."""
        low = has_bfloat16(x.device) and not self.full_precision
        with torch.autocast(x.device.type, torch.bfloat16, enabled=low):
            if self.compiled is not None and len(x) in self.sizes:
                features = self.compiled(self.backbone, x)
            else:
                features = self.backbone(x)
        return features.float()

    def forward(self, x: Tensor) -> Tensor:
        """Relaxed codes v, before any tanh."""
        return self.head(self.features(x))


def build_model(
    inputs: ImageInputs | FeatureInputs, weights: Weights, config: TrainConfig, outputs: int, seed: int,
    device: torch.device, networks: CompiledNetworks | None = None,
) -> HashModel:  # fmt: skip
    """Backbone (none for feature vectors) and head; random weights from the stream `network-init`.

    Args:
        networks: where the backbone is compiled; None: it is not.
    """
    with seeded(seed, "network-init"):
        if isinstance(inputs, ImageInputs):
            backbone, dim = build_backbone(config.backbone, weights, inputs.size)
        else:
            backbone, dim = nn.Identity(), inputs.features.shape[1]
        model = HashModel(backbone, build_head(config, dim, outputs)).to(device)
    if networks is not None and isinstance(inputs, ImageInputs):
        model.backbone = networks.take((config.backbone, inputs.size, str(device)), model.backbone)
        model.compiled = networks.forward
        model.sizes = frozenset({config.batch_size, inputs.test_batch_size})
    return model


def build_head(config: TrainConfig, inputs: int, bits: int) -> nn.Module:
    """The hash layer; its random weights draw from torch's global generator."""
    match config.head:
        case "mlp":  # CSQ's release: FC - ReLU - Dropout - FC - ReLU - FC
            layers: list[nn.Module] = []
            for i, (a, b) in enumerate(pairwise([inputs, *config.hidden])):
                layers += [nn.Linear(a, b), nn.ReLU(), *([nn.Dropout(config.dropout)] if i == 0 else [])]
            return nn.Sequential(*layers, nn.Linear([inputs, *config.hidden][-1], bits))
        case "linear-bn":
            return nn.Sequential(_linear(inputs, bits), nn.BatchNorm1d(bits))
        case _:
            return _linear(inputs, bits)


def _linear(inputs: int, bits: int) -> nn.Linear:
    """N(0, 0.01) and no bias at the start, as DeepHash-pytorch: codes start near 0, undecided."""
    layer = nn.Linear(inputs, bits)
    nn.init.normal_(layer.weight, std=0.01)
    nn.init.zeros_(layer.bias)
    return layer
