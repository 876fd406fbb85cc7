from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

import bench
from bench.errors import ConfigError
from bench.grid.plan import make_plan
from bench.grid.spec import grid_spec


def read(out: Path, folder: str) -> EventAccumulator:
    """The events of a cell: they are all in one file."""
    assert len(list((out / "tensorboard" / folder).iterdir())) == 1
    events = EventAccumulator(str(out / "tensorboard" / folder))
    events.Reload()
    return events


def curve(events: EventAccumulator, tag: str) -> dict[int, float]:
    """Value by step; the format keeps float32."""
    if tag in events.Tags()["scalars"]:
        return {event.step: event.value for event in events.Scalars(tag)}
    return {event.step: float(event.tensor_proto.float_val[0]) for event in events.Tensors(tag)}


def test_what_is_written_can_be_read_back(tmp_path: Path, tiny_set: dict) -> None:
    options = {"methods": ["crh", "csq"], "bits": [8], "set": tiny_set, "out": tmp_path, "reports": False}
    results = bench.run(**options, tracking=["tensorboard"])
    for stored in results.cells:
        events, history = read(tmp_path, stored.cell.folder), stored.result["history"]
        for name in history[0]:
            assert curve(events, name) == pytest.approx({e: values[name] for e, values in enumerate(history)}, rel=1e-6)
        for name, value in stored.result["metrics"].items():
            if isinstance(value, float):
                assert curve(events, f"final/{name}") == pytest.approx({0: value}, rel=1e-6)
        content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        chosen = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
        assert chosen["method_label"].string_value == stored.cell.method_label
        assert chosen["bits"].number_value == 8
        assert chosen["train.epochs"].number_value == 2
    bench.run(**options, tracking=["tensorboard"], overwrite="always")
    assert len(list((tmp_path / "tensorboard").iterdir())) == 2
    assert set(curve(read(tmp_path, results.cells[0].cell.folder), "loss")) == {0, 1}


def test_cells_trained_together_have_their_own_curves(tmp_path: Path, features: str) -> None:
    results = bench.run(
        methods=["crh", "csq"], datasets=[features], bits=[4], out=tmp_path / "out", reports=False,
        set={"train": {"epochs": 3, "batch_size": 16}}, tracking=["tensorboard"],
    )  # fmt: skip
    for stored in results.cells:
        expected = {epoch: values["loss"] for epoch, values in enumerate(stored.result["history"])}
        assert curve(read(tmp_path / "out", stored.cell.folder), "loss") == pytest.approx(expected, rel=1e-6)


def test_without_the_package_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(
        ConfigError, match=r"needs the package tensorboard .*: pip install 'tensorboard>=2.16'"
    ) as found:
        make_plan(grid_spec(options={"tracking": ["tensorboard"], "out": tmp_path / "out"}))
    assert "\n" not in str(found.value)
    assert not (tmp_path / "out").exists()
