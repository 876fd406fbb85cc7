import pytest
import torch

from bench.errors import ConfigError
from bench.training.optimizer import make_optimizer, set_lr
from bench.training.regimes import REGIMES, lr_at, train_config


def test_golden_cosine_schedule() -> None:
    config = train_config("finetune", None, {})
    assert [lr_at(config, e) for e in (0, 150, 299)] == pytest.approx([1e-4, 5.005e-5, 1.02739e-7], rel=1e-5)


def test_step_and_constant_schedules() -> None:
    step = train_config("finetune", None, {"schedule": "step", "lr": 1.0})
    assert [lr_at(step, e) for e in (0, 9, 10, 25)] == pytest.approx([1, 1, 0.7, 0.49])
    assert lr_at(train_config("finetune", None, {"schedule": "constant", "lr": 1.0}), 99) == 1.0


def test_the_finetune_regime_is_the_paper_of_crh() -> None:
    import bench.methods.crh  # noqa: F401
    from bench.plugins import registry

    paper = registry("method").load("crh").paper_training(False)
    assert train_config("finetune", paper, {}) == train_config("finetune", None, {})


@pytest.mark.parametrize("regime", REGIMES)
def test_user_over_paper_over_regime(regime: str) -> None:
    paper = {"epochs": 77, "weight_decay": 0.123}
    config = train_config(regime, paper, {"weight_decay": 0.5})
    assert config.weight_decay == 0.5
    assert (config.epochs == 77) == ("epochs" not in REGIMES[regime].keeps)


@pytest.mark.parametrize(
    ("regime", "overrides", "message"),
    [
        ("finetun", {}, "did you mean finetune"),
        ("quick", {"epochs": 0}, "train.epochs = 0 cannot be"),
        ("quick", {"epoch": 3}, "did you mean train.epochs"),
        ("finetune", {"store_size": 100}, "store_size 100 is less than image_size 224"),
    ],
)
def test_bad_choices(regime: str, overrides: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        train_config(regime, None, overrides)


def test_each_group_has_the_rate_of_the_epoch_by_its_ratio() -> None:
    config = train_config("finetune", None, {"backbone_lr_ratio": 0.1, "epochs": 20})
    optimizer = make_optimizer([torch.zeros(2)], [torch.zeros(3)], config, pretrained=True)
    for epoch in (0, 7, 19):
        set_lr(optimizer, config, epoch)
        assert [group["lr"] for group in optimizer.param_groups] == [0.1 * lr_at(config, epoch), lr_at(config, epoch)]
