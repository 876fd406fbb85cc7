"""A cell's id: every choice is in it, nothing else is, and it is the same on every machine and in every version."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import features

from bench.datasets._glyph_catalogue import fonts_digest
from bench.grid.job import Job
from bench.grid.plan import make_plan
from bench.grid.spec import GridSpec, grid_spec
from bench.plugins.registry import registry
from bench.storage.cell import LABELS, Cell
from bench.training.regimes import TrainConfig

FIELDS = {
    "dataset": "glyphs", "dataset_label": "glyphs", "split": "default", "dataset_config": {"classes": 8, "seed": 0},
    "fingerprint": "abc", "num_classes": 8, "multi_label": False, "counts": {"train": 8, "query": 2, "database": 8},
    "method": "crh", "method_label": "crh", "method_config": {"margin": 0.2}, "method_version": 1, "bits": 16,
    "seed": 0, "regime": "quick", "settings": "matched", "backbone": "small-cnn", "weights": "scratch",
    "train": {"epochs": 2},
}  # fmt: skip
GOLDEN = json.loads((Path(__file__).parent / "cell_ids.json").read_text(encoding="utf-8"))
CHANGED = (
    "ids of cells have changed: results that users have stored would be taken for other experiments and run again. "
    "If nothing should differ, undo what changed them (a new field, another default, another order of writing). If "
    "the same content now gives other results, that is right: raise IDENTITY_VERSION in bench/storage/cell.py, or "
    "`version` in the INFO of the method or dataset, put the new ids into tests/storage/cell_ids.json and "
    "say so in CHANGELOG.md."
)
PLAIN = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    PLAIN | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def values_of(field: str) -> st.SearchStrategy[Any]:
    """Anything the field can hold; a field of a new type is found too."""
    annotation = Cell.model_fields[field].annotation
    if annotation == dict[str, Any]:
        return st.dictionaries(st.text(max_size=5), JSON, max_size=3)
    return st.from_type(typing.cast("type[Any]", annotation))


def written(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def turned(value: Any) -> Any:
    """The same content, every dict in another order."""
    if isinstance(value, dict):
        return {key: turned(each) for key, each in reversed(value.items())}
    return [turned(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("field", Cell.model_fields)
@given(data=st.data())
def test_every_field_is_part_of_the_id_but_the_labels(field: str, data: st.DataObject) -> None:
    one, two = (Cell(**{**FIELDS, field: data.draw(values_of(field))}) for _ in range(2))
    same = written(getattr(one, field)) == written(getattr(two, field))
    assert (one.id == two.id) == (same or field in LABELS)


@given(data=st.data())
def test_order_and_a_round_trip_change_no_id(data: st.DataObject) -> None:
    content = {field: data.draw(values_of(field)) for field in Cell.model_fields}
    cell = Cell(**content)
    assert Cell(**turned(content)).id == cell.id
    stored = json.dumps(cell.model_dump(mode="json"), indent=1, sort_keys=True, allow_nan=False)
    again = Cell.model_validate_json(stored)
    assert (again.id, again.folder, again.protocol) == (cell.id, cell.folder, cell.protocol)
    assert len(cell.id) == 16
    assert set(cell.id) <= set("0123456789abcdef")


def test_labels_are_fields() -> None:
    assert set(Cell.model_fields) > LABELS


def test_ids_are_frozen() -> None:
    """See `CHANGED` for what to do when this fails."""
    found = {name: Cell(**entry["cell"]) for name, entry in GOLDEN["cells"].items()}
    assert {n: c.id for n, c in found.items()} == {n: e["id"] for n, e in GOLDEN["cells"].items()}, CHANGED
    protocols = {n: e["protocol"] for n, e in GOLDEN["cells"].items()}
    assert {n: c.protocol for n, c in found.items()} == protocols, CHANGED


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_ids_are_the_same_in_another_process_whatever_its_hash_seed(hash_seed: str) -> None:
    program = (
        "import json, sys\nfrom bench.storage.cell import Cell\n"
        "print(json.dumps([Cell(**cell).id for cell in json.load(sys.stdin)]))"
    )
    cells = json.dumps([entry["cell"] for entry in GOLDEN["cells"].values()])
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", program], input=cells, env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [entry["id"] for entry in GOLDEN["cells"].values()]


# Of resolved settings, the type of the field decides: 1 and 1.0 for the same setting are one experiment. A cell itself
# tells them apart, as JSON does; it never sees a setting that its owner has not resolved.


def test_a_cell_tells_whole_numbers_from_others_as_json_does() -> None:
    ids = {Cell(**{**FIELDS, "method_config": {"x": value}}).id for value in (1, 1.0, True, "1")}
    assert len(ids) == 4
    assert Cell(**{**FIELDS, "train": {"lr": 1e-3}}).id == Cell(**{**FIELDS, "train": {"lr": 0.001}}).id


def kinds_in(annotation: Any) -> set[Any]:
    """Every type in an annotation, those inside of it too."""
    inner = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return set()
    return {annotation, typing.get_origin(annotation)}.union(*map(kinds_in, inner))


def test_no_setting_can_be_resolved_in_two_ways() -> None:
    plugins = [registry(kind).load(name) for kind in ("method", "dataset") for name in registry(kind).entries()]
    numbers = 0
    for config in (TrainConfig, *(plugin.Config for plugin in plugins)):
        for name, field in config.model_fields.items():
            kinds = kinds_in(field.annotation)
            where = f"{config.__module__}: {config.__name__}.{name}"
            assert not kinds & {Any, object}, f"{where} can be anything: 1 and 1.0 would be two experiments"
            assert not kinds >= {int, float}, f"{where} is int or float: 1 and 1.0 would be two experiments"
            assert not kinds & {set, frozenset}, f"{where} is a set: written in another order by every process"
            assert Path not in kinds, f"{where} is a path: the same experiment is another one on the next machine"
            numbers += bool(kinds & {int, float})
    assert numbers > 30


def ids(sets: list[str] | None = None, **options: Any) -> list[str]:
    return [planned.job.cell.id for planned in make_plan(grid_spec(options=options, sets=sets)).cells]


def vectors(folder: Path) -> str:
    """A small dataset whose fingerprint hangs on no library's version."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = np.arange(60, dtype=np.float32).reshape(12, 5) / 8
    labels = np.arange(12) % 3
    np.savez(folder / "vectors.npz", train_features=rows[:9], train_labels=labels[:9], query_features=rows[9:],
             query_labels=labels[9:])  # fmt: skip
    return str(folder / "vectors.npz")


