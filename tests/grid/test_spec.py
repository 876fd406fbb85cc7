from pathlib import Path

import pytest

from bench.errors import ConfigError
from bench.grid.spec import grid_spec, parse_set


def test_file_options_and_texts_mean_the_same(tmp_path: Path) -> None:
    file = tmp_path / "grid.toml"
    file.write_text('methods = ["crh"]\nbits = [16, 32]\n[set.crh]\nmargin = 0.3\n[set.train]\nbetas = [0.9, 0.99]\n')
    options = {"methods": ["crh"], "bits": [16, 32]}
    by_text = grid_spec(None, options, ["crh.margin=0.3", "train.betas=[0.9, 0.99]"])
    assert grid_spec(file) == by_text
    assert grid_spec(file, {"bits": [8]}, ["crh.margin=0.4"]).set["crh"] == {"margin": 0.4}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("crh.margin=0.3", ("crh", "margin", 0.3)),
        ("crh.heads=4", ("crh", "heads", 4)),
        ("crh.heads=none", ("crh", "heads", None)),
        ("train.flip = false", ("train", "flip", False)),
        ("crh.reassignment=hungarian", ("crh", "reassignment", "hungarian")),
        ("train.weights=./a=b.pth", ("train", "weights", "./a=b.pth")),
    ],
)
def test_values_are_read_as_toml_or_text(text: str, expected: tuple) -> None:
    assert parse_set(text) == expected


@pytest.mark.parametrize("text", ["crh.margin", "margin=3", ".x=1", "crh.=1"])
def test_a_text_that_is_no_setting(text: str) -> None:
    with pytest.raises(ConfigError, match=r"write owner\.field=value"):
        parse_set(text)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bits": [0]}, "0 is less than 1"),
        ({"bits": []}, "grid.bits"),
        ({"seeds": [-1]}, "-1 is less than 0"),
        ({"settings": "best"}, "'matched', 'paper' or 'tuned'"),
        ({"overwrite": "sometimes"}, "grid.overwrite"),
        ({"mehtods": ["crh"]}, "did you mean grid.methods"),
        ({"set": {"crh": 3}}, "a table for each owner"),
    ],
)
def test_bad_grids_end_in_one_sentence(values: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        grid_spec(options=values)
    assert "\n" not in str(caught.value)


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no grid file"):
        grid_spec(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("methods = [")
    with pytest.raises(ConfigError, match="not a readable TOML"):
        grid_spec(tmp_path / "bad.toml")


def test_repeated_values_count_once() -> None:
    spec = grid_spec(options={"bits": [16, 16, 8], "methods": ["crh", "crh"]})
    assert (spec.bits, spec.methods) == ((16, 8), ("crh",))


def test_the_data_folder_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert grid_spec().root is None
    monkeypatch.setenv("BENCH_DATA", "/somewhere")
    assert grid_spec().root == Path("/somewhere")
    assert grid_spec(options={"data_root": "here"}).root == Path("here")


def test_the_data_folder_may_come_from_the_config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text('data_root = "/elsewhere"')
    monkeypatch.setenv("BENCH_CONFIG", str(tmp_path / "config.toml"))
    assert grid_spec().root == Path("/elsewhere")
    monkeypatch.setenv("BENCH_DATA", "/somewhere")
    assert grid_spec().root == Path("/somewhere")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bits = " + "[" * 5000, "is not a readable TOML file: it is nested too deeply"),
        ("bits = [0x" + "f" * 5000 + "]", "a whole number has more than 64 bits"),
        ('out = "a\\u0000b"', r"grid\.out = .* cannot be: a path has no control characters\."),
        ("executor = []\nworkers = 3", r"grid\.executor = \[\] cannot be: "),
        ('methods = "' + "x" * 9000 + '"', r"^grid\.methods = 'xxx[^ ]* \.\.\. x*' cannot be: .{0,200}$"),
    ],
)
def test_hostile_files_end_in_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "grid.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        grid_spec(tmp_path / "grid.toml")
