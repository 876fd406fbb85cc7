import string

import numpy as np
import pytest

import bench
from bench.reports._model import panels
from bench.reports._tables.map_table import map_table
from bench.reports._tables.table import Table, Value
from bench.storage.results import Results
from bench.studies.comparison import compare_results

RNG = np.random.default_rng(0)
BASE = RNG.random(200) * 0.4


def table_of(cells: list) -> Table:
    (panel,) = panels(Results(cells))
    return map_table(panel)


def row_of(table: Table, name: str) -> tuple[Value, ...]:
    return next(row for row in table.rows if row and row[0].text == name)


def test_letters_name_the_methods_that_an_entry_beats(whole) -> None:
    noise = RNG.normal(0, 1e-4, 200)
    cells = [whole("a", 16, 0.2, ap=BASE), whole("b", 16, 0.2, ap=BASE + noise), whole("c", 16, 0.3, ap=BASE + 0.1)]
    table = table_of(cells)
    rows = [row for row in table.rows[:3] if row]
    assert [(row[0].text, row[0].letters) for row in rows] == [("a", "a"), ("b", "b"), ("c", "c")]
    assert [row[1].letters for row in rows] == ["", "", "ab"]
    assert any("significantly better" in fact and "Holm" in fact for fact in table.facts)


def test_letters_are_what_bench_compare_says(whole) -> None:
    ap = {name: np.clip(BASE + RNG.normal(0.004 * i, 0.05, 200), 0, 1) for i, name in enumerate("abcdef")}
    cells = [whole(name, 16, float(values.mean()), ap=values) for name, values in ap.items()]
    (family,) = compare_results(Results(cells))
    expected: dict[str, str] = dict.fromkeys(ap, "")
    for pair in family.comparisons:
        if pair.p_holm < 0.05:
            first_wins = pair.difference > 0
            expected[pair.first if first_wins else pair.second] += pair.second if first_wins else pair.first
    table = table_of(cells)
    assert {name: row_of(table, name)[1].letters for name in ap} == {
        name: "".join(sorted(letters)) for name, letters in expected.items()
    }
    assert any(expected.values())
    assert not all(expected.values())


def test_tests_are_over_the_seeds_that_all_methods_have(whole) -> None:
    """In seed 0 alone the two are equal; seed 1, which one of them lacks, would make them differ."""
    cells = [
        whole("a", 16, 0.5, ap=BASE), whole("b", 16, 0.5, ap=BASE), whole("b", 16, 0.9, ap=BASE + 0.5, seed=1),
    ]  # fmt: skip
    table = table_of(cells)
    assert row_of(table, "b")[1].letters == ""
    assert row_of(table, "a")[1].note == "seed 0 alone, ± standard error over queries"
    assert row_of(table, "b")[1].note is None


def test_of_many_methods_those_as_good_as_the_best_have_a_dagger(whole) -> None:
    names = string.ascii_lowercase[:10]
    offsets = [0.0] * 7 + [0.3, 0.3 + 1e-9, 0.2]
    cells = [
        whole(n, 16, float((BASE + o).mean()), ap=BASE + o + RNG.normal(0, 1e-3, 200) * (n == "h"))
        for n, o in zip(names, offsets, strict=True)
    ]
    table = table_of(cells)
    assert [row_of(table, n)[0].letters for n in names] == [""] * 10
    daggers = {n for n in names if row_of(table, n)[1].letters == "†"}
    assert daggers in ({"h"}, {"i"})  # the other of the two is the best
    assert any(fact.startswith("†: not significantly worse") for fact in table.facts)


def test_without_stored_ap_nothing_is_tested_and_nothing_is_said(made) -> None:
    table = table_of([made("a", 16, 0.5), made("b", 16, 0.4)])
    assert all(value.letters == "" for row in table.rows if row for value in row)
    assert not any("significant" in fact for fact in table.facts)


def test_failures_and_gaps_have_their_reason(made) -> None:
    cells = [
        made("a", 16, 0.5), made("a", 16, 0.6, seed=1), made("a", 16, None, seed=2, reason="the loss is nan"),
        made("b", 16, None, reason="no memory"), made("c", 32, 0.3), made("c", 32, 0.3, seed=2),
    ]  # fmt: skip
    table = table_of(cells)
    some, none, other = row_of(table, "a")[1], row_of(table, "b")[1], row_of(table, "c")
    assert (some.text, some.spread, some.note) == ("0.5500", "0.0707", "failed, seed 2: the loss is nan")
    assert (none.text, none.number, none.note) == ("failed", None, "failed, seed 0: no memory")
    assert (other[1].text, other[1].note) == ("–", "not run")
    assert (other[2].spread, other[2].note) == ("0.0000", "seeds 0, 2 alone")


def test_versions_are_named_and_never_mixed_silently(whole, made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "__version__", "9.9")
    one = table_of([whole("a", 16, 0.5), whole("b", 16, 0.4)])
    assert one.facts[-1] == "Made by bench 0.0.1, commit 0123456789ab; table by bench 9.9."
    assert one.notes == ()
    two = table_of([
        whole("a", 16, 0.5), whole("b", 16, 0.4),
        whole("b", 32, 0.4, made_by={"commit": "f" * 40, "clean": False}),
    ])  # fmt: skip
    assert two.notes == (
        (
            "Cells of several versions or commits are in this table (bench 0.0.1, commit 0123456789ab: 2 cells; "
            "bench 0.0.1, commit ffffffffffff with uncommitted changes: 1 cell)."
        ),
    )
    unknown = table_of([made("a", 16, 0.5)])
    assert unknown.facts[-1] == "Made by a version that is not stored; table by bench 9.9."


def test_two_versions_of_a_method_are_named(made) -> None:
    table = table_of([made("a", 16, 0.5), made("a", 16, 0.6, method_version=2)])
    assert table.notes == ("a: cells of versions 1, 2 of the method are in this table.",)
    table = table_of([made("a", 16, 0.5), made("a", 16, 0.6, method_config={"hidden": 1})])
    assert table.notes == ("a: cells of one seed that differ in settings which its name does not say are averaged.",)


def test_notes_that_differ_in_numbers_are_one(made) -> None:
    notes = [f"csq: at {k} bits the least is {k / 10}" for k in (16, 32, 64)]
    table = table_of([made("csq", 16, 0.5, (note,), seed=s) for s, note in enumerate([*notes, "other"])])
    assert table.notes == (f"{notes[0]} (2 more with other numbers.)", "other")


def test_the_order_of_ties_is_said(made) -> None:
    assert "in the order of the database" in " ".join(table_of([made("a", 16, 0.5, ties="stable")]).facts)
    assert "expected over all orders" in " ".join(table_of([made("a", 16, 0.5)]).facts)
