"""Centers by rejection sampling with a falling threshold ("O", MaxHD; OrthoHash, NeurIPS 2021, released code)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.errors import ConfigError

FIRST_PERCENT = 61  # thresholds tau in hundredths: whole numbers, so that none is missed by a rounding
LAST_PERCENT = 20
REJECTIONS_PER_STEP = 10_000
_BLOCK = 2048  # candidates whose distances to the accepted words are found by one product


def max_hd_centers(num_classes: int, bits: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """C words of K bits, int8 (C, K) in {-1, +1}, pairwise at normalised distance >= the final tau.

    A uniformly random word is accepted if its distance to each accepted word is at least tau K. tau starts at 0.61
    and drops by 0.01 after every 10,000 rejections, counted in all (an acceptance does not reset them). The accepted
    words are permuted at the end.

    Raises:
        ConfigError: sizes below 1, or tau would drop below 0.2 before C words are found.
    """
    if bits < 1 or num_classes < 1:
        raise ConfigError(f"centers need bits >= 1 and num_classes >= 1, not {bits} and {num_classes}.")
    words, _ = accept_words(num_classes, bits, lambda: rng.integers(0, 2, size=(_BLOCK, bits), dtype=np.int8) * 2 - 1)
    return words[rng.permutation(num_classes)]


def accept_words(
    num_classes: int, bits: int, next_block: Callable[[], NDArray[np.int8]]
) -> tuple[NDArray[np.int8], int]:
    """The first C accepted words (C, K) of a stream of candidates, in order, and the final tau in hundredths.

    Args:
        next_block: the next candidates (b, K) in {-1, +1}, any number b >= 1 of them, each time it is called.
    """
    accepted = np.empty((num_classes, bits), dtype=np.float32)
    count, percent, rejected = 0, FIRST_PERCENT, 0
    while True:
        block = next_block().astype(np.float32)
        nearest = _nearest_distance(block, accepted[:count])
        position = 0
        while position < len(block):
            fit = 100 * nearest[position:] >= percent * bits
            until_fit = int(fit.argmax()) if fit.any() else len(fit)
            until_step = REJECTIONS_PER_STEP - rejected % REJECTIONS_PER_STEP
            skipped = min(until_fit, until_step)
            position, rejected = position + skipped, rejected + skipped
            if skipped == until_step:  # tau drops here, and the candidates that follow are judged by the new one
                percent -= 1
                if percent < LAST_PERCENT:
                    raise ConfigError(
                        f"MaxHD found only {count} of {num_classes} words of {bits} bits that differ in at least "
                        f"{LAST_PERCENT} % of the bits: use more bits or another kind of centers."
                    )
            elif position < len(block):
                accepted[count] = block[position]
                count += 1
                if count == num_classes:
                    return accepted.astype(np.int8), percent
                nearest = np.minimum(nearest, _nearest_distance(block, accepted[count - 1 : count]))
                position += 1


def _nearest_distance(block: NDArray[np.float32], words: NDArray[np.float32]) -> NDArray[np.int64]:
    """Hamming distance of each candidate (b, K) to the nearest of some words: (b,), K if there are none."""
    bits = block.shape[1]
    if len(words) == 0:
        return np.full(len(block), bits)
    return ((bits - (block @ words.T).max(axis=1)) / 2).astype(np.int64)
