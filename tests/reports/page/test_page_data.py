"""What the page's figures, matrix and confused classes are made of."""

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.codes.packing import pack
from bench.reports._model import panels
from bench.reports._page import classes as module
from bench.reports._page.classes import MOST_CLASSES, classes_data, nearest_centers
from bench.reports._page.figure_data import EPOCHS, figure_data
from bench.storage.results import Results


def test_entries_are_means_over_seeds(paged) -> None:
    cells = [paged(mean_ap=0.5, seed=0, pcc=0.25), paged(mean_ap=0.70001, seed=1, pcc=0.5)]
    data = figure_data(panels(Results(cells)))
    (entry,) = data["panels"][0]["entries"]
    assert data["methods"] == ["crh"]
    assert (entry["m"], entry["k"], entry["seeds"], entry["map"]) == (0, 8, [0, 1], 0.6)
    assert entry["spread"] == 0.1414  # 0.2 / sqrt(2)
    assert entry["maps"] == [0.5, 0.7] and entry["pcc"] == 0.375
    assert entry["curves"] == {"recall": [0.25, 1], "precision": [1, 0.5], "at": [1, 0.75, 0.5]}
    assert data["panels"][0]["ranks"] == [1, 2, 5]
    assert entry["cells"] == [cell.cell.id for cell in cells]
    assert entry["history"] == {"epochs": [1, 2], "loss": [2, 1], "pcc": [0.1, 0.3], "moved": [1]}


def test_cost_is_what_the_methods_choice_decides(paged) -> None:
    stored = paged()
    stored.result["seconds"] = {"data": 90.0, "centers": 1.0, "training": 4.0, "evaluation": 7.0, "total": 102.0}
    assert figure_data(panels(Results([stored])))["panels"][0]["entries"][0]["cost"] == 5


@pytest.mark.parametrize("epochs", [1, 2, EPOCHS, EPOCHS + 1, 1000])
def test_long_trainings_are_thinned_and_keep_both_ends(paged, epochs: int) -> None:
    history = [{"loss": float(e), "centers_moved": int(e == 0)} for e in range(epochs)]
    (entry,) = figure_data(panels(Results([paged(history=history)])))["panels"][0]["entries"]
    shown_epochs = entry["history"]["epochs"]
    assert len(shown_epochs) <= EPOCHS + 1 and len(set(shown_epochs)) == len(shown_epochs)
    assert (shown_epochs[0], shown_epochs[-1]) == (1, epochs)
    assert entry["history"]["loss"] == [e - 1 for e in shown_epochs]
    assert entry["history"]["moved"] == [1]


def test_protocols_of_one_title_are_told_apart(paged) -> None:
    found = panels(Results([paged(), paged(fingerprint="other"), paged(regime="frozen")]))
    titles = [panel["title"] for panel in figure_data(found)["panels"]]
    assert len(set(titles)) == 3
    assert sum("(" in title for title in titles) == 2


def test_centers_and_order_of_the_tree(paged) -> None:
    names = ["elm", "cat", "oak", "dog"]
    paths = [["tree", "elm"], ["animal", "cat"], ["tree", "oak"], ["animal", "dog"]]
    found = classes_data(panels(Results([paged(names=names, paths=paths)]))[0], ["crh"])
    assert found is not None
    assert [names[c] for c in found["order"]] == ["elm", "oak", "cat", "dog"]  # trees first, as the first class is one
    assert [[found["nodes"][n] for n in path] for path in found["tree"]] == paths
    (centers,) = found["centers"]
    assert (centers["m"], centers["k"], centers["seed"]) == (0, 8, 0)
    assert list(base64.b64decode(centers["rows"])) == [0b11111111, 0b11110000, 0b00001111, 0]
    assert found["features"]["low"] == 0 and found["features"]["high"] == 1
    assert list(base64.b64decode(found["features"]["pairs"])) == [255, 0, 0, 0, 0, 128]


def test_without_a_tree_like_classes_stand_beside_each_other(paged, kept) -> None:
    stored = paged(paths=None)
    alike = {"class_similarity": [0, 0, 0.9, 0.8, 0, 0]}  # of 0 with 1, 2, 3; of 1 with 2, 3; of 2 with 3
    found = classes_data(panels(Results([kept(stored, alike)]))[0], ["crh"])
    assert found is not None and found["tree"] is None
    places = [found["order"].index(c) for c in range(4)]
    assert abs(places[0] - places[3]) == 1 == abs(places[1] - places[2])


def test_without_tree_and_features_the_order_is_the_datasets(paged, kept) -> None:
    found = classes_data(panels(Results([kept(paged(paths=None))]))[0], ["crh"])
    assert found is not None and found["order"] == [0, 1, 2, 3] and found["features"] is None


def test_of_very_many_classes_there_is_no_matrix(paged) -> None:
    names = [str(c) for c in range(MOST_CLASSES + 1)]
    found = classes_data(panels(Results([paged(names=names, paths=None)]))[0], ["crh"])
    assert found is not None and found["centers"] == [] and found["features"] is None


def test_nearest_centers_by_hand(paged) -> None:
    # cats on their own center; the dog on the cat's; the elm -------- ++ at distance 2 from elm and 2 from oak
    expected = [[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0.5, 0.5]]
    np.testing.assert_allclose(nearest_centers(paged()), expected)


def test_most_confused_by_hand(paged) -> None:
    found = classes_data(panels(Results([paged()]))[0], ["crh"])
    assert found is not None
    (confused,) = found["confused"]
    assert confused["pairs"] == [[1, 0, 1], [3, 2, 0.5]]
    assert confused["own"] == 0.375  # (1 + 0 + 0 + 1/2) / 4


def test_several_classes_an_item_are_not_confused(paged) -> None:
    stored = paged(multi_label=True)
    assert nearest_centers(stored) is None
    found = classes_data(panels(Results([stored]))[0], ["crh"])
    assert found is not None and found["confused"] == []


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(1, 10))
def test_nearest_centers_equal_a_plain_count(seed: int, classes: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    centers = rng.choice(np.array([-1, 1], dtype=np.int8), (classes, bits))
    codes = rng.choice(np.array([-1, 1], dtype=np.int8), (20, bits))
    labels = rng.integers(0, classes, 20)

    class Stored:
        cell = type("cell", (), {"multi_label": False})

    arrays = {"centers_used": centers, "query_codes": pack(codes), "query_labels": labels.astype(np.uint8)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "stored_arrays", lambda stored, *names: arrays)
        found = nearest_centers(Stored())  # type: ignore[arg-type]
    expected = np.zeros((classes, classes))
    for code, label in zip(codes, labels, strict=True):
        distances = [int((code != center).sum()) for center in centers]
        nearest = [c for c, d in enumerate(distances) if d == min(distances)]
        for c in nearest:
            expected[label, c] += 1 / len(nearest) / (labels == label).sum()
    np.testing.assert_allclose(found, expected, atol=1e-12)
