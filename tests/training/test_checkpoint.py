import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import bench
from bench.backbones.build import Weights
from bench.conformance.probes import similarity
from bench.errors import BenchWarning
from bench.plugins.method import Method, Task
from bench.training.checkpoint import Checkpoint
from bench.training.inputs import FeatureInputs, ImageInputs
from bench.training.model import build_model
from bench.training.nested import load_nested
from bench.training.progress import Observer
from bench.training.regimes import train_config
from bench.training.trainer import encode, train

CPU = torch.device("cpu")
CLASSES, BITS, COUNT = 6, 16, 50
RNG = np.random.default_rng(0)
LABELS = np.arange(COUNT) % CLASSES
FEATURES = RNG.normal(size=(COUNT, 10)).astype(np.float32)
IMAGES = RNG.integers(0, 256, (COUNT, 16, 16, 3), dtype=np.uint8)


class Ended(Exception):
    pass


class EndAfter(Observer):
    """Ends a training after so many items."""

    def __init__(self, items: float = np.inf) -> None:
        self.left = items

    def advance(self, items: int) -> None:
        self.left -= items
        if self.left < 0:
            raise Ended


def fit(
    method: Method, checkpoint: Checkpoint | None = None, items: float = np.inf, *, images: bool = False, seed: int = 3,
    count: int = COUNT, **settings: Any,
) -> dict[str, Any]:  # fmt: skip
    """Bits that a training ends in."""
    settings = {"epochs": 4, "batch_size": 16, **settings}
    if images:
        config, weights = train_config("quick", None, settings), Weights("small-cnn")
        inputs: Any = ImageInputs(IMAGES, config, weights, True, CPU)
    else:
        config, weights = train_config("frozen", None, {"backbone": "features", **settings}), Weights("features")
        inputs = FeatureInputs(FEATURES, CPU)
    model = build_model(inputs, weights, config, method.outputs, seed, CPU)
    torch.manual_seed(1)  # dropout's: a training goes on with what it had, not with what another process has
    trained = train(
        model, method, inputs, LABELS, np.arange(count), config,
        seed=seed, pretrained=False, device=CPU, observer=EndAfter(items), checkpoint=checkpoint,
    )  # fmt: skip
    torch.manual_seed(2)
    codes = encode(model, method, inputs, np.arange(COUNT), Observer())
    return {
        "history": trained.history, "assignment": getattr(method, "assignment", np.empty(0)).tolist(),
        "used": trained.centers_used.tolist(), "final": trained.centers_final.tolist(),
        "relaxed": codes.relaxed.tolist(), "weights": [w.tolist() for w in model.state_dict().values()],
    }  # fmt: skip


def method(name: str) -> Method:
    return bench.method(name, CLASSES, BITS, similarity=similarity(CLASSES) if name == "shc" else None)