def test_a_setting_given_as_a_whole_number_or_not_is_one_experiment(tmp_path: Path) -> None:
    shared = {"datasets": [vectors(tmp_path)], "methods": ["crh"], "bits": [8], "out": tmp_path}
    whole = ids(["crh.margin=1", "train.epochs=2", "train.weight_decay=0", "train.lr=1e-3"], **shared)
    assert whole == ids(["crh.margin=1.0", "train.epochs=2.0", "train.weight_decay=0.0", "train.lr=0.001"], **shared)


# What a user may say of a run, and what of it decides no result. A new choice has to be put into one of the two.

DECIDES: dict[str, Any] = {
    "methods": ["mds"], "datasets": ["glyphs"], "bits": [16], "seeds": [1], "settings": "paper", "part": "validation",
    "set": {"crh": {"margin": 0.3}},
}  # fmt: skip
DECIDES_ELSEWHERE = {
    "regime", "backbone", "weights",  # of images; see the test of weights and tests/grid/test_plan.py
    "tuned",  # the file's place does not, what it says does: the search's digest and the settings it chose
    "allow_missing",  # does where something is missing: by the fingerprint
}  # fmt: skip
DECIDES_NOTHING = {"data_root", "device", "deterministic", "compile", "executor", "out", "overwrite", "tracking"}


def test_every_choice_of_a_run_is_known_to_decide_or_not() -> None:
    assert set(GridSpec.model_fields) == DECIDES.keys() | DECIDES_ELSEWHERE | DECIDES_NOTHING


def test_where_a_run_is_made_is_no_part_of_the_id(tmp_path: Path) -> None:
    shared = {"methods": ["crh"], "bits": [8]}
    here = ids(datasets=[vectors(tmp_path / "a")], out=tmp_path / "one", **shared)
    there = ids(
        datasets=[vectors(tmp_path / "b" / "c")], out=tmp_path / "two", device="cpu", overwrite="always",
        executor="local", data_root=tmp_path / "b", deterministic=True, compile="kernels", **shared,
    )  # fmt: skip
    assert here == there


@pytest.mark.parametrize("field", DECIDES)
def test_what_is_run_is_part_of_the_id(field: str, tmp_path: Path) -> None:
    shared = {"datasets": [vectors(tmp_path)], "methods": ["crh"], "bits": [8], "seeds": [0], "out": tmp_path}
    sets = [] if field != "datasets" else ["glyphs.classes=8"]
    assert not set(ids(**shared)) & set(ids(sets, **{**shared, field: DECIDES[field]}))


def test_weights_are_known_by_their_content_not_by_their_place(tmp_path: Path, tiny: list[str]) -> None:
    for name, content in {"a.pth": b"same", "elsewhere.pth": b"same", "c.pth": b"other"}.items():
        (tmp_path / name).write_bytes(content)
    shared = {"methods": ["csq"], "bits": [8], "backbone": "resnet18", "out": tmp_path}
    one, two, three = (
        ids(tiny, weights=str(tmp_path / name), **shared) for name in ("a.pth", "elsewhere.pth", "c.pth")
    )
    assert one == two
    assert one != three


