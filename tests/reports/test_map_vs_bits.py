import re
from pathlib import Path

import numpy as np
from PIL import Image

from bench.grid.results import Results
from bench.reports.map_vs_bits import MapVsBits


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in MapVsBits().render(results, out)}


def test_three_forms_of_one_figure(four: Results, tmp_path: Path) -> None:
    files = rendered(four, tmp_path)
    assert sorted(files) == ["map_vs_bits.pdf", "map_vs_bits.png", "map_vs_bits.svg"]
    pixels = np.asarray(Image.open(tmp_path / "figures" / "map_vs_bits.png").convert("L"))
    assert pixels.shape == (580, 720)
    assert (pixels < 128).mean() > 0.005  # something is drawn
    assert files["map_vs_bits.pdf"].startswith(b"%PDF")


def test_the_figure_says_what_it_shows(four: Results, tmp_path: Path) -> None:
    svg = rendered(four, tmp_path)["map_vs_bits.svg"].decode()
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    for text in ("mAP", "code length (bits)", "16", "32", "crh", "csq", "chance", "real-valued features",
                 "worst to best tie order", "pets@folders, quick, matched settings"):  # fmt: skip
        assert text in texts


def test_the_same_results_give_the_same_bytes(four: Results, tmp_path: Path) -> None:
    assert rendered(four, tmp_path / "a") == rendered(four, tmp_path / "b")


def test_a_panel_for_each_protocol(made, tmp_path: Path) -> None:
    cells = [made("crh", 16, 0.5, regime=r) for r in ("quick", "frozen", "finetune", "other")]
    svg = rendered(Results(cells), tmp_path)["map_vs_bits.svg"].decode()
    assert len(re.findall(r"<text[^>]*>pets@folders, ", svg)) == 4


def test_nothing_to_draw_is_no_figure(made, tmp_path: Path) -> None:
    assert rendered(Results([]), tmp_path) == {}
    assert rendered(Results([made("crh", 16, None)]), tmp_path) == {}


def test_failed_cells_are_left_out_of_the_line(made, tmp_path: Path) -> None:
    assert rendered(Results([made("crh", 16, 0.5), made("crh", 32, None), made("crh", 64, 0.6)]), tmp_path)
