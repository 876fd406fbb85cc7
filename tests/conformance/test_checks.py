"""The checks of `bench check`: they pass what is right and find, by name, what is broken."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from bench.conformance import CHECKS, check_method
from bench.conformance.probes import CLASSES, Refusal, Subject, batch, similarity, update_epochs
from bench.errors import ConfigError, UnknownNameError
from bench.plugins.registry import registry

METHOD = """
import numpy as np
import torch
from bench.config import Config, setting
from bench.errors import ConfigError
from bench.losses import central_bce
from bench.plugins import PluginInfo
from bench.plugins.method import Method
from bench.randomness import stream

INFO = PluginInfo(name="{name}", summary="a method", citation="me", licence="MIT")


class Settings(Config):
    weight: float = setting(1.0, "of the loss", source="project")


class Mine(Method):
    Config = Settings

    def make_centers(self):
        size = self.task.num_classes, self.task.bits
        return torch.from_numpy(stream(self.task.seed, "centers").integers(0, 2, size) * 2 - 1)

    def pull(self, relaxed, targets):
        wanted = torch.where(self.multi_hot(targets) @ self.centers >= 0, 1.0, -1.0)
        return self.config.weight * central_bce(relaxed, wanted)

    def loss(self, relaxed, targets):
        return self.pull(relaxed, targets)
"""
BROKEN = {
    "ignores its centers": ("given-centers", "expected other centers to change the loss", """
    def loss(self, relaxed, targets):
        return (relaxed - 1).square().mean()
"""),
    "codes do not go to their centers": ("own-center", "expected more than 95% of codes at their own center", """
    def loss(self, relaxed, targets):
        return (relaxed - 1).square().mean()
"""),
    "climbs": ("descent", "expected the loss to fall", """
    def loss(self, relaxed, targets):
        loss = self.pull(relaxed, targets)
        return 2 * loss.detach() - loss
"""),
    "NaN gradient": ("gradient", "NaN or infinite", """
    def loss(self, relaxed, targets):
        return self.pull(relaxed, targets) + (0 * relaxed).sqrt().sum()
"""),
    "no gradient": ("gradient", "without a gradient", """
    def loss(self, relaxed, targets):
        return self.pull(relaxed.detach(), targets)
"""),
    "another's gradient": ("gradient", "expected a loss that depends on the outputs; found none", """
    def loss(self, relaxed, targets):
        return self.pull(relaxed.detach().requires_grad_(), targets)
"""),
    "takes any centers": ("given-centers", "expected centers of another shape to be refused", """
    centers = property(lambda self: self._centers, lambda self, value: setattr(self, "_centers", value.float()))
"""),
    "vector": ("loss", "expected a scalar loss; found a tensor of shape (24,)", """
    def loss(self, relaxed, targets):
        return (relaxed * self.centers[targets]).mean(dim=1)
"""),
    "number": ("loss", "expected a scalar loss; found a float", """
    def loss(self, relaxed, targets):
        return self.pull(relaxed, targets).item()
"""),
    "log with a graph": ("loss", "log['part'] to be a detached scalar", """
    def loss(self, relaxed, targets):
        loss = self.pull(relaxed, targets)
        self.log = {"part": loss}
        return loss
"""),
    "random loss": ("seed", "expected equal losses from one seed", """
    def loss(self, relaxed, targets):
        return self.pull(relaxed + torch.rand(()), targets)
"""),
    "random centers": ("seed", "expected equal centers from one seed", """
    def make_centers(self):
        return torch.randn(self.task.num_classes, self.task.bits).sign()
"""),
    "training by chance": ("training", "expected two trainings from one seed to be equal", """
    def before_epoch(self, epoch):
        self.chance = torch.rand(()) if epoch else 0.0

    def loss(self, relaxed, targets):
        return self.pull(relaxed + self.chance, targets)
"""),
    "coarse in float32": ("float64", "expected the same loss in float32 and float64", """
    def pull(self, relaxed, targets):
        coarse = (relaxed + 1e5) - 1e5
        return central_bce(coarse, self.centers[targets])
"""),
    "zeros after an epoch": ("after-epoch", "expected centers after epoch 1 to be -1 or +1; found", """
    def reads_codes(self, epoch):
        return True

    def after_epoch(self, epoch, codes, targets):
        self._centers.zero_()
