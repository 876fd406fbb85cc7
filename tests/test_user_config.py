from pathlib import Path

import pytest

from bench.errors import ConfigError
from bench.grid.plan import make_plan
from bench.grid.spec import grid_spec
from bench.user_config import Place, cache_place, config_place, data_place, user_config


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The config file of a user whose environment says nothing but where it is."""
    for variable in ("BENCH_CONFIG", "BENCH_DATA", "BENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    (tmp_path / "xdg" / "hash-center-bench").mkdir(parents=True)
    return tmp_path / "xdg" / "hash-center-bench" / "config.toml"


def test_without_a_file_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_place() is None
    assert cache_place() == Place(tmp_path / ".cache" / "hash-center-bench", "default")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert config_place() == Place(tmp_path / ".config" / "hash-center-bench" / "config.toml", "default")


def test_an_option_goes_before_the_environment_and_that_before_the_file(
    nothing_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_set.write_text('data_root = "~/data"\ncache = "/scratch"\n')
    assert data_place() == Place(tmp_path / "data", str(nothing_set))
    assert cache_place() == Place(Path("/scratch"), str(nothing_set))
    monkeypatch.setenv("BENCH_DATA", "~/other")
    monkeypatch.setenv("BENCH_CACHE", "/quick")
    assert data_place() == Place(tmp_path / "other", "$BENCH_DATA")
    assert cache_place() == Place(Path("/quick"), "$BENCH_CACHE")
    assert data_place(Path("here")) == Place(Path("here"), "--data-root")


def test_another_file_may_be_named(nothing_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_set.write_text("no TOML")
    (tmp_path / "mine.toml").write_text('data_root = "/mine"')
    monkeypatch.setenv("BENCH_CONFIG", "~/mine.toml")
    assert data_place() == Place(Path("/mine"), str(tmp_path / "mine.toml"))
    monkeypatch.setenv("BENCH_CONFIG", "~/yours.toml")
    with pytest.raises(ConfigError, match=r"there is no config file .*yours.toml: make it, or correct \$BENCH_CONFIG"):
        data_place()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"data_root = ", r"is not a readable TOML file: "),
        (b"\xff\xfe", r"is not a readable TOML file: "),
        (b'data_rot = "/x"', r"config has no setting 'data_rot': did you mean config.data_root\?"),
        (b'cache = "~of-no-user/x"', "there is no user of that name"),
        (b'cache = "/a\\u0000b"', "a path has no control characters"),
        (b"cache = " + b"[" * 5000, "is not a readable TOML file: it is nested too deeply"),
        (b"cache = 3", r"config.cache = 3 cannot be: "),
        (b'data_root = "data"', r"config.data_root = 'data' cannot be: a path in it begins with / or ~\."),
    ],
)
def test_a_bad_file_is_one_sentence_that_names_it(nothing_set: Path, content: bytes, message: str) -> None:
    nothing_set.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        user_config()
    assert str(nothing_set) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_is_refused_when_it_is_planned(nothing_set: Path) -> None:
    nothing_set.write_text("cash = 1")
    with pytest.raises(ConfigError, match=r"config has no setting 'cash': did you mean config.cache\?"):
        make_plan(grid_spec())
