from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.grid.choice import method_choice, parse_value, split_outside_brackets

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "coin_flips.py"


def test_a_plain_name_has_the_settings_of_its_owner() -> None:
    choice = method_choice("crh-m")
    assert choice.parts == ("crh-m",)
    assert choice.changed({"crh-m": {"margin": 0.3}, "crh": {"margin": 9}}) == {"margin": 0.3}
    assert choice.label({}) == "crh-m"


def test_settings_in_brackets_come_over_those_of_the_owner() -> None:
    choice = method_choice("crh[margin=0.3, reassignment=never,codebook_size=none]")
    assert choice.name == "crh"
    assert choice.changed({"crh": {"margin": 1, "period": 2}}) == {
        "margin": 0.3, "period": 2, "reassignment": "never", "codebook_size": None,
    }  # fmt: skip
    assert choice.label({}) == "crh[codebook_size=None,margin=0.3,reassignment=never]"


def test_a_combination_takes_the_settings_of_both_parts() -> None:
    choice = method_choice("crh[heads=1]+csq-loss")
    assert choice.name == "crh+csq-loss"
    assert choice.parts == ("crh", "csq")
    sets = {"csq": {"quantization_weight": 0.5}}
    assert choice.changed(sets) == {"centers": {"heads": 1}, "loss": {"quantization_weight": 0.5}}
    assert choice.label(sets) == "crh[heads=1]+csq[quantization_weight=0.5]-loss"
    assert method_choice("crh+csq-loss").changed({}) == {}


def test_settings_of_the_loss_stand_before_its_suffix() -> None:
    choice = method_choice("crh+csq[quantization_weight=0.5]-loss")
    assert choice.name == "crh+csq-loss"
    assert choice.changed({}) == {"loss": {"quantization_weight": 0.5}}


def test_a_file_is_registered_and_goes_by_its_own_name() -> None:
    assert method_choice(str(EXAMPLE)).name == "coin-flips"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr", "did you mean crh"),
        ("crh[margin]", "METHOD\\[setting=value"),
        ("crh[margin=1", "METHOD\\[setting=value"),
        ("[margin=1]", "METHOD\\[setting=value"),
        ("crh+csq", "CENTERS\\+LOSS-loss"),
        ("crh+-loss", "CENTERS\\+LOSS-loss"),
        ("crh+csq-loss+mds-loss", "CENTERS\\+LOSS-loss"),
        ("crh+chr-loss", "did you mean crh"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        method_choice(text)


def test_commas_in_brackets_are_no_separators() -> None:
    assert split_outside_brackets("a[x=1,y=[2,3]],b,c", ",") == ["a[x=1,y=[2,3]]", "b", "c"]


@pytest.mark.parametrize(
    ("text", "value"), [("0.3", 0.3), ("true", True), ("None", None), ("greedy", "greedy"), ("[1, 2]", [1, 2])]
)
def test_values_are_read_as_toml_or_text(text: str, value: object) -> None:
    assert parse_value(text) == value
