"""Tables with a row for each method and code length: centers, ties, codes, cutoffs, cost."""

from bench.reports._model import Panel, panels
from bench.reports._tables.centers_table import centers_table
from bench.reports._tables.codes_table import codes_tables
from bench.reports._tables.cost_table import cost_table
from bench.reports._tables.cutoffs_table import cutoffs_table
from bench.reports._tables.table import Table
from bench.reports._tables.ties_table import ties_table
from bench.storage.results import Results


def panel_of(cells: list) -> Panel:
    (panel,) = panels(Results(cells))
    return panel


def column(table: Table, name: str) -> list[str | None]:
    place = table.header.index(name)
    return [None if row is None else row[place].text for row in table.rows]


def test_rows_are_by_code_length_with_rules_between(whole) -> None:
    table = ties_table(panel_of([whole(m, k, 0.5) for m in ("b", "a") for k in (32, 16)]))
    assert column(table, "method") == ["a", "b", None, "a", "b"]
    assert column(table, "bits") == ["16", "16", None, "32", "32"]


def test_centers_show_the_worst_of_the_seeds(whole) -> None:
    cells = [
        whole("mds", 16, 0.5, facts={"target_distance": 5}, metrics={"d_min": 4, "duplicates": 0}),
        whole("mds", 16, 0.5, seed=1, facts={"target_distance": 5}, metrics={"d_min": 3, "duplicates": 2}),
        whole("code", 16, 0.5, facts={"guaranteed_distance": 6}), whole("csq", 16, 0.5),
    ]  # fmt: skip
    table = centers_table(panel_of(cells))
    assert table.header == ("method", "bits", "least", "target", "certain", "possible", "mean", "equal", "constant")
    rows = {row[0].text: [v.text for v in row[1:]] for row in table.rows if row}
    assert rows["mds"] == ["16", "3", "5", "3", "8", "7.50", "2", "1"]
    assert rows["code"][2] == "6"
    assert rows["csq"][2] == "–"
    text = " ".join(table.facts)
    assert "Gilbert-Varshamov" in text
    assert "Plotkin" in text


def test_columns_that_nothing_fills_are_left_out_with_their_explanation(made) -> None:
    table = centers_table(panel_of([made("a", 16, 0.5)]))
    assert table.header == ("method", "bits", "least", "equal")
    assert "Target:" not in " ".join(table.facts)
    assert "Plotkin" not in " ".join(table.facts)


def test_tie_band_and_its_width(made) -> None:
    cells = [made("a", 16, 0.5, map_worst=0.1, map_best=0.9), made("a", 16, 0.6, seed=1, map_worst=0.3, map_best=0.7)]
    table = ties_table(panel_of(cells))
    assert [v.text for v in table.rows[0] or ()] == ["a", "16", "0.2000", "0.5500", "0.8000", "0.6000"]
    stable = ties_table(panel_of([made("a", 16, 0.5, ties="stable")]))
    assert stable.header[3] == "listed"
    assert "in the order of the database (listed)" in " ".join(stable.facts)


def test_codes_and_what_they_lose(whole) -> None:
    health, real = codes_tables(panel_of([whole("a", 16, 0.5)]))
    assert dict(zip(health.header, (v.text for v in health.rows[0] or ()), strict=True)) == {
        "method": "a", "bits": "16", "balance": "0.125", "entropy": "0.900", "correlation": "0.050", "gap": "0.0500",
        "to own": "1.25", "to other": "5.50",
    }  # fmt: skip
    assert [v.text for v in real.rows[0] or ()] == ["a", "16", "0.2500", "0.5500", "0.5000", "0.0500"]


def test_cutoffs_mark_the_best_of_each_code_length(whole) -> None:
    cells = [whole("a", 16, 0.5), whole("b", 16, 0.6), whole("a", 32, 0.7), whole("b", 32, 0.6)]
    table = cutoffs_table(panel_of(cells))
    place = table.header.index("mAP@100")
    assert [None if r is None else (r[place].text, r[place].mark) for r in table.rows] == [
        ("0.6000", 2), ("0.7000", 1), None, ("0.8000", 1), ("0.7000", 2),
    ]  # fmt: skip
    equal = table.header.index("P@100")
    assert {row[equal].mark for row in table.rows if row} == {0}  # all the same: none is best
    assert "The database has 4,500 items: mAP@5000 is mAP." in table.facts
    small = cutoffs_table(panel_of([whole("a", 16, 0.5, counts={"train": 9, "query": 9, "database": 900})]))
    assert "The database has 900 items: mAP@1000 and mAP@5000 are mAP." in small.facts


def test_cost_says_what_was_counted_and_on_what(whole) -> None:
    gpu = {
        "device": "cuda:0", "gpu": {"name": "Fast One"}, "gpu_seconds": 14.0, "peak_gpu_memory_bytes": 512 * 2**20,
        "trained_together": 12,
    }  # fmt: skip
    table = cost_table(panel_of([whole("a", 16, 0.5), whole("b", 16, 0.5, made_by=gpu)]))
    rows = [dict(zip(table.header, (v.text for v in row), strict=True)) for row in table.rows if row]
    assert rows[0] == {
        "method": "a", "bits": "16", "centers": "0.50", "training": "12.2", "codes": "1.00", "evaluation": "0.25",
        "total": "14.0", "CPU-s": "28.0", "GPU-s": "–", "MiB": "300", "GPU MiB": "–", "together": "1",
    }  # fmt: skip
    assert (rows[1]["CPU-s"], rows[1]["GPU-s"], rows[1]["GPU MiB"], rows[1]["together"]) == ("–", "14.0", "512", "12")
    assert "Hardware: CPU Abacus, 2 threads, GPU Fast One. Time of all cells (2): 28 s." in table.facts
    assert "data" not in table.header  # a thousandth of a second


def test_cost_of_a_classifier_that_cells_share(whole) -> None:
    cells = [whole("a", bits, 0.5) for bits in (16, 32)]
    for cell in cells:
        cell.result["seconds"] = {**cell.result["seconds"], "classifier": 6.25, "total": 20.25}
    table = cost_table(panel_of(cells))
    place = table.header.index("classifier")
    assert [row[place].text for row in table.rows if row] == ["6.25", "6.25"]
    assert any("Time of all cells (2): 34 s, classifiers that they share counted once." in fact for fact in table.facts)


def test_cost_of_cells_without_provenance(made) -> None:
    table = cost_table(panel_of([made("a", 16, 0.5)]))
    assert table.header == ("method", "bits", "total")
    assert "Hardware: not stored. Time of all cells (1): 2 s." in table.facts


def test_methods_that_failed_are_left_out_here(made) -> None:
    table = ties_table(panel_of([made("a", 16, 0.5), made("b", 16, None), made("b", 32, 0.4)]))
    assert column(table, "method") == ["a", None, "b"]
