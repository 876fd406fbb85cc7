"""Fair random bits as centers, pulled to by cross-entropy: the least that a hash-center method can be."""

import torch

from bench.config import Config, setting
from bench.losses import central_bce, quantization
from bench.plugins import PluginInfo
from bench.plugins.method import Method
from bench.randomness import stream

INFO = PluginInfo(
    name="coin-flips",
    summary="Fair random bits as centers, bitwise cross-entropy",
    citation="baseline",
    licence="MIT",
)


class CoinFlipsConfig(Config):
    """Settings; each has its default, its bounds and where the default is from."""

    quantization_weight: float = setting(0.05, "weight of the quantisation loss", source="CSQ's", ge=0)


class CoinFlips(Method):
    """The class in a plug-in's file that derives from Method is the plug-in."""

    Config = CoinFlipsConfig

    def make_centers(self) -> torch.Tensor:
        """(C, K) in {-1, +1}; the seed alone decides them."""
        bits = stream(self.task.seed, "centre-init").integers(0, 2, (self.task.num_classes, self.task.bits))
        return torch.from_numpy(bits * 2 - 1)

    def loss(self, relaxed: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Pull relaxed codes (B, K) to the sign of the summed centers of an item's classes."""
        wanted = torch.where(self.multi_hot(targets) @ self.centers >= 0, 1.0, -1.0)
        return central_bce(relaxed, wanted) + self.config.quantization_weight * quantization(relaxed)