def test_a_method_in_a_file_is_known_by_its_name_and_version_not_by_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry("method"), "_entries", dict(registry("method").entries()))
    text = (
        "import torch\nfrom bench.plugins import PluginInfo\nfrom bench.plugins.method import Method\n"
        'INFO = PluginInfo(name="mine", summary="mine", version=1)\n'
        "class Mine(Method):\n"
        "    def make_centers(self):\n        return torch.ones(self.task.num_classes, self.task.bits)\n"
        "    def loss(self, relaxed, targets):\n        return relaxed.sum()\n"
    )
    found = {}
    for place, version in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / place).mkdir()
        file = tmp_path / place / "mine.py"
        file.write_text(text.replace("version=1", f"version={version}"))
        registry("method").entries().pop("mine", None)
        found[place] = ids(datasets=[vectors(tmp_path)], methods=[str(file)], bits=[8], out=tmp_path)
    assert found["a"] == found["b"]
    assert found["a"] != found["c"]


def test_a_job_adds_nothing_to_its_cell() -> None:
    own = {field.name for field in fields(Job)} - {"cell"}
    assert own & set(Cell.model_fields) == {"weights"}  # a path in the job, a digest in the cell
    assert {"out", "root", "plugins", "device"} <= own
    assert Job(Cell(**FIELDS), Path("a")).cell.id == Job(Cell(**FIELDS), Path("b"), device="cuda:1").cell.id


def test_ids_of_a_plan_on_vectors_are_frozen(tmp_path: Path) -> None:
    """From the choices to the ids, with the fingerprint: the same on every machine. See `CHANGED`."""
    shared = {"datasets": [vectors(tmp_path)], "methods": ["crh", "csq"], "bits": [8], "out": tmp_path}
    found = {"matched": ids(**shared), "paper": ids(settings="paper", **shared)}
    assert found == GOLDEN["plans"]["vectors"], CHANGED


def test_ids_of_a_plan_on_glyphs_are_frozen(tmp_path: Path, tiny: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels of glyphs hang on the fonts and on the libraries that draw them, and so do its ids. See `CHANGED`."""
    drawn_with = GOLDEN["glyphs_drawn_with"]
    if fonts_digest() != drawn_with["fonts"]:
        pytest.skip("matplotlib brings other fonts here")
    monkeypatch.setattr(features, "version", lambda name: drawn_with[name])
    found = ids(tiny, methods=["crh", "csq"], bits=[8, 16], out=tmp_path)
    assert found == GOLDEN["plans"]["glyphs"], CHANGED


def test_a_table_mixes_no_settings() -> None:
    base = Cell(**FIELDS)
    assert base.protocol == Cell(**{**FIELDS, "method": "csq", "bits": 64, "seed": 3}).protocol
    for field in ("settings", "regime", "fingerprint", "split", "train", "backbone", "weights", "ties"):
        value = {"epochs": 9} if field == "train" else "other"
        assert base.protocol != Cell(**{**FIELDS, field: value}).protocol, field
    paper = {**FIELDS, "settings": "paper"}
    assert Cell(**paper).protocol == Cell(**{**paper, "train": {"epochs": 9}}).protocol


def test_names_for_people() -> None:
    cell = Cell(**FIELDS)
    assert cell.folder == f"glyphs.crh.16b.s0.{cell.id}"
    assert cell.title == "glyphs@default crh 16 bits seed 0"


def test_a_changed_copy_has_an_id_and_a_protocol_of_its_own() -> None:
    cell = Cell(**FIELDS)
    before = cell.id, cell.protocol, cell.folder
    changed = cell.model_copy(update={"fingerprint": "other"})
    assert changed.id != cell.id
    assert changed.protocol != cell.protocol
    assert (cell.id, cell.protocol, cell.folder) == before
    assert cell == Cell(**FIELDS)  # of which nothing has been computed yet
    assert Cell.model_validate_json(cell.model_dump_json()).id == cell.id


@pytest.mark.parametrize("field", ["dataset_config", "fingerprint", "part", "regime", "backbone", "weights", "train"])
def test_cells_of_one_training_pass_agree_in_data_network_and_settings(field: str) -> None:
    cell, other = Cell(**FIELDS), {"part": "validation"}.get(field, "other")
    if isinstance(getattr(cell, field), dict):
        other = {**getattr(cell, field), "epochs": 3}
    assert cell.model_copy(update={field: other}).training_pass != cell.training_pass
    assert cell.model_copy(update={"method": "csq", "bits": 64, "seed": 1}).training_pass == cell.training_pass
