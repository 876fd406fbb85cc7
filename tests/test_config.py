import pytest
from pydantic import ValidationError

from bench.config import Config, setting
from bench.errors import ConfigError


class Example(Config):
    margin: float = setting(0.2, "margin", source="a paper, Eq. 1", ge=0)
    heads: int | None = setting(None, "heads", ge=1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"margn": 0.1}, "example has no setting 'margn': did you mean example.margin\\?"),
        ({"zzz": 1}, "example has no setting 'zzz': it has: margin, heads."),
        ({"margin": -1}, "example.margin = -1 cannot be: input should be greater than or equal to 0."),
        ({"margin": float("nan")}, "example.margin = nan cannot be"),
        ({"heads": "many"}, "example.heads = 'many' cannot be"),
    ],
)
def test_bad_values_end_in_one_sentence(values: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Example.build("example", values)
    assert "\n" not in str(caught.value)


def test_a_config_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Example().margin = 1.0  # type: ignore[misc]


def test_each_setting_says_its_default_and_where_it_is_from() -> None:
    assert Example.describe() == [("margin", 0.2, "margin", "a paper, Eq. 1"), ("heads", None, "heads", "project")]
