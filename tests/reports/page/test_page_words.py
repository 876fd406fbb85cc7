"""The page's sentences: summary, methods explained, provenance; and its tables."""

import numpy as np

from bench.evaluation.uncertainty import bootstrap_interval
from bench.reports._model import panels
from bench.reports._page.methods import methods_explained, settings, shown
from bench.reports._page.provenance import provenance
from bench.reports._page.summary import best, missing, summary
from bench.reports._page.tables import common_facts, shown_tables
from bench.reports._tables.table import Table, Value
from bench.storage.results import Results


def test_best_and_its_interval(paged) -> None:
    (panel,) = panels(Results([paged("crh", 8, 0.5), paged("crh", 8, 0.7, seed=1), paged("csq", 8, 0.4)]))
    (row,) = best(panel)
    assert (row["bits"], row["method"], row["second"]) == (8, "crh", "csq")
    assert row["map"] == "0.6000 ± 0.1414"
    low, high = bootstrap_interval(np.array([[0.2, 0.4, 0.6, 0.8]] * 2))
    assert row["interval"] == f"{low:.4f}–{high:.4f}"


def test_lead_counts(paged, made, kept) -> None:
    results = Results([paged("crh", 8), kept(made("csq", 16, None))])
    lead = summary(results, panels(results))["lead"]
    assert lead == "2 methods at 8, 16 bits on pets: 2 cells, 1 of them failed."


def test_what_is_missing_is_said_once(paged, made, kept) -> None:
    cells = [paged("crh", 8), paged("crh", 8, seed=1), paged("csq", 8), kept(made("csq", 16, None, num_classes=4))]
    (panel,) = panels(Results(cells))
    said = missing(panel)
    assert "csq failed at 16 bits, seed 0: out of luck." in said
    assert "crh has no cell at 16 bits: it was not run, or has not finished." in said
    assert "csq lacks 1 seed of 2 at 8 bits." in said
    assert len(said) == len(set(said))


def test_why_there_is_no_pcc(paged) -> None:
    said = missing(panels(Results([paged(pcc=None, paths=None)]))[0])
    assert "No PCC with a class tree: the dataset has no class tree." in said
    said = missing(panels(Results([paged(pcc=None)]))[0])
    assert any("equally far" in sentence for sentence in said)


def test_methods_are_explained_by_the_registry(paged) -> None:
    cells = [paged("crh-m", bits, method_config={"heads": heads}) for bits, heads in ((8, 1), (16, 2))]
    known, unknown = methods_explained(Results([*cells, paged("gone")]))
    assert "2511.12162" in known["citation"] and known["variant"] == "one head of all bits"
    assert known["settings"][0] == ("Method", [("heads", "1, 2")])
    assert "not installed" in unknown["summary"] and unknown["citation"] == ""


def test_settings_as_words() -> None:
    assert [shown(v) for v in (None, True, 0.0001, (0.5, 0.999), "cosine", 3)] == [
        "by the method's rule", "yes", "0.0001", "(0.5, 0.999)", "cosine", "3",
    ]  # fmt: skip
    assert settings([{"a": 1}, {"a": 1, "b": False}]) == [("a", "1"), ("b", "no")]


def test_provenance_counts_where_cells_differ(paged) -> None:
    cells = [paged("crh", 8), paged("csq", 8), paged("mds", 8)]
    cells[2].result["provenance"] = {
        **cells[2].result["provenance"],
        "clean": False,
        "command": "bench run --methods mds",
    }
    found = provenance(Results(cells), panels(Results(cells)))
    facts = dict(found["facts"])
    assert facts["Commit"] == [("abc123", 2), ("abc123, with changed files", 1)]
    assert facts["Python"] == [("3.11.7", 3)]
    assert found["commands"] == ["bench run --methods crh,csq", "bench run --methods mds"]
    assert [row["command"] for row in found["cells"]] == [1, 1, 2]
    assert found["cells"][0]["id"] == cells[0].cell.id


def test_tables_become_groups_footnotes_and_widths() -> None:
    rows = (
        (Value("crh", letters="a"), Value("0.5", spread="0.01", letters="bcd", mark=1, number=0.5)),
        (Value("csq"), Value("failed", note="too large")),
        None,
        (Value("chance"), Value("0.1", number=0.1, note="too large")),
    )
    (table,) = shown_tables([Table("t", "T", ("method", "8 bits"), rows, panel="p")], [])
    assert [len(group) for group in table["groups"]] == [2, 1]
    assert table["footnotes"] == ["too large"]
    assert [row[1]["footnote"] for group in table["groups"] for row in group] == [None, 1, 1]
    assert table["numeric"] == [False, True]
    assert table["letters"] == [0, 3] and table["spreads"] == [0, 6]


def test_what_all_tables_of_a_protocol_say_is_said_once(paged) -> None:
    found = panels(Results([paged()]))
    common = common_facts(found[0])
    table = Table("t", "T", ("method",), ((Value("crh"),),), (*common, "its own"), panel=found[0].title)
    assert shown_tables([table], found)[0]["facts"] == ["its own"]
    assert shown_tables([Table("t", "T", ("m",), (), (*common,))], found)[0]["facts"] == common
