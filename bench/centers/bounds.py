"""How far apart C codes of K bits can be: the classical bounds, in exact integers.

V(K, r) is the number of words within distance r of a word.
"""

from __future__ import annotations

from math import comb

from bench.errors import ConfigError


def sphere_volume(bits: int, radius: int) -> int:
    """V(K, r) = sum of the binomials C(K, i), i <= r; 0 for a negative radius."""
    return sum(comb(bits, i) for i in range(min(radius, bits) + 1))


def target_distance(bits: int, num_classes: int) -> int:
    """delta of MDS and SHC: the smallest t with C V(K, t - 1) >= 2^K (methods' released codes).

    The first distance at which the sphere-covering guarantee stops being certain: a target, not a theorem.
    """
    _check(bits, num_classes)
    return next(t for t in range(bits + 2) if num_classes * sphere_volume(bits, t - 1) >= 2**bits)


def gilbert_varshamov(bits: int, num_classes: int) -> int:
    """Largest t with 2^K > (C - 1) V(K, t - 1): C words at this distance certainly exist."""
    _check(bits, num_classes)
    return max(t for t in range(bits + 1) if 2**bits > (num_classes - 1) * sphere_volume(bits, t - 1))


def sphere_packing(bits: int, num_classes: int) -> int:
    """Largest t with C V(K, floor((t - 1) / 2)) <= 2^K: no C words can be farther apart (Hamming bound)."""
    _check(bits, num_classes)
    return max(t for t in range(bits + 1) if num_classes * sphere_volume(bits, (t - 1) // 2) <= 2**bits)


def plotkin(bits: int, num_classes: int) -> int:
    """Largest least distance that the mean one allows: a bit tells at most floor(C^2 / 4) pairs apart (Plotkin)."""
    _check(bits, num_classes)
    return 2 * bits * (num_classes**2 // 4) // (num_classes * (num_classes - 1))


def _check(bits: int, num_classes: int) -> None:
    if bits < 1 or num_classes < 2:
        raise ConfigError(f"bounds need bits >= 1 and num_classes >= 2, not {bits} and {num_classes}.")
