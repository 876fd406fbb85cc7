"""A small convolutional network for images of 28 to 64 pixels, trained from scratch in seconds."""

from __future__ import annotations

from torch import Tensor, nn


class SmallCNN(nn.Module):
    """Four 3 x 3 convolutions with batch norm, each halving the image, then the mean over a 2 x 2 grid's cells.

    (B, 3, S, S) -> (B, 4 * width * 4), S >= 16.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        widths = [3, width, 2 * width, 4 * width, 4 * width]
        self.blocks = nn.Sequential(*(_block(i, o) for i, o in zip(widths[:-1], widths[1:], strict=True)))
        self.pool = nn.AdaptiveAvgPool2d(2)  # keeps where in the image: a dot above is not a dot below

    def forward(self, x: Tensor) -> Tensor:
        """Pooled features of the last block."""
        return self.pool(self.blocks(x)).flatten(1)


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)
    )
