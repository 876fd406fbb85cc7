"""The gallery's data: what is in it, how large it may be, and what it says of what it lacks."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.reports._gallery import gallery, run
from bench.reports._gallery.gallery import gallery_data
from bench.reports._gallery.run import MOST_METHODS, shown_methods, shown_run
from bench.reports._model import panels
from bench.reports._page.html import embedded
from bench.storage.results import Results

HOSTILE = ["<img src=x onerror=alert(1)>", "x" * 500, "\u202eעברית\u2028</script>"]


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


def size(data: Any) -> int:
    return len(embedded(data).encode())


def view_of(results: list[Any], root: Path | None) -> dict[str, Any]:
    (view,) = gallery_data(Results(results), root)["views"]
    return view


# ---- which cells


def test_the_middle_code_length_and_the_first_seed_of_most_methods(shelved) -> None:
    cells = [shelved(m, bits, seed=s) for m in ("crh", "csq") for bits in (8, 16, 32) for s in (1, 2)]
    (panel,) = panels(Results([*cells, shelved("crh", 64, seed=0), shelved("crh", 16, seed=0)]))
    run = shown_run(panel)
    assert run is not None
    assert (run.bits, run.seed, list(run.cells)) == (16, 1, ["crh", "csq"])
    (panel,) = panels(Results([cell for cell in cells if cell.cell.bits != 32]))
    run = shown_run(panel)
    assert run is not None and run.bits == 16


def test_cells_without_codes_are_not_shown(made, kept, shelved) -> None:
    (panel,) = panels(Results([made("crh", 16, 0.5), kept(made("csq", 16, 0.5), {"ap": [1.0]}), made("mds", 16, None)]))
    assert shown_run(panel) is None
    assert gallery_data(Results([made("crh", 16, 0.5)]), None)["said"] == [
        "No cell has finished and stored its codes: there is nothing to show."
    ]
    assert gallery_data(Results([]), None)["views"] == []


def test_one_of_each_family_then_controls_then_variants(made) -> None:
    names = [
        "algebraic-centers", "crh-m", "crh-u", "crh", "csq", "mds", "orthohash", "random-centers", "shc-code", "shc",
        "/no/such.py",
    ]  # fmt: skip
    cells = {name: made(name, 16, 0.5) for name in names}
    assert list(shown_methods(cells)) == ["crh", "csq", "mds", "orthohash", "shc", "/no/such.py"]
    del cells["/no/such.py"]
    assert list(shown_methods(cells)) == ["crh", "csq", "mds", "orthohash", "random-centers", "shc"]
    few = {name: cells[name] for name in ("algebraic-centers", "crh-m", "crh-u")}
    assert list(shown_methods(few)) == ["algebraic-centers", "crh-m", "crh-u"]
    many = {name: cells[name] for name in names[:8]}
    assert len(shown_methods(many)) == MOST_METHODS


# ---- what is shown


def test_a_query_and_what_is_found_by_hand(shelved, shelf: Path) -> None:
    words = np.array([[1, 1, 1, 1], [1, 1, 1, -1], [-1, -1, -1, -1]])
    query = words[[0, 0, 1, 1, 2, 2]]  # two cats, two dogs, two oaks
    database = words[[0, 0, 1, 1, 1, 1, 2, 2, 2]]  # a cat lies with the dogs
    view = view_of([shelved("crh", 4, codes=(query, database))], shelf.parent)
    assert (view["title"], view["bits"], view["seed"]) == ("shelf@folders, quick, matched settings", 4, 0)
    shown = next(query for query in view["queries"] if view["items"][query["item"]][1] == [0])
    assert view["classes"]["0"] == ["cat", "cat"]
    assert shown["relevant"] == 3
    result = shown["results"][0]
    assert result["ties"] == [[0, 1, 2, 2], [1, 3, 6, 1], [4, 7, 9, 0]]
    assert [(view["items"][item][1], tie, right) for item, tie, right in result["found"]] == [
        ([0], 0, 1), ([0], 0, 1), ([0], 1, 1), ([1], 1, 0), ([1], 1, 0), ([1], 1, 0), ([2], 2, 0), ([2], 2, 0),
        ([2], 2, 0),
    ]  # fmt: skip
    assert view["confusions"]["methods"][0]["nearest"] == 9
    assert "different" not in [group["name"] for group in view["groups"]]


def test_an_item_and_an_image_are_held_once(shelved, shelf: Path) -> None:
    cells = [shelved(m, regime=regime) for m in ("crh", "csq") for regime in ("frozen", "quick")]
    data = gallery_data(Results(cells), shelf.parent)
    assert len(data["views"]) == 2
    assert [view["pictures"] for view in data["views"]] == [0, 0]
    (pictures,) = data["pictures"]
    assert pictures["side"] == 40
    assert len(pictures["images"]) == 15  # all images of the folder
    for view in data["views"]:
        rows = [row for row, _ in view["items"]]
        assert len(rows) == len(set(rows)) == 15
        assert all(pictures["images"][str(row)].startswith("data:image/") for row in rows)
        assert all(len(query["results"]) == 2 == len(query["ap"]) for query in view["queries"])


def test_several_classes_an_item(shelved, tmp_path: Path) -> None:
    from PIL import Image

    root = tmp_path / "data" / "notes"
    root.mkdir(parents=True)
    lines = ["file,labels,split"]
    for i, (labels, part) in enumerate([("x;y", "train"), ("y", "query"), ("x;y", "database"), ("x", "database")]):
        Image.new("RGB", (8, 8), (i, i, i)).save(root / f"{i}.png")
        lines.append(f"{i}.png,{labels},{part}")
    (root / "labels.csv").write_text("\n".join(lines))
    codes = (np.ones((1, 8)), np.ones((2, 8)))
    view = view_of([shelved(root=root, dataset="multilabel-csv", codes=codes)], root.parent)
    (query,) = view["queries"]
    assert [view["items"][item][1] for item, _, _ in query["results"][0]["found"]] == [[0, 1], [0]]
    assert [right for _, _, right in query["results"][0]["found"]] == [1, 0]
    assert query["results"][0]["ties"] == [[0, 1, 2, 1]]
    assert view["confusions"]["methods"] == [] and "several classes" in view["confusions"]["said"]


def test_hostile_names_are_cut_and_change_nothing_else(shelved, shelf: Path) -> None:
    plain, hostile = (view_of([shelved(classes=c)], shelf.parent) for c in (["cat", "dog", "oak"], HOSTILE))
    assert plain | {"classes": 0} == hostile | {"classes": 0}
    assert all(len(short) <= 40 and len(whole) <= 500 for short, whole in hostile["classes"].values())
    assert hostile["classes"]["1"][1] == "x" * 500
    assert all(name.isprintable() for pair in hostile["classes"].values() for name in pair)


def test_the_same_results_give_the_same_bytes(shelved, shelf: Path) -> None:
    cells = [shelved(m, bits) for m in ("crh", "csq") for bits in (8, 16)]
    first, second = (embedded(gallery_data(Results(cells), shelf.parent)) for _ in range(2))
    assert first == second
    assert str(shelf.parent) not in first


# ---- what is not there


def test_without_a_place_for_data_all_but_the_images_is_shown(shelved, shelf: Path) -> None:
    cells = [shelved("crh"), shelved("csq")]
    data, whole = gallery_data(Results(cells), None), gallery_data(Results(cells), shelf.parent)
    assert data["pictures"] == [] and data["views"][0]["pictures"] is None
    assert "No images: say where the files of shelf are with --data-root DIR" in data["views"][0]["said"][0]
    assert [row for row, _ in data["views"][0]["items"]] == [None] * 15
    assert data["views"][0]["queries"] == whole["views"][0]["queries"]


def test_a_changed_dataset_is_not_shown(shelved, shelf: Path) -> None:
    cell = shelved()
    (shelf / "test" / "cat" / "0.png").write_bytes((shelf / "test" / "oak" / "0.png").read_bytes())
    assert view_of([cell], shelf.parent)["said"] == [
        (
            "No images: shelf has changed since its cells were run (its fingerprint differs): show the files of that "
            "time, or run again."
        )
    ]


def test_missing_images_are_counted(shelved, shelf: Path) -> None:
    cell, file = shelved(), shelf / "train" / "dog" / "1.png"
    before = file.stat()
    file.write_bytes(b"\0" * before.st_size)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    data = gallery_data(Results([cell]), shelf.parent)
    assert data["views"][0]["said"] == [
        "1 of the 15 images here is missing or cannot be read: bench data verify names the files."
    ]
    assert sum(uri is None for uri in data["pictures"][0]["images"].values()) == 1


def test_vectors_have_no_images(shelved, shelf: Path) -> None:
    view = view_of([shelved(backbone="features")], None)
    assert view["said"] == ["The items of shelf are vectors: there are no images."]


def test_methods_beyond_six_are_counted(shelved, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MOST_METHODS", 1)
    view = view_of([shelved("crh"), shelved("csq")], None)
    assert view["methods"] == ["crh"]
    assert view["said"][0] == "1 of 2 methods are shown."


# ---- size


def test_it_never_grows_beyond_its_limit(shelved, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = Results([shelved(m, regime=r) for m in ("crh", "csq") for r in ("frozen", "quick")])
    whole = gallery_data(results, shelf.parent)
    seen = set()
    for most in range(size(whole) + 2000, 2000, -2500):
        monkeypatch.setattr(gallery, "MOST_BYTES", most)
        data = gallery_data(results, shelf.parent)
        assert size(data) <= most
        seen |= {text for view in data["views"] for text in view["said"]} | set(data["said"])
    assert seen == {
        "Fewer queries than usual, to keep this page small.", "No images, to keep this page small.",
        "1 protocol is left out, to keep this page small.", "2 protocols are left out, to keep this page small.",
    }  # fmt: skip


def test_json_can_hold_it(shelved, shelf: Path) -> None:
    data = gallery_data(Results([shelved("crh"), shelved("csq")]), shelf.parent)
    assert json.loads(json.dumps(data, allow_nan=False)) == json.loads(embedded(data))
