from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

import bench
from bench.errors import BenchWarning, ConfigError
from bench.grid.plan import make_plan
from bench.grid.spec import grid_spec
from bench.plugins.info import PluginInfo
from bench.plugins.registry import Registry, registry
from bench.plugins.tracker import Tracker
from bench.storage.cell import Cell
from bench.storage.store import StoredCell


class Heard(Tracker):
    """Keeps what it is told."""

    INFO: ClassVar[PluginInfo] = PluginInfo(name="heard", summary="-")
    told: ClassVar[list[tuple[Any, ...]]] = []
    raises: ClassVar[str] = ""

    def hear(self, what: str, *facts: Any) -> None:
        if what == self.raises:
            raise RuntimeError(f"no {what}")
        self.told.append((what, *facts))

    def run_begins(self, facts: Mapping[str, Any]) -> None:
        self.hear("run_begins", facts)

    def cell_begins(self, cell: Cell) -> None:
        self.hear("cell_begins", cell.id)

    def epoch(self, cell: Cell, epoch: int, values: Mapping[str, float]) -> None:
        self.hear("epoch", cell.id, epoch, dict(values))

    def cell_stored(self, stored: StoredCell) -> None:
        self.hear("cell_stored", stored.cell.id)

    def run_ends(self, how: str) -> None:
        self.hear("run_ends", how)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> type[Heard]:
    load = Registry.load
    monkeypatch.setattr(Registry, "load", lambda own, name: Heard if name == "heard" else load(own, name))
    monkeypatch.setattr(Heard, "told", [])
    return Heard


def epochs_of(heard: type[Heard], cell: str) -> list[dict[str, float]]:
    """Values by epoch, however they were told; none twice."""
    found: dict[int, dict[str, float]] = {}
    for what, *facts in heard.told:
        if what == "epoch" and facts[0] == cell:
            values = found.setdefault(facts[1], {})
            assert not values.keys() & facts[2].keys()
            values.update(facts[2])
    return [found[epoch] for epoch in sorted(found)]


def test_all_of_a_run_in_order(tmp_path: Path, tiny_set: dict, heard: type[Heard]) -> None:
    results = bench.run(methods=["crh", "shc"], bits=[8], set=tiny_set, out=tmp_path, tracking=["heard"], reports=False)
    words = [what for what, *_ in heard.told]
    assert (words[0], words[-1], heard.told[-1][1]) == ("run_begins", "run_ends", "done")
    for stored in results.cells:
        assert epochs_of(heard, stored.cell.id) == stored.result["history"]
    own = [word for word, *facts in heard.told if facts[0] == results.cells[1].cell.id]
    assert own[:3] == ["cell_begins", "epoch", "epoch"]  # as they come; of SHC's classifier nothing
    assert own[-1] == "cell_stored"
    assert set(heard.told[0][1]["to_run"]) == {stored.cell.id for stored in results.cells}


@pytest.mark.parametrize("word", ["run_begins", "cell_begins", "epoch", "cell_stored", "run_ends"])
def test_one_that_raises_is_left_out_with_one_warning(
    tmp_path: Path, tiny_set: dict, heard: type[Heard], monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setattr(Heard, "raises", word)
    with pytest.warns(
        BenchWarning, match=f"heard is left out of the run's tracking: RuntimeError: no {word}"
    ) as caught:
        results = bench.run(methods=["csq"], bits=[4, 8], set=tiny_set, out=tmp_path, tracking=["heard"], reports=False)
    assert len([w for w in caught if issubclass(w.category, BenchWarning)]) == 1
    assert [stored.ok for stored in results.cells] == [True, True]
    assert not any("tracking" in note for stored in results.cells for note in stored.result["notes"])


def test_tracking_is_no_part_of_identity(tmp_path: Path, tiny_set: dict, heard: type[Heard]) -> None:
    options = {"methods": ["csq"], "bits": [4], "set": tiny_set, "out": tmp_path}
    one, two = (make_plan(grid_spec(options=options | {"tracking": names})) for names in ([], ["heard"]))
    assert one.cells[0].job.cell == two.cells[0].job.cell
    assert heard.told == []  # a plan writes nothing


def test_named_in_a_grid_file(tmp_path: Path) -> None:
    (tmp_path / "grid.toml").write_text('tracking = ["tensorboard", "tensorboard"]\n')
    assert grid_spec(tmp_path / "grid.toml").tracking == ("tensorboard",)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="no tracker 'tensorbord': did you mean tensorboard"):
        make_plan(grid_spec(options={"tracking": ["tensorbord"]}))
    assert "tensorboard" in registry("tracker").names()
