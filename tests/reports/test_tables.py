import csv
import statistics
from pathlib import Path

import pytest

from bench.grid.results import COLUMNS, Results
from bench.reports.tables import Tables


def rendered(results: Results, out: Path) -> dict[str, str]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_text(encoding="utf-8") for file in Tables().render(results, out)}


def test_markdown_to_the_letter(four: Results, tmp_path: Path) -> None:
    expected = """\
# Results

## pets@folders, quick, matched settings

12 classes, single-label; 1,200 training, 30 query and 4,500 database items. Regime quick, matched settings: small-cnn \
(random weights), 16 epochs of adamw, learning rate 0.002, batch 32. mAP over the whole database, expected over all \
orders of items at equal distance; seed 0, ± standard error over queries.

| method                 | 16 bits                | 32 bits                |
|:-----------------------|-----------------------:|-----------------------:|
| crh                    | **0.5000 ± 0.0100**    | <u>0.6000 ± 0.0100</u> |
| csq                    | <u>0.4000 ± 0.0100</u> | **0.7000 ± 0.0100**    |
| *real-valued features* | 0.2500                 | 0.2500                 |
| *chance*               | 0.0833                 | 0.0833                 |

Best in bold, second underlined; the two may differ by less than their errors.

| method | bits | tie band      | relaxed | features | PCC tree | PCC features | distance | equal |
|:-------|-----:|--------------:|--------:|---------:|---------:|-------------:|---------:|------:|
| crh    | 16   | 0.1000–0.9000 | 0.5500  | 0.2500   | -0.125   | –            | 4        | 0     |
| crh    | 32   | 0.1000–0.9000 | 0.5500  | 0.2500   | -0.125   | –            | 4        | 0     |
| csq    | 16   | 0.1000–0.9000 | 0.5500  | 0.2500   | -0.125   | –            | 4        | 0     |
| csq    | 32   | 0.1000–0.9000 | 0.5500  | 0.2500   | –        | –            | 4        | 0     |

Tie band: mAP in the worst and in the best order of ties. Relaxed: mAP of the network's real-valued outputs by cosine, \
before they are made codes. Features: that of the features under the hash layer. PCC: correlation of the centers' \
similarity over all pairs of classes with the dataset's class tree, and with the class means of frozen features; – \
where it is undefined or there is nothing to compare with. Least distance of any two centers, and number of equal pairs.
"""
    assert rendered(four, tmp_path)["results.md"] == expected


def test_latex_to_the_letter(four: Results, tmp_path: Path) -> None:
    tex = rendered(four, tmp_path)["results.tex"]
    label = four.cells[0].cell.protocol
    assert (
        f"""\
  \\label{{tab:pets-folders-quick-matched-{label}}}
  \\begin{{tabular}}{{lrr}}
    \\toprule
    Method & 16 bits & 32 bits \\\\
    \\midrule
    crh & $\\mathbf{{0.5000}}_{{\\pm 0.0100}}$ & $\\underline{{0.6000}}_{{\\pm 0.0100}}$ \\\\
    csq & $\\underline{{0.4000}}_{{\\pm 0.0100}}$ & $\\mathbf{{0.7000}}_{{\\pm 0.0100}}$ \\\\
    \\midrule
    real-valued features & $0.2500$ & $0.2500$ \\\\
    chance & $0.0833$ & $0.0833$ \\\\
    \\bottomrule
  \\end{{tabular}}
\\end{{table}}
"""
        in tex
    )
    assert "crh & 16 & 0.1000--0.9000 & 0.5500 & 0.2500 & $-$0.125 & -- & 4 & 0 \\\\" in tex
    assert "csq & 32 & 0.1000--0.9000 & 0.5500 & 0.2500 & -- & -- & 4 & 0 \\\\" in tex
    assert tex.startswith("% Needs \\usepackage{booktabs}.")


def test_csv_has_a_row_per_cell_and_the_stable_columns(four: Results, made, tmp_path: Path) -> None:
    results = Results([*four.cells, made("mds", 16, None, reason="said, with a comma")])
    rows = list(csv.DictReader(rendered(results, tmp_path)["results.csv"].splitlines()))
    assert list(rows[0]) == COLUMNS
    assert [(r["method"], r["bits"], r["map"], r["status"]) for r in rows] == [
        ("crh", "16", "0.5", "ok"), ("crh", "32", "0.6", "ok"), ("csq", "16", "0.4", "ok"), ("csq", "32", "0.7", "ok"),
        ("mds", "16", "", "failed"),
    ]  # fmt: skip
    assert rows[-1]["reason"] == "said, with a comma"