"""),
    "zeros for zeros": ("codes", "sgn(0) is +1", """
    def codes(self, outputs):
        return outputs.sign().to(torch.int8)
"""),
    "float codes": ("codes", "int8; found", """
    def codes(self, outputs):
        return super().codes(outputs).float()
"""),
    "moves by chance": ("after-epoch", "expected equal centers after the same codes", """
    def reads_codes(self, epoch):
        return True

    def after_epoch(self, epoch, codes, targets):
        self.centers = torch.randn_like(self.centers).sign()
"""),
    "refuses a length without ConfigError": ("bits-13", "ValueError: odd", """
    @classmethod
    def check(cls, config, task):
        if task.bits % 2:
            raise ValueError("odd")
"""),
    "refuses many classes without ConfigError": ("classes-300", "AssertionError", """
    def make_centers(self):
        assert self.task.num_classes < 300
        return super().make_centers()
"""),
    "refuses several labels without ConfigError": ("multi-label", "NotImplementedError", """
    def loss(self, relaxed, targets):
        if targets.ndim == 2:
            raise NotImplementedError
        return self.pull(relaxed, targets)
"""),
    "refuses the main task": ("centers", "expected it to do 12 classes at 32 bits; it refuses: not today", """
    @classmethod
    def check(cls, config, task):
        raise ConfigError("not today")
"""),
    "refuses without a reason": ("bits-8", "expected a reason for refusing", """
    @classmethod
    def check(cls, config, task):
        if task.bits < 32:
            raise ConfigError("")
"""),
    "state outside the state": ("state", "expected the same loss after loading", """
    @property
    def centers(self):
        return super().centers

    @centers.setter
    def centers(self, value):
        Method.centers.__set__(self, value)
        self.target = value.clone()

    def pull(self, relaxed, targets):
        return central_bce(relaxed, torch.where(self.multi_hot(targets) @ self.target.float() >= 0, 1.0, -1.0))
"""),
    "no slow outputs": ("momentum", "expected reads_slow_outputs to be true for some epoch", """
    momentum = 0.9
"""),
    "momentum over 1": ("momentum", "expected a momentum in [0, 1); found 1.5", """
    momentum = 1.5
"""),
    "slow outputs break the loss": ("momentum", "expected a finite loss; found nan", """
    momentum = 0.9

    def reads_slow_outputs(self, epoch):
        return epoch == 3

    def before_loss(self, places, slow):
        self.scale = float("nan")

    def loss(self, relaxed, targets):
        return getattr(self, "scale", 1.0) * self.pull(relaxed, targets)
"""),
    "forgets its steps": ("resume", "expected a training that is ended after each of 3 epochs and goes on", """
    steps = 0

    def loss(self, relaxed, targets):
        self.steps += 1
        return (1 + self.steps / 10) * self.pull(relaxed, targets)
"""),
    "buffers that come late": ("resume", "found training start again: the checkpoint", """
    def after_epoch(self, epoch, codes, targets):
        self.register_buffer("seen", codes)

    def reads_codes(self, epoch):
        return True
"""),
    "state that is no data": ("resume", "a set cannot be saved", """
    def get_extra_state(self):
        return {1, 2}

    def set_extra_state(self, state):
        pass
"""),
    "not of its buffers alone": ("vmap", "expected the same loss by torch.func.vmap and alone", """
    loss_vmaps = True

    def loss(self, relaxed, targets):
        return (1 + self.task.seed) * self.pull(relaxed, targets)
"""),
    "needs make_centers": ("as-loss", "AttributeError", """
    def make_centers(self):
        self.drawn = 1.0
        return super().make_centers()

    def loss(self, relaxed, targets):
        return self.drawn * self.pull(relaxed, targets)
"""),
    "paper of another trainer": ("paper-training", "train has no setting 'learning_rate'", """
    @classmethod
    def paper_training(cls, multi_label):
        return {"learning_rate": 1e-4}
"""),
    "NaN in the log": ("training", "expected a finite part in the history", """
    def loss(self, relaxed, targets):
        loss = self.pull(relaxed, targets)
        self.log = {"part": loss.detach() * float("nan")}
        return loss
"""),
    "NaN after an epoch of several labels": ("training-multi-label", "NotFiniteError: the loss is nan", """
    def before_epoch(self, epoch):
        self.factor = float("nan") if epoch and self.task.multi_label else 1.0

    def loss(self, relaxed, targets):
        return self.factor * self.pull(relaxed, targets)
