import pytest

from bench.reports._figures.labels import decimals, shortened


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("crh", 8, "crh"), ("abcdefgh", 8, "abcdefgh"), ("abcdefghi", 8, "abcd…ghi"), ("a\nb\tc", 8, "a b c"),
        ("\x00x\x1b[0m", 8, "x [0m"), ("", 4, ""), ("x" * 500, 5, "xx…xx"),
    ],
)  # fmt: skip
def test_names_are_cut_in_the_middle_and_cleaned(text: str, most: int, expected: str) -> None:
    assert shortened(text, most) == expected


@pytest.mark.parametrize(
    ("value", "text"), [(0.126, "0.13"), (-0.126, "−0.13"), (-0.001, "0.00"), (0.0, "0.00"), (None, "–"), (1, "1.00")]
)
def test_two_places_and_no_negative_zero(value: float | None, text: str) -> None:
    assert decimals(value) == text
