import pytest

from bench.grid.cell import LABELS, Cell

FIELDS = {
    "dataset": "glyphs", "dataset_label": "glyphs", "split": "default", "dataset_config": {"classes": 8, "seed": 0},
    "fingerprint": "abc", "num_classes": 8, "multi_label": False, "counts": {"train": 8, "query": 2, "database": 8},
    "method": "crh", "method_label": "crh", "method_config": {"margin": 0.2}, "method_version": 1, "bits": 16,
    "seed": 0, "regime": "quick", "settings": "matched", "backbone": "small-cnn", "weights": "scratch",
    "train": {"epochs": 2},
}  # fmt: skip
OTHER = {
    str: "other", int: 7, bool: True, dict: {"x": 1},
}  # fmt: skip


def test_the_same_content_has_the_same_id_whatever_the_order() -> None:
    turned = {**dict(reversed(FIELDS.items())), "dataset_config": {"seed": 0, "classes": 8}}
    assert Cell(**FIELDS).id == Cell(**turned).id
    assert Cell(**FIELDS).id == Cell.model_validate_json(Cell(**FIELDS).model_dump_json()).id


def test_the_id_does_not_change_between_versions() -> None:
    assert Cell(**FIELDS).id == "5db4805d22a9cab9"


@pytest.mark.parametrize("field", FIELDS)
def test_every_choice_is_part_of_the_id_and_labels_are_not(field: str) -> None:
    value = {"x": 1} if field == "counts" else OTHER[type(FIELDS[field])]
    same = Cell(**{**FIELDS, field: value}).id == Cell(**FIELDS).id
    assert same == (field in LABELS)


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