"""),
    "facts that are no JSON": ("centers", "TypeError", """
    def make_centers(self):
        self.facts = {"moments": {1, 2}}
        return super().make_centers()
"""),
}  # fmt: skip


@pytest.fixture(autouse=True)
def registered_for_one_test(monkeypatch: pytest.MonkeyPatch) -> None:
    known = registry("method")
    monkeypatch.setattr(known, "_entries", dict(known.entries()))


def written(folder: Path, name: str, more: str = "") -> str:
    """A file with a method; what overrides the sound one is in a class below it."""
    text = METHOD.format(name=name)
    if more:  # a file has one plug-in: the sound class passes for another module's
        sound = text.replace("class Mine(Method):", "class Sound(Method):")
        text = f'{sound}\n\nSound.__module__ = "elsewhere"\n\n\nclass Mine(Sound):\n{more}'
    path = folder / f"{name}.py"
    path.write_text(text)
    return str(path)


def test_a_sound_method_passes(tmp_path: Path) -> None:
    outcomes = check_method(written(tmp_path, "sound"))
    assert [outcome.check for outcome in outcomes] == list(CHECKS)
    assert {outcome.check: outcome.detail for outcome in outcomes if outcome.status not in ("ok", "skipped")} == {}
    assert {o.check for o in outcomes if o.status == "skipped"} <= {"momentum", "vmap", "cuda"}
    assert all(outcome.seconds >= 0 and outcome.traceback is None for outcome in outcomes)


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_method_is_found_by_the_named_check(tmp_path: Path, what: str) -> None:
    check, sentence, more = BROKEN[what]
    (outcome,) = check_method(written(tmp_path, "broken-" + what.replace(" ", "-"), more), [check])
    assert outcome.status == "failed", outcome
    assert sentence in outcome.detail
    assert "\n" not in outcome.detail
    foreseen = outcome.detail.startswith("expected")
    assert (outcome.traceback is None) == foreseen


def test_what_is_in_the_extra_state_comes_back(tmp_path: Path) -> None:
    more = """
    steps = 0

    def loss(self, relaxed, targets):
        self.steps += 1
        return (1 + self.steps / 10) * self.pull(relaxed, targets)

    def get_extra_state(self):
        return {"steps": self.steps}

    def set_extra_state(self, state):
        self.steps = state["steps"]
"""
    outcomes = check_method(written(tmp_path, "counting", more), ["resume", "state"])
    assert [(outcome.status, outcome.detail) for outcome in outcomes] == [("ok", ""), ("ok", "")]


def test_a_search_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = """
    def make_centers(self):
        import time
        try:
            time.sleep(60 if self.task.num_classes > 100 else 0)
        except Exception:
            raise AssertionError("the limit can be caught") from None
        return super().make_centers()
"""
    monkeypatch.setattr("bench.conformance.runner.SIZES_BUDGET", 0.6)
    (compiled,) = check_method("mds-admm", ["classes-300"])  # takes half a minute
    assert (compiled.status, compiled.detail) == ("skipped", "not done within 0.6 s")
    path = written(tmp_path, "slow", more)
    rang: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)  # somebody else's timer comes late but comes
        slow, fast = check_method(path, ["classes-300", "classes-3"])
        time.sleep(0.1)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert (slow.status, slow.detail) == ("skipped", "not done within 0.6 s")
    assert 0.5 < slow.seconds < 30
    assert fast.status == "ok"
    assert rang == [1]


def test_what_info_and_settings_lack(tmp_path: Path) -> None:
    text = METHOD.format(name="lacking").replace('citation="me", ', "").replace('"of the loss"', '""')
    (tmp_path / "lacking.py").write_text(text)
    info, settings = check_method(str(tmp_path / "lacking.py"), ["info", "settings"])
    assert (info.status, settings.status) == ("failed", "failed")
    assert info.detail.endswith("it has no citation")
    assert "expected setting weight to have a help text" in settings.detail


def test_refusals_keep_their_reason_and_are_no_failures(tmp_path: Path) -> None:
    more = """
    @classmethod
    def check(cls, config, task):
        if task.bits != 32 or task.multi_label:
            raise ConfigError(f"{task.bits} bits are not for me")