def test_several_seeds_are_a_mean_and_a_sample_deviation(made, tmp_path: Path) -> None:
    values = [0.5, 0.52, 0.57]
    results = Results([made("crh", 16, v, seed=s) for s, v in enumerate(values)])
    text = rendered(results, tmp_path)["results.md"]
    assert f"{statistics.fmean(values):.4f} ± {statistics.stdev(values):.4f}" in text
    assert "0.5300 ± 0.0361" in text
    assert "mean ± standard deviation over 3 seeds" in text


def test_one_method_alone_is_not_called_best(made, tmp_path: Path) -> None:
    assert "**" not in rendered(Results([made("crh", 16, 0.5)]), tmp_path)["results.md"]


def test_equal_to_the_digits_shown_is_equal_in_rank(made, tmp_path: Path) -> None:
    cells = [made("a", 16, 0.50001), made("b", 16, 0.50002), made("c", 16, 0.4), made("d", 16, 0.3)]
    text = rendered(Results(cells), tmp_path)["results.md"]
    assert text.count("**0.5000 ± 0.0100**") == 2
    assert text.count("<u>0.4000 ± 0.0100</u>") == 1
    assert "| 0.3000 ± 0.0100" in text


def test_failures_stand_in_the_table_with_their_reasons(made, tmp_path: Path) -> None:
    cells = [made("a", 16, 0.5), made("a", 16, None, seed=1, reason="the loss is nan"),
             made("b", 16, None, reason="bad | pipe")]  # fmt: skip
    texts = rendered(Results(cells), tmp_path)
    assert "| 0.5000 ± 0.0100 failed [1] |" in texts["results.md"]
    assert "failed [2]" in texts["results.md"]
    assert "[1] seed 1: the loss is nan" in texts["results.md"]
    assert "[2] seed 0: bad \\| pipe" in texts["results.md"]
    assert "b & failed \\\\" in texts["results.tex"]


@pytest.mark.parametrize("change", [{"regime": "frozen"}, {"settings": "paper"}, {"split": "other"},
                                    {"fingerprint": "other"}, {"train": {"epochs": 9, "optimizer": "adam", "lr": 1.0,
                                                                          "batch_size": 8}}])  # fmt: skip
def test_protocols_are_never_mixed_in_a_table(made, tmp_path: Path, change: dict) -> None:
    text = rendered(Results([made("crh", 16, 0.5), made("csq", 16, 0.4, **change)]), tmp_path)["results.md"]
    assert text.count("## ") == 2
    assert "**" not in text


def test_notes_of_methods_are_under_the_table_once(made, tmp_path: Path) -> None:
    cells = [made("crh", 16, 0.5, ("two classes share a center",), seed=s) for s in (0, 1)]
    assert rendered(Results(cells), tmp_path)["results.md"].count("Note: two classes share a center") == 1


def test_latex_survives_every_special_character(made, tmp_path: Path) -> None:
    tex = rendered(Results([made("crh[a_b=50%]", 16, 0.5, dataset_label="a&b_{c}#$~^\\")]), tmp_path)["results.tex"]
    assert "crh[a\\_b=50\\%] &" in tex
    assert "a\\&b\\_\\{c\\}\\#\\$\\textasciitilde{}\\textasciicircum{}\\textbackslash{}@folders" in tex


def test_the_same_results_give_the_same_bytes_in_any_order(four: Results, tmp_path: Path) -> None:
    turned = Results(list(reversed(four.cells)))
    assert rendered(four, tmp_path / "a") == rendered(turned, tmp_path / "b")


def test_a_missing_combination_is_a_dash(made, tmp_path: Path) -> None:
    text = rendered(Results([made("crh", 16, 0.5), made("csq", 32, 0.4)]), tmp_path)["results.md"]
    assert "| crh                    | 0.5000 ± 0.0100 | –               |" in text


def test_the_terminal_table_shows_the_same_numbers(four: Results) -> None:
    from rich.console import Console

    console = Console(width=200)
    with console.capture() as captured:
        console.print(Tables().terminal(four))
    shown = captured.get()
    for text in ("0.5000 ± 0.0100", "0.7000 ± 0.0100", "chance", "real-valued features", "16 bits", "pets@folders"):
        assert text in shown
