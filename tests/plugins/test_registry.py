import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import ConfigError, UnknownNameError
from bench.plugins.registry import Registry, registry

METHOD = """
import torch
from bench.losses import central_bce
from bench.plugins import PluginInfo
from bench.plugins.method import Method

INFO = PluginInfo(name="mine", summary="all alike", citation="me", licence="MIT")


class Mine(Method):
    def make_centers(self):
        return torch.ones(self.task.num_classes, self.task.bits)

    def loss(self, relaxed, targets):
        return central_bce(relaxed, self.multi_hot(targets) @ self.centers)
"""


@pytest.fixture
def method_file(tmp_path: Path) -> Path:
    path = tmp_path / "my_method.py"
    path.write_text(METHOD)
    return path


def test_names_are_known_without_importing_torch() -> None:
    script = (
        "import sys; from bench.plugins import registry;"
        "print(*[n for k in ('method', 'dataset', 'report', 'executor') for n in registry(k).names()]);"
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {"crh", "crh-m", "crh-u", "crh-hungarian", "csq", "glyphs", "glyph-scenes", "image-folder"} <= set(
        run.stdout.split()
    )


@pytest.mark.parametrize("kind", ["method", "dataset", "report", "executor"])
def test_every_built_in_plugin_loads(kind: str) -> None:
    known = registry(kind)
    for name, entry in known.entries().items():
        assert entry.info == known.load(name).INFO
    assert known.broken == {}


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="there is no method 'chr': did you mean crh"):
        registry("method").entry("chr")


def test_a_file_is_a_plugin(method_file: Path) -> None:
    known = Registry("method")
    assert known.entry(str(method_file)).origin == str(method_file)
    assert "mine" in known.names()
    assert known.load("mine").__name__ == "Mine"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('name="mine"', 'name="crh"'), "is taken"),
        (("INFO = ", "OTHER = "), "no top-level INFO"),
        (("import torch", "import no_such_module"), "cannot be imported: ModuleNotFoundError"),
        (("class Mine(Method)", "class Mine"), "must define one class"),
    ],
)
def test_a_broken_file_is_explained(method_file: Path, change: tuple[str, str], message: str) -> None:
    method_file.write_text(METHOD.replace(*change))
    renamed = method_file.rename(method_file.with_name(f"m{abs(hash(message))}.py"))
    known = Registry("method")
    with pytest.raises(ConfigError, match=message):
        known.load(known.entry(str(renamed)).info.name)


def test_a_missing_file_is_explained() -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        Registry("method").entry("./nothing.py")


def test_somebody_elses_broken_package_takes_nothing_down(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [importlib.metadata.EntryPoint("gone", "no_such_package.method", "bench.methods")]
    monkeypatch.setattr(sys.modules["bench.plugins.registry"], "entry_points", lambda group: points)
    known = Registry("method")
    assert "crh" in known.names()
    assert "gone" in known.broken


def test_a_package_may_make_its_info_as_it_likes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """INFO that is not made of literals is known by importing the module."""
    text = METHOD.replace('name="mine"', 'name="".join(("the", "irs"))')
    (tmp_path / "their_method.py").write_text(text)
    (tmp_path / "their_helper.py").write_text("INFO = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    points = [importlib.metadata.EntryPoint(m, m, "bench.methods") for m in ("their_method", "their_helper")]
    monkeypatch.setattr(sys.modules["bench.plugins.registry"], "entry_points", lambda group: points)
    known = Registry("method")
    assert known.entry("theirs").origin == "entry point"
    assert "their_helper.py is not a plug-in: it has no top-level INFO" in known.broken["their_helper"]


@pytest.mark.parametrize("name", ["a\0.py", "x" * 5000 + ".py", "~of-no-user/x.py"])
def test_a_name_that_no_system_takes_is_no_file(name: str) -> None:
    with pytest.raises(ConfigError, match=r"there is no file .*\.py"):
        Registry("method").entry(name)
