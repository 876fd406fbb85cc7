"""Whether two numbers may be compared: every fact that differs, as a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Facts:
    """What a mAP depends on besides the method; None: not known.

    Attributes:
        splits: names of the split, of which theirs may have several.
        part: "test", or "validation" where a part of train was queried.
        cutoff: k of mAP@k, or "all".
        divisor: hits, all or min; of no meaning where the cutoff is "all".
        settings: "paper" where each method is trained as by its authors.
        train: training settings by the names of `TrainConfig`; of theirs those that are known.
        checkpoint: which state of the network was measured.
    """

    splits: tuple[str, ...] | None
    classes: int
    train_items: int | None
    query_items: int | None
    database_items: int | None
    cutoff: int | str | None
    divisor: str | None
    ties: str | None
    backbone: str | None
    regime: str | None
    pretrained: bool | None
    checkpoint: str | None
    settings: str = "paper"
    part: str = "test"
    train: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Whether two numbers may be compared.

    Attributes:
        reasons: why not; none where they may.
    """

    reasons: tuple[str, ...] = ()

    @property
    def comparable(self) -> bool:
        """Whether no known fact differs and none that matters is unknown."""
        return not self.reasons


def map_verdict(theirs: Facts, ours: Facts, warnings: Iterable[str] = ()) -> Verdict:
    """On two mAPs.

    Args:
        warnings: what speaks against a comparison besides the facts.
    """
    found = (differs(theirs, ours) for differs in _CHECKS)
    return Verdict((*(reason for reason in found if reason is not None), *warnings))


def centers_verdict(their_classes: int, our_classes: int) -> Verdict:
    """On two least distances at the same code length: not the data decide these, but how many centers there are."""
    reason = _classes(their_classes, our_classes)
    return Verdict(() if reason is None else (reason,))


def _split(theirs: Facts, ours: Facts) -> str | None:
    if theirs.splits is None or ours.splits is None or set(ours.splits) & set(theirs.splits):
        return None
    return f"split {_either(ours.splits)}, theirs {_either(theirs.splits)}"


def _counts(theirs: Facts, ours: Facts) -> str | None:
    pairs = list(zip(_items(theirs), _items(ours), strict=True))
    if all(None in pair or pair[0] == pair[1] for pair in pairs):
        return None
    return f"{_counted(ours)} training / query / database items, theirs {_counted(theirs)}"


def _class_count(theirs: Facts, ours: Facts) -> str | None:
    return _classes(theirs.classes, ours.classes)


def _part(theirs: Facts, ours: Facts) -> str | None:
    words = {"test": "the test set", "validation": "a validation part of the training items"}
    return None if theirs.part == ours.part else f"queries are {words[ours.part]}, theirs {words[theirs.part]}"


def _metric(theirs: Facts, ours: Facts) -> str | None:
    same_cutoff = None in (theirs.cutoff, ours.cutoff) or theirs.cutoff == ours.cutoff
    divisors = {theirs.divisor, ours.divisor}
    if same_cutoff and (_whole(theirs) or _whole(ours) or None in divisors or len(divisors) == 1):
        return None
    return f"{_metric_words(ours)}, theirs {_metric_words(theirs)}"


def _ties(theirs: Facts, ours: Facts) -> str | None:
    if None in (theirs.ties, ours.ties) or theirs.ties == ours.ties:
        return None
    return f"mAP {_TIES[str(ours.ties)]}, theirs {_TIES[str(theirs.ties)]}"


def _network(theirs: Facts, ours: Facts) -> str | None:
    pairs = ((theirs.backbone, ours.backbone), (theirs.regime, ours.regime), (theirs.pretrained, ours.pretrained))
    if all(None in pair or pair[0] == pair[1] for pair in pairs):
        return None
    return f"{_network_words(ours)}, theirs {_network_words(theirs)}"


def _settings(theirs: Facts, ours: Facts) -> str | None:
    if theirs.settings == ours.settings:
        return None
    return f"{_SETTINGS[ours.settings]}, theirs {_SETTINGS[theirs.settings]}"


