from pathlib import Path

import pytest

from bench.reports._known_methods import family, method_info


@pytest.mark.parametrize(
    ("name", "known", "of"),
    [
        ("crh", "crh", "crh"), ("crh-m", "crh", "crh"), ("crh+csq-loss", "crh+csq-loss", "crh+csq-loss"),
        ("gone", None, "gone"), ("crh+gone-loss", None, "crh+gone-loss"), ("crh+csq", None, "crh+csq"),
    ],
)  # fmt: skip
def test_methods_variants_and_combinations(name: str, known: str | None, of: str) -> None:
    info = method_info(name)
    assert (None if info is None else info.name) == known
    assert family(name) == of


def test_no_file_is_run(tmp_path: Path) -> None:
    ran, evil = tmp_path / "ran", tmp_path / "evil.py"
    evil.write_text(f"open({str(ran)!r}, 'w')\n")
    for name in (str(evil), f"{evil}+csq-loss", f"crh+{evil}-loss"):
        assert method_info(name) is None
    assert not ran.exists()