CASES: dict[str, tuple[Callable[[], Method], dict[str, Any]]] = {
    "crh": (lambda: method("crh"), {}),
    "crh from a pass, sgd": (lambda: method("crh-pass"), {"optimizer": "sgd"}),
    "mds with its bank, rmsprop": (
        lambda: bench.method("mds", CLASSES, BITS, pair_from=2), {"optimizer": "rmsprop", "head": "linear-bn"}
    ),
    "shc, adamw, last batch dropped": (lambda: method("shc"), {"optimizer": "adamw", "drop_last": True}),
    "csq, dropout": (lambda: method("csq"), {"head": "mlp", "hidden": (8, 8)}),
    "crh's centers, mds's loss": (lambda: bench.method("crh+mds-loss", CLASSES, BITS, loss={"pair_from": 1}), {}),
    "classifier": (lambda: method("classifier-codes"), {}),
    "images": (lambda: bench.method("mds", CLASSES, BITS, pair_from=1), {"images": True, "epochs": 3}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_training_that_was_ended_ends_in_the_same_bits(case: str, tmp_path: Path) -> None:
    build, settings = CASES[case]
    whole = fit(build(), **settings)
    for epoch in range(settings.get("epochs", 4)):  # ended in the midst of each epoch, and gone on in one go
        checkpoint = Checkpoint(tmp_path / str(epoch), every=0)
        with pytest.raises(Ended):
            fit(build(), checkpoint, epoch * COUNT + 20, **settings)
        assert checkpoint.path.exists() == (epoch > 0)
        assert fit(build(), Checkpoint(checkpoint.folder, every=0), **settings) == whole
    # When all epochs are done, nothing is left to do.
    assert fit(build(), checkpoint, COUNT * settings.get("epochs", 4), **settings) == whole


def ended(folder: Path) -> Checkpoint:
    """The checkpoint of a training of CRH that was ended in its third epoch."""
    checkpoint = Checkpoint(folder, every=0)
    with pytest.raises(Ended):
        fit(method("crh"), checkpoint, 2 * COUNT + 10)
    return checkpoint


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("spoil", [cut, flip, lambda path: path.write_text("{}")], ids=["cut", "changed", "foreign"])
def test_a_spoilt_checkpoint_is_passed_over(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    checkpoint = ended(tmp_path)
    spoil(checkpoint.path)
    with pytest.warns(BenchWarning, match="is cut or no checkpoint: training starts again"):
        assert fit(method("crh"), checkpoint) == fit(method("crh"))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"seed": 4}, "other seed"),
        ({"lr": 0.1}, "other training settings"),
        ({"count": 49}, "other training items"),
    ],
)
def test_a_checkpoint_of_another_run_is_passed_over(tmp_path: Path, change: dict[str, Any], what: str) -> None:
    checkpoint = ended(tmp_path)
    with pytest.warns(BenchWarning, match=rf"is of another run \({what}\): training starts again"):
        assert fit(method("crh"), checkpoint, **change) == fit(method("crh"), **change)


@pytest.mark.parametrize("other", ["crh-hungarian", "csq"])
def test_a_checkpoint_of_another_method_is_passed_over(tmp_path: Path, other: str) -> None:
    checkpoint = ended(tmp_path)
    with pytest.warns(BenchWarning, match=r"is of another run \(other .*method"):
        assert fit(method(other), checkpoint) == fit(method(other))


class Counting(Method):
    """A loss that grows with its steps; what it saves can be changed."""

    layout = "old"

    def make_centers(self) -> Tensor:
        self.steps = 0
        return torch.ones(CLASSES, BITS)

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        self.steps += 1
        return self.steps * (relaxed - 1).square().mean()

    def get_extra_state(self) -> Any:
        return {self.layout: self.steps} if self.layout != "none" else {1, 2}

    def set_extra_state(self, state: Any) -> None:
        self.steps = state[self.layout]


def counting() -> Method:
    return Counting(Method.Config(), Task(CLASSES, BITS))


def test_a_state_that_does_not_fit_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit(counting())
    checkpoint = Checkpoint(tmp_path, every=0)
    with pytest.raises(Ended):
        fit(counting(), checkpoint, 2 * COUNT)
    monkeypatch.setattr(Counting, "layout", "new")
    with pytest.warns(BenchWarning, match=r"does not fit \(KeyError\): training starts again"):
        assert fit(counting(), checkpoint) == whole


def test_what_cannot_be_saved_does_not_end_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit(counting())
    (tmp_path / "file").write_text("")
    with pytest.warns(BenchWarning, match=r"cannot be written \(.*: an ended training will start again"):
        assert fit(counting(), Checkpoint(tmp_path / "file" / "folder", every=0)) == whole
    monkeypatch.setattr(Counting, "layout", "none")
    with pytest.warns(BenchWarning, match=r"cannot be written \(a set cannot be saved"):
        assert fit(counting(), Checkpoint(tmp_path, every=0)) == whole


def test_it_is_saved_when_it_is_time_to_and_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, saved = 0.0, []
    checkpoint = Checkpoint(tmp_path / "cell", every=25)

    class Clock(EndAfter):
        def epoch(self, *_: object) -> None:
            nonlocal now
            now += 10.0
            saved.append(load_nested(checkpoint.path)["parts"]["course"]["epoch"] if checkpoint.path.exists() else 0)

    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setitem(globals(), "EndAfter", Clock)
    fit(method("csq"), checkpoint, epochs=7)
    assert saved == [0, 0, 0, 3, 3, 3, 6]  # each epoch takes ten seconds
    checkpoint.clear()
    assert not checkpoint.folder.exists()
    checkpoint.clear()
    assert tmp_path.exists()