def _training(theirs: Facts, ours: Facts) -> str | None:
    shared = [name for name in theirs.train if name in ours.train]
    names = [name for name in shared if theirs.train[name] != ours.train[name]]
    if not names:
        return None
    return f"trained with {_listed(ours.train, names)}; theirs {_listed(theirs.train, names)}"


def _checkpoint(theirs: Facts, ours: Facts) -> str | None:
    if None in (theirs.checkpoint, ours.checkpoint) or theirs.checkpoint == ours.checkpoint:
        return None
    return f"measured {_CHECKPOINTS[str(ours.checkpoint)]}, theirs {_CHECKPOINTS[str(theirs.checkpoint)]}"


def _unknown(theirs: Facts, ours: Facts) -> str | None:
    """What must be known of both and is not."""
    gaps = {"their": _gaps(theirs), "our": _gaps(ours)}
    said = [f"{whose} {', '.join(names)}" for whose, names in gaps.items() if names]
    return f"not known: {' and '.join(said)}" if said else None


_CHECKS: tuple[Callable[[Facts, Facts], str | None], ...] = (
    _split, _counts, _class_count, _part, _metric, _ties, _network, _settings, _training, _checkpoint, _unknown,
)  # fmt: skip
_TIES = {
    "expected": "expected over all orders of ties", "stable": "in the database's order of ties",
    "unspecified": "in one unspecified order of ties",
}  # fmt: skip
_SETTINGS = {
    "paper": "the paper's own settings", "matched": "settings that match for all methods",
    "tuned": "settings tuned for each method",
}  # fmt: skip
_CHECKPOINTS = {
    "last": "after the last epoch", "best-test": "at the best of several epochs on the test set",
    "best-validation": "at the best of several epochs on a validation part",
}  # fmt: skip
_DIVISORS = {
    "hits": "divided by the hits within k", "all": "divided by all relevant items",
    "min": "divided by min(k, relevant)", None: "of unknown divisor",
}  # fmt: skip


def _gaps(facts: Facts) -> list[str]:
    values = {
        "split": facts.splits, "training items": facts.train_items, "query items": facts.query_items,
        "database items": facts.database_items, "cutoff": facts.cutoff,
        "divisor": facts.cutoff if facts.cutoff in (None, "all") else facts.divisor,
        "order of ties": facts.ties, "backbone": facts.backbone, "regime": facts.regime,
        "weights at the start": facts.pretrained, "epochs": facts.train.get("epochs"),
        "checkpoint": facts.checkpoint,
    }  # fmt: skip
    return [name for name, value in values.items() if value is None]


def _classes(theirs: int, ours: int) -> str | None:
    return None if theirs == ours else f"{ours} classes, theirs {theirs}"


def _items(facts: Facts) -> tuple[int | None, ...]:
    return facts.train_items, facts.query_items, facts.database_items


def _counted(facts: Facts) -> str:
    return " / ".join("?" if count is None else f"{count:,}" for count in _items(facts))


def _whole(facts: Facts) -> bool:
    return facts.cutoff == "all"


def _metric_words(facts: Facts) -> str:
    if _whole(facts):
        return "mAP over the whole database"
    return f"mAP@{'?' if facts.cutoff is None else facts.cutoff} {_DIVISORS[facts.divisor]}"


def _network_words(facts: Facts) -> str:
    backbone = "an unknown backbone" if facts.backbone is None else facts.backbone
    start = " from random weights" if facts.pretrained is False else ""
    match facts.regime:
        case "frozen":
            return f"frozen {backbone} features{start}"
        case "finetune" if facts.pretrained is not False:
            return f"fine-tuned {backbone}"
        case "quick" if facts.pretrained:
            return f"{backbone} fine-tuned by the quick regime"
        case _:
            return f"{backbone} trained{start}{' by the quick regime' if facts.regime == 'quick' else ''}"


def _listed(train: Mapping[str, Any], names: list[str]) -> str:
    values = {name: train[name] for name in names}
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )


def _either(names: Iterable[str]) -> str:
    return " or ".join(names)
