from bench.reports._model import panels
from bench.reports._tables.centers_table import centers_table
from bench.reports._tables.semantic_table import semantic_tables
from bench.reports._tables.table import Table
from bench.storage.results import Results


def tables_of(cells: list) -> list[Table]:
    (panel,) = panels(Results(cells))
    return semantic_tables(panel)


def shown(table: Table) -> list[list[str] | None]:
    return [
        None if r is None else [v.text if v.spread is None else f"{v.text} ± {v.spread}" for v in r] for r in table.rows
    ]


def test_rows_are_those_of_the_papers_table(whole) -> None:
    def learning(name: str, heads: int | None, seed: int, before: float, after: float):
        config = {"heads": heads}
        metrics = {"pcc_initial": before, "pcc": after, "centers_moved_last": seed}
        return whole(name, 16, 0.5, seed=seed, method_config=config, metrics=metrics, moved=(0, 3))

    cells = [
        learning("crh", None, 0, 0.0, 0.25), learning("crh", None, 1, 0.02, 0.35), learning("crh-m", 1, 0, 0.0, 0.1),
        whole("shc", 16, 0.5, metrics={"pcc": 0.2}), whole("csq", 16, 0.5, metrics={"pcc": None}),
        whole("mine", 16, 0.5, metrics={"pcc": -0.0001}), whole("random-centers", 16, 0.5, metrics={"pcc": 0.01}),
    ]  # fmt: skip
    (table,) = tables_of(cells)
    assert shown(table) == [
        ["crh: Init", "0.010 ± 0.014"], ["crh: learned", "0.300 ± 0.071"], ["crh-m: Init", "0.000"],
        ["crh-m: learned-m", "0.100"], None,
        ["random-centers", "0.010"], ["csq", "undefined"], ["shc", "0.200"], ["mine", "0.000"],
    ]  # fmt: skip
    marks = {row[0].text: row[1].mark for row in table.rows if row}
    assert {name for name, mark in marks.items() if mark} == {"crh: learned", "shc"}
    csq = next(row for row in table.rows if row and row[0].text == "csq")
    assert csq[1].number is None
    assert "equally similar" in str(csq[1].note)
    assert table.notes == (
        "The last update still moved centers (at most: crh 1): codes were trained toward those before.",
    )
    assert "PCC of random centers scatters by about 0.123 around 0." in table.facts  # 12 classes: 66 pairs


def test_seeds_without_pcc_are_left_out_of_the_mean_and_named(whole) -> None:
    (table,) = tables_of([whole("a", 16, 0.5, seed=s, metrics={"pcc": p}) for s, p in enumerate([0.2, None, 0.4])])
    (row,) = (row for row in table.rows if row)
    assert (row[1].text, row[1].spread) == ("0.300", "0.141")
    assert str(row[1].note).startswith("without seed 1: ")


def test_a_table_for_each_reference(whole) -> None:
    both = {"pcc": 0.2, "pcc_backbone": 0.4, "pcc_backbone_initial": 0.1}
    tree, features = tables_of([whole("a", 16, 0.5, metrics=both)])
    assert tree.title.endswith("the class tree")
    assert features.title.endswith("class means of frozen features")
    assert shown(features) == [["a", "0.400"]]
    assert tree.name != features.name


def test_where_nothing_is_compared_a_sentence_says_so(whole) -> None:
    cells = [whole("a", 16, 0.5, metrics={"pcc": None, "pcc_reference": None, "pcc_backbone": None})]
    assert tables_of(cells) == []
    (panel,) = panels(Results(cells))
    assert centers_table(panel).notes[0].startswith("Semantic alignment (PCC) has no table: ")
    (panel,) = panels(Results([whole("a", 16, 0.5)]))
    assert centers_table(panel).notes == ()
