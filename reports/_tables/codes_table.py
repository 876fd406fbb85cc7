"""Health of the codes: how their bits are used, what making them codes costs, how near they are to their centers."""

from __future__ import annotations

from .._model import Panel
from .facts import facts, mixtures, seeds
from .table import Table
from .values import Column, by_bits, mean, stored, table_name


def _audit(name: str, digits: int) -> Column:
    key = {
        "balance": "bit_balance", "entropy": "bit_entropy", "correlation": "bit_correlation",
        "to own": "own_center_distance", "to other": "other_center_distance",
    }[name]  # fmt: skip
    return Column(name, lambda e: mean(stored(e, "audit", "codes", key), digits, spread=False))


def _map(name: str, metric: str) -> Column:
    return Column(name, lambda e: mean(stored(e, "metrics", metric), 4, spread=False))


_HEALTH = (
    _audit("balance", 3), _audit("entropy", 3), _audit("correlation", 3), _map("gap", "quantization_gap"),
    _audit("to own", 2), _audit("to other", 2),
)  # fmt: skip
_REAL = (
    _map("features", "map_features"), _map("outputs", "map_relaxed"), _map("codes", "map"),
    _map("gap", "quantization_gap"),
)  # fmt: skip


def codes_tables(panel: Panel) -> list[Table]:
    """How bits are used and how far codes are from centers; what codes lose against real values. Means over seeds."""
    return [_health(panel), _real(panel)]


def _health(panel: Panel) -> Table:
    header, rows = by_bits(panel, _HEALTH)
    said = (
        f"Of the database's codes; {seeds(panel, 'mean over')}.",
        (
            "Balance: mean over bits of |share of ones - 1/2|, 0 at best; entropy of a bit, 1 at best; mean "
            "|correlation| of two bits, over bits that are not constant."
        ),
        (
            "Gap: mAP of the real-valued outputs by cosine minus mAP of the codes. To own, to other: mean Hamming "
            "distance to the item's own center and to the nearest of another class."
        ),
    )
    return Table(table_name("codes", panel), "Codes", header, rows, facts(panel, *said), mixtures(panel), panel.title)


def _real(panel: Panel) -> Table:
    header, rows = by_bits(panel, _REAL)
    said = (
        "mAP over the whole database, by cosine, of the features that enter the hash layer and of its real-valued "
        f"outputs, and by Hamming distance of the codes, {panel.ties}; {seeds(panel, 'mean over')}. Gap: outputs minus "
        "codes."
    )
    return Table(
        table_name("real-valued", panel), "Real values and codes", header, rows, facts(panel, said), mixtures(panel),
        panel.title,
    )  # fmt: skip
