import csv
import statistics
from pathlib import Path

import numpy as np
import pytest

import bench
from bench.reports._tables.all_tables import all_tables
from bench.reports.tables import Tables
from bench.storage.results import COLUMNS, Results

GOLDEN = Path(__file__).parent / "golden"


def rendered(results: Results, out: Path) -> dict[str, str]:
    out.mkdir(exist_ok=True)
    return {
        file.relative_to(out).as_posix(): file.read_text(encoding="utf-8") for file in Tables().render(results, out)
    }


@pytest.fixture
def small(whole, made) -> Results:
    """Three methods, two code lengths, two seeds: one method learns its centers, one cell failed, one was not run."""

    def cell(method: str, bits: int, mean: float, **more):
        return whole(method, bits, mean, ap=np.linspace(mean - 0.2, mean + 0.2, 30), **more)

    both, note = {"pcc": 0.3, "pcc_initial": 0.01}, ("two classes share a center",)
    cells = [
        cell("crh", 16, 0.55, moved=(2, 1), metrics=both), cell("crh", 16, 0.57, seed=1, moved=(2, 0), metrics=both),
        cell("crh", 32, 0.60, moved=(2, 1), metrics=both), cell("crh", 32, 0.62, seed=1, moved=(2, 0), metrics=both),
        cell("csq", 16, 0.50, notes=note, pcc=None), cell("csq", 16, 0.51, seed=1, notes=note, pcc=None),
        cell("csq", 32, 0.62, notes=note, pcc=None), cell("csq", 32, 0.60, seed=1, notes=note, pcc=None),
        cell("mds[target=3]", 16, 0.45, facts={"target_distance": 3}),
        made("mds[target=3]", 16, None, seed=1, reason="the loss is nan"),
    ]  # fmt: skip
    return Results(cells)


@pytest.mark.parametrize(
    "name", ["results.md", "results.tex", "results.csv", "cost.md", "cost.tex", "tables/map.csv", "tables/pcc-tree.csv"]
)
def test_golden_files(small: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """To accept a change: read the new file, which pytest leaves in `out`, and copy it over the golden one."""
    monkeypatch.setattr(bench, "__version__", "0.0.2")
    texts = rendered(small, tmp_path / "out")
    rest = f"-pets-folders-quick-matched-{small.cells[0].cell.protocol}.csv"
    text = texts[name.replace(".csv", rest) if name.startswith("tables/") else name]
    assert text == (GOLDEN / Path(name).name).read_text(encoding="utf-8")


def test_every_table_has_a_csv_file_and_a_name_of_its_own(small: Results, tmp_path: Path) -> None:
    names = [table.name for table in all_tables(small)]
    assert len(set(names)) == len(names) >= 8
    written = {name for name in rendered(small, tmp_path / "out") if name.startswith("tables/")}
    assert written == {f"tables/{name}.csv" for name in names}


def test_time_and_memory_are_apart_so_that_a_run_that_was_interrupted_gives_the_same_results(
    small: Results, tmp_path: Path
) -> None:
    before = rendered(small, tmp_path / "a")
    for stored in small.cells:
        stored.result["seconds"] = {"training": 99.0, "total": 99.0}
        stored.result.setdefault("provenance", {}).update({"peak_memory_bytes": 7, "trained_together": 3})
    after = rendered(Results(small.cells), tmp_path / "b")
    differing = {name.split("-")[0] for name in before if before[name] != after[name]}
    assert differing == {"results.csv", "cost.md", "cost.tex", "tables/cost"}


def test_where_every_cell_failed_the_table_says_why(made, tmp_path: Path) -> None:
    texts = rendered(Results([made("crh", 16, None, reason="no memory")]), tmp_path / "out")
    assert "[1] failed, seed 0: no memory." in texts["results.md"]
    assert not any(name.startswith("cost") for name in texts)


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
    assert "| 0.5000 ± 0.0100 [1] |" in texts["results.md"]
    assert "failed [2]" in texts["results.md"]
    assert "[1] failed, seed 1: the loss is nan; ± standard error over queries." in texts["results.md"]
    assert "[2] failed, seed 0: bad \\| pipe." in texts["results.md"]
    assert "b & failed\\textsuperscript{[2]} \\\\" in texts["results.tex"]


@pytest.mark.parametrize("change", [{"regime": "frozen"}, {"settings": "paper"}, {"split": "other"},
                                    {"fingerprint": "other"}, {"train": {"epochs": 9, "optimizer": "adam", "lr": 1.0,
                                                                          "batch_size": 8}}])  # fmt: skip
def test_protocols_are_never_mixed_in_a_table(made, tmp_path: Path, change: dict) -> None:
    text = rendered(Results([made("crh", 16, 0.5), made("csq", 16, 0.4, **change)]), tmp_path)["results.md"]
    assert text.count("\n## ") == 2
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
    assert "| crh                  | 0.5000 ± 0.0100 | – [1]           |" in text
    assert "[1] not run." in text


def test_the_terminal_table_shows_the_same_numbers(four: Results) -> None:
    from rich.console import Console

    console = Console(width=200)
    with console.capture() as captured:
        console.print(Tables().terminal(four))
    shown = captured.get()
    for text in ("0.5000 ± 0.0100", "0.7000 ± 0.0100", "chance", "real-valued features", "16 bits", "pets@folders"):
        assert text in shown