"""
    outcomes = {o.check: o for o in check_method(written(tmp_path, "picky", more))}
    assert {name for name, o in outcomes.items() if o.status == "refused"} == {
        "multi-label", "training-multi-label", "bits-8", "bits-13", "bits-48", "bits-100", "bits-256",
    }  # fmt: skip
    assert outcomes["bits-13"].detail == "13 bits are not for me"
    assert not [o for o in outcomes.values() if o.status == "failed"]


def test_remarks() -> None:
    (seed,) = check_method("csq", ["seed"])
    assert (seed.status, seed.detail[:40]) == ("ok", "centers do not depend on the seed; train")
    (seed,) = check_method("crh", ["seed"])
    assert (seed.status, seed.detail) == ("ok", "")
    (after,) = check_method("csq", ["after-epoch"])
    assert after.detail == "reads no codes: its centers stay"
    (two,) = check_method("crh", ["classes-2"])
    assert two.status == "refused"
    assert "at least 3 classes" in two.detail


def test_classes_that_share_a_center_are_a_remark(tmp_path: Path) -> None:
    more = """
    def make_centers(self):
        return torch.ones(self.task.num_classes, self.task.bits)
"""
    path = written(tmp_path, "all-alike", more)
    centers, own = check_method(path, ["centers", "own-center"])
    assert (centers.status, centers.detail) == ("ok", "66 pairs of classes share a center")
    assert own.status == "failed"


def test_a_warning_of_the_method_is_a_remark() -> None:
    (many,) = check_method("csq", ["classes-300"])
    assert many.status == "ok"
    assert "still miss CSQ's own test" in many.detail


@pytest.mark.parametrize("name", ["crh+csq-loss", "crh[margin=0.3]", "crh[heads=1]+csq-loss"])
def test_combinations_and_settings(name: str) -> None:
    outcomes = check_method(name)
    assert [o for o in outcomes if o.status == "failed"] == []


def test_the_settings_in_brackets_are_those_tried() -> None:
    assert Subject.named("crh[margin=0.3]").config.margin == 0.3
    assert Subject.named("crh[heads=1]+csq-loss").config.centers.heads == 1


def test_mistakes() -> None:
    with pytest.raises(UnknownNameError, match="there is no method 'chr': did you mean crh"):
        check_method("chr")
    with pytest.raises(UnknownNameError, match="there is no check 'bits-9': did you mean bits-8"):
        check_method("crh", ["bits-9"])
    with pytest.raises(ConfigError, match="margin = -1"):
        check_method("crh[margin=-1]")


def test_they_are_watched() -> None:
    seen: list[str] = []
    check_method("csq", ["info", "codes"], watch=seen.append)
    assert seen == ["info", "codes"]


def test_the_random_similarity_is_one() -> None:
    found = similarity(7)
    assert found.shape == (7, 7)
    assert (found == found.T).all()
    assert (found.diagonal() == 1).all()
    assert ((found > 0) & (found <= 1)).all()


@pytest.mark.parametrize("multi_label", [False, True])
def test_batches_have_every_class_twice(multi_label: bool) -> None:
    subject = Subject.named("csq")
    outputs, targets = batch(subject.build(subject.task(multi_label=multi_label)))
    assert outputs.shape == (2 * CLASSES, 32)
    counts = targets.sum(dim=0) if multi_label else torch.bincount(targets)
    assert counts.shape == (CLASSES,)
    assert (counts >= 2).all()


def test_a_refusal_is_told_from_other_errors() -> None:
    subject = Subject.named("crh")
    with pytest.raises(Refusal, match="at least 3 classes"):
        subject.build(subject.task(classes=2))
    assert update_epochs(subject.build()) == [0, 1, 2]


def test_in_a_third_partys_pytest(tmp_path: Path) -> None:
    written(tmp_path, "theirs", BROKEN["NaN gradient"][2])
    (tmp_path / "test_theirs.py").write_text("""
import pytest
from bench.conformance import CHECKS, check_method

@pytest.mark.parametrize("check", CHECKS)
def test_my_method(check):
    (outcome,) = check_method("theirs.py", [check])
    assert outcome.status != "failed", outcome.detail
""")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_theirs.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ},
    )  # fmt: skip
    assert importlib.util.find_spec("theirs") is None  # it is read from its path
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED test_theirs.py::test_my_method[gradient]" in done.stdout
    assert "FAILED test_theirs.py::test_my_method[codes]" not in done.stdout
