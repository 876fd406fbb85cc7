import re
from pathlib import Path
from xml.etree import ElementTree

from bench.reports.map_vs_pcc import MapVsPCC
from bench.storage.results import Results

HOSTILE = ["x" * 500, "<script>alert(1)</script>", "$x$", "שלום עולם", "bell\x07 and null\x00", "a, b [c=1,d=2]"]


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in MapVsPCC().render(results, out)}


def texts(svg: bytes) -> list[str]:
    return ["".join(t.itertext()) for t in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_means_over_seeds_are_correlated(made, tmp_path: Path) -> None:
    cells = [
        made("a", 16, ap, seed=seed, pcc=pcc)
        for seed, ap, pcc in ((0, 0.1, 0.3), (1, 0.3, 0.5))  # mean (0.4, 0.2)
    ] + [made("b", 16, 0.4, pcc=0.1), made("c", 16, 0.3, pcc=0.2)]
    shown = texts(rendered(Results(cells), tmp_path)["map_vs_pcc_tree.svg"])
    # (0.4, 0.2), (0.1, 0.4), (0.2, 0.3): -0.03 / sqrt(0.14 / 3 * 0.02)
    assert {"16 bits, n = 3", "Spearman −1.00, Pearson −0.98"} <= {*shown}
    assert {"a", "b", "c", "mAP", "PCC of centers and class tree"} <= {*shown}
    assert "2 seeds, bars: one standard deviation" in " ".join(shown)
    assert "of 8 methods or fewer the points say more" in " ".join(shown)


def test_methods_without_a_pcc_are_named_below_the_axes(four: Results, tmp_path: Path) -> None:
    shown = " ".join(texts(rendered(four, tmp_path)["map_vs_pcc_tree.svg"]))
    assert re.search(r"no PCC \(all centers equally far apart\):\s+csq", shown)
    assert "n = 1" in shown and "n = 2" in shown


def test_a_figure_for_each_reference_that_is_there(made, kept, tmp_path: Path) -> None:
    cell = made("crh", 16, 0.5, pcc=None)
    cells = [kept(cell, metrics={**cell.result["metrics"], "pcc_backbone": 0.4})]
    assert sorted(rendered(Results(cells), tmp_path)) == [f"map_vs_pcc_features.{e}" for e in ("pdf", "png", "svg")]


def test_a_file_for_each_protocol(made, tmp_path: Path) -> None:
    cells = [made("crh", 16, 0.5, regime=regime) for regime in ("quick", "frozen")]
    names = [n for n in rendered(Results(cells), tmp_path) if n.endswith("svg")]
    assert len(names) == 2 and all(n.startswith("map_vs_pcc_tree-pets-folders-") for n in names)


def test_nothing_to_draw_is_no_figure(made, tmp_path: Path) -> None:
    assert rendered(Results([]), tmp_path) == {}
    assert rendered(Results([made("crh", 16, None), made("csq", 16, 0.4, pcc=None)]), tmp_path) == {}


def test_hostile_names_and_the_same_bytes_again(made, tmp_path: Path) -> None:
    cells = [made(name, 16, 0.1 * i, pcc=0.05 * i) for i, name in enumerate(HOSTILE)]
    first, second = (rendered(Results(cells), tmp_path / place) for place in "ab")
    assert first == second
    assert b"<script" not in first["map_vs_pcc_tree.svg"]
    shown = texts(first["map_vs_pcc_tree.svg"])
    assert "$x$" in shown and "שלום עולם" in shown
    assert max(map(len, shown)) < 100
