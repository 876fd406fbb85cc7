"""Tables of studies, to numbers worked out by hand."""

from pathlib import Path

import pytest

from bench.reports._tables.latex import document as latex
from bench.reports._tables.markdown import markdown
from bench.reports._tables.study_tables import study_cost_tables, study_tables
from bench.reports._tables.table import Table
from bench.storage.results import Results

CRH = {"codebook_size": None, "heads": None, "reassignment": "greedy", "warmup_epochs": 20, "period": 5, "margin": 0.2}
TRAIN = {"epochs": 30, "optimizer": "adamw", "lr": 0.002, "batch_size": 32}


def audit(size: int, heads: int, dim: int) -> dict:
    return {"construction": {"codebook_size": size, "heads": heads, "head_dim": dim}, "centers": {"d_mean": 7.5}}


@pytest.fixture
def crh(made, kept):
    """A cell of CRH with settings: crh(16, 0.5, heads=2)."""

    def cell(bits: int, mean_ap: float | None, seed: int = 0, size: int = 24, dim: int = 8, **settings):
        changed = ",".join(f"{k}={v}" for k, v in sorted(settings.items()))
        label = f"crh[{changed}]" if changed else "crh"
        stored = made(
            "crh", bits, mean_ap, seed=seed, method_label=label, method_config={**CRH, **settings}, train=TRAIN
        )  # fmt: skip
        seconds = {"training": 2.0 + seed, "total": 9.0}
        return kept(stored, audit=audit(settings.get("codebook_size") or size, bits // dim, dim), seconds=seconds)

    return cell


def tables(*cells) -> dict[str, Table]:
    """By the name before the protocol's."""
    return {table.name.partition("-pets")[0]: table for table in study_tables(Results(list(cells)))}


def texts(table: Table) -> list[list[str] | None]:
    """A row's texts with spreads; None for a rule."""
    return [
        None if row is None else [v.text if v.spread is None else f"{v.text} ± {v.spread}" for v in row]
        for row in table.rows
    ]


def ablation(made, kept, seeds: int = 2) -> list:
    """AP of four queries: CRH 0.5, 0.6 at 16 bits and 0.7, 0.8 at 32; CRH-M less 0.1 there, CRH-U less 0.2."""
    cells = []
    for loss, variant in ((0.0, "crh"), (0.1, "crh-m"), (0.2, "crh-u")):
        for bits, base in ((16, 0.5), (32, 0.7)):
            for seed in range(seeds):
                value = base + 0.1 * seed - loss
                ap = [value - 0.05, value + 0.05, value, value]
                cells.append(kept(made(variant, bits, value, seed=seed), {"ap": ap}, audit=audit(24, 2, bits // 2)))
    return cells


def test_ablation_by_hand(made, kept) -> None:
    table = tables(*ablation(made, kept))["ablation"]
    assert table.header == ("variant", "16 bits", "32 bits", "average", "relative to crh")
    assert texts(table) == [
        ["crh-u", "0.3500 ± 0.0707", "0.5500 ± 0.0707", "0.4500 ± 0.0707", "-30.77 %"],  # 0.45 / 0.65 - 1
        ["crh-m", "0.4500 ± 0.0707", "0.6500 ± 0.0707", "0.5500 ± 0.0707", "-15.38 %"],
        ["crh", "0.5500 ± 0.0707", "0.7500 ± 0.0707", "0.6500 ± 0.0707", "–"],
    ]
    assert [row[1].mark for row in table.rows] == [0, 2, 1]
    assert table.panel == "pets@folders, quick, matched settings"


def test_differences_are_paired_by_seed_and_query(made, kept) -> None:
    table = tables(*ablation(made, kept))["ablation-differences"]
    assert table.header == ("difference", "bits", "mAP", "95% interval", "relative")
    same = ["-0.1000", "[-0.1000, -0.1000]"]  # every query of every seed loses as much: the interval has no width
    assert texts(table)[:4] == [
        ["crh-u against crh-m", "16", *same, "-22.22 %"],  # of 0.45
        ["crh-u against crh-m", "32", *same, "-15.38 %"],
        ["crh-u against crh-m", "average", *same, "-18.18 %"],  # of 0.55: as in the paper's Table 2
        None,
    ]
    assert texts(table)[-1] == ["crh-u against crh", "average", "-0.2000", "[-0.2000, -0.2000]", "-30.77 %"]
    assert [row[0].text for row in table.rows if row][3:6] == ["crh-m against crh"] * 3
    assert all(row[2].letters == "*" for row in table.rows if row)
    assert any("crh-m against crh: without several heads" in fact for fact in table.facts)


def test_an_interval_that_holds_nothing_has_no_star(made, kept) -> None:
    cells = []
    for variant, ap in (("crh", [0.5, 0.5, 0.5, 0.5]), ("crh-m", [0.9, 0.1, 0.9, 0.1]), ("crh-u", [0.4] * 4)):
        cells.append(kept(made(variant, 16, 0.5), {"ap": ap}))
    rows = [row for row in tables(*cells)["ablation-differences"].rows if row]
    assert rows[1][2].text == "0.0000"
    assert rows[1][3].text.startswith("[-0.")
    assert [row[2].letters for row in rows] == ["", "", "*"]


def test_one_code_length_has_no_average(made, kept) -> None:
    found = tables(*(c for c in ablation(made, kept) if c.cell.bits == 16))
    assert found["ablation"].header == ("variant", "16 bits", "relative to crh")
    assert [row[1].text for row in found["ablation-differences"].rows if row] == ["16"] * 3


def test_seeds_that_one_variant_lacks_are_left_out_of_pairs_alone(made, kept) -> None:
    cells = [c for c in ablation(made, kept) if not (c.cell.method == "crh" and c.cell.seed == 1 and c.cell.bits == 16)]
    found = tables(*cells)
    assert texts(found["ablation"])[2][1] == "0.5000 ± 0.0100"  # seed 0 alone
    assert found["ablation"].rows[2][1].note == "seed 0 alone, ± standard error over queries"
    assert texts(found["ablation-differences"])[4] == [
        "crh-m against crh", "16", "-0.1000", "[-0.1000, -0.1000]", "-20.00 %"
    ]  # fmt: skip


def test_without_stored_ap_there_are_no_differences(made) -> None:
    assert list(tables(*(made(v, 16, 0.5) for v in ("crh", "crh-m", "crh-u")))) == ["ablation"]


def test_two_of_three_are_no_ablation(made) -> None:
    assert tables(made("crh", 16, 0.5), made("crh-m", 16, 0.5)) == {}


def test_a_variant_that_failed_says_so(made) -> None:
    cells = [made("crh", 16, 0.5), made("crh-m", 16, 0.4), made("crh-u", 16, None, reason="the loss is nan")]
    first = tables(*cells)["ablation"].rows[0]
    assert (first[1].text, first[1].note, first[2].text) == ("failed", "failed, seed 0: the loss is nan", "–")


def test_one_head_by_the_rule_is_said(made, kept) -> None:
    cells = [kept(c, audit=audit(24, 1, 16)) if c.cell.bits == 16 else c for c in ablation(made, kept)]
    assert "At 16 bits the rule gives crh one head: there it is crh-m itself." in tables(*cells)["ablation"].notes


def test_settings_of_the_grid_are_part_of_a_variant(made) -> None:
    def cell(variant: str, label: str):
        return made(variant, 16, 0.5, method_label=label)

    plain = [cell("crh-u", "crh-u"), cell("crh-m", "crh-m[margin=0.3]")]
    table = tables(*plain, cell("crh", "crh[margin=0.3]"))["ablation"]
    assert [row[0].text for row in table.rows] == ["crh-u", "crh-m[margin=0.3]", "crh[margin=0.3]"]
    several = [cell("crh", f"crh[margin={m}]") for m in (0.3, 0.4)]
    assert tables(*plain, *several) == {}  # which of them is meant is not known
    assert tables(*plain, *several, cell("crh", "crh"))["ablation"].rows[2][0].text == "crh"


def test_robustness_by_hand(made) -> None:
    runs = {"crh-seed": (0.5, 0.52, 0.57), "crh-init": (0.5, 0.5, 0.5), "crh-init-h": (0.4,)}
    cells = [made(arm, 16, v, seed=s) for arm, values in runs.items() for s, v in enumerate(values)]
    table = tables(*cells)["robustness"]
    assert table.header == ("arm", "bits", "runs", "mAP", "least", "largest")
    assert texts(table) == [
        ["crh-seed", "16", "3", "0.5300 ± 0.0361", "0.5000", "0.5700"],  # n - 1
        ["crh-init", "16", "3", "0.5000 ± 0.0000", "0.5000", "0.5000"],
        ["crh-init-h", "16", "1", "0.4000", "0.4000", "0.4000"],
    ]
    assert any("keep seed 0" in fact for fact in table.facts)


def test_hungarian_is_compared_on_the_same_initialisations(made, kept) -> None:
    cells = []
    for seed in (0, 1):
        cells.append(kept(made("crh-init", 16, 0.5, seed=seed), {"ap": [0.4 + seed / 10, 0.6]}))
        cells.append(kept(made("crh-init-h", 16, 0.5, seed=seed), {"ap": [0.3 + seed / 10, 0.5]}))
    table = tables(*cells)["robustness-hungarian"]
    assert texts(table) == [
        ["crh-init-h against crh-init", "16", "-0.1000", "[-0.1000, -0.1000]", "-19.05 %"]  # of 0.525
    ]


def test_codebook_sizes_by_hand(crh) -> None:
    cells = [
        crh(16, 0.4, codebook_size=12), *(crh(16, v, seed=s) for s, v in enumerate((0.5, 0.6))),
        crh(16, 0.45, codebook_size=300, dim=16), crh(32, 0.7), crh(32, 0.6, codebook_size=300, dim=16),
    ]  # fmt: skip
    (table,) = tables(*cells).values()
    assert table.header == ("candidates M", "bits", "heads", "bits per head", "mAP", "PCC tree", "distance")
    assert texts(table) == [
        ["12", "16", "2", "8", "0.4000 ± 0.0100", "-0.125", "4"],
        ["24 (default)", "16", "2", "8", "0.5500 ± 0.0707", "-0.125 ± 0.000", "4"],
        ["300", "16", "1", "16", "0.4500 ± 0.0100", "-0.125", "4"],
        None,
        ["24 (default)", "32", "4", "8", "0.7000 ± 0.0100", "-0.125", "4"],
        ["300", "32", "2", "16", "0.6000 ± 0.0100", "-0.125", "4"],
    ]
    assert [row[4].mark for row in table.rows if row] == [0, 1, 2, 1, 2]
    assert table.title == "Parameter study of crh: candidates M"


def test_what_training_took_is_a_table_of_costs(crh) -> None:
    cells = [crh(16, 0.4, codebook_size=12), *(crh(16, 0.5, seed=s) for s in (0, 1))]
    (table,) = study_cost_tables(Results(cells))
    assert table.header == ("candidates M", "bits", "heads", "bits per head", "training (s)", "total (s)")
    assert texts(table) == [
        ["12", "16", "2", "8", "2.00", "9.00"], ["24 (default)", "16", "2", "8", "2.50 ± 0.71", "9.00 ± 0.00"],
    ]  # fmt: skip


def test_heads_become_bits_per_head(crh) -> None:
    cells = [crh(16, 0.4), crh(16, 0.5, heads=1), crh(32, 0.4), crh(32, 0.5, heads=2), crh(32, 0.6, heads=1)]
    (table,) = tables(*cells).values()
    shown = [None if row is None else [v.text for v in row[:3]] for row in table.rows]
    assert shown == [
        ["8 (default)", "16", "2"], ["16", "16", "1"], None,
        ["8 (default)", "32", "4"], ["16", "32", "2"], ["32", "32", "1"],
    ]  # fmt: skip
    assert table.header[:3] == ("bits per head d", "bits", "heads")


def test_schedules_in_the_order_of_their_updates(crh) -> None:
    cells = [
        crh(16, 0.4), crh(16, 0.5, reassignment="never"), crh(16, 0.6, warmup_epochs=0, period=1),
        crh(16, 0.6, warmup_epochs=0, period=20), crh(16, 0.6, warmup_epochs=0, period=2),
    ]  # fmt: skip
    (table,) = tables(*cells).values()
    assert [[v.text for v in row[:3]] for row in table.rows] == [
        ["never", "16", "0"], ["every 20 epochs", "16", "1"], ["every 2 epochs", "16", "15"],
        ["the first 20 epochs, then every 5 epochs (default)", "16", "22"],  # 0-19, 24, 29
        ["every epoch", "16", "30"],
    ]  # fmt: skip


def test_any_setting_with_three_values_is_a_study(crh) -> None:
    two = [crh(16, 0.5), crh(16, 0.6, margin=0.3)]
    assert tables(*two) == {}
    (table,) = tables(*two, crh(16, 0.7, margin=0.1)).values()
    assert [row[0].text for row in table.rows] == ["0.1", "0.2 (default)", "0.3"]
    assert table.header[0] == "margin"


def test_a_study_for_each_surrounding_has_a_name_of_its_own(crh) -> None:
    cells = [crh(16, 0.5), crh(16, 0.5, heads=1), crh(16, 0.6, margin=0.3), crh(16, 0.6, margin=0.3, heads=1)]
    found = tables(*cells)
    assert {name: t.title.partition(":")[0] for name, t in found.items()} == {
        "parameter-head-dim": "Parameter study of crh",
        "parameter-head-dim-2": "Parameter study of crh[margin=0.3]",
    }


def test_the_default_written_out_is_the_default(crh) -> None:
    cells = [crh(16, 0.5), crh(16, 0.5, codebook_size=24), crh(16, 0.6, codebook_size=48)]
    (table,) = tables(*cells).values()
    assert [row[0].text for row in table.rows] == ["24 (default)", "48"]


def test_a_value_that_failed_stays_in_the_table(crh) -> None:
    (table,) = tables(crh(16, 0.5), crh(16, None, codebook_size=48)).values()
    last = table.rows[1]
    assert (last[0].text, last[4].text, last[5].text) == ("48", "failed", "–")


def test_settings_in_a_combination(made) -> None:
    def cell(margin: float | None, mean_ap: float):
        label = "crh+csq-loss" if margin is None else f"crh[margin={margin}]+csq-loss"
        config = {"centers": {"margin": margin or 0.2}, "loss": {"weight": 1.0}}
        return made("crh+csq-loss", 16, mean_ap, method_label=label, method_config=config)

    (table,) = tables(cell(None, 0.5), cell(0.1, 0.5), cell(0.3, 0.5)).values()
    assert [row[0].text for row in table.rows] == ["0.1", "0.2 (default)", "0.3"]
    assert table.title == "Parameter study of crh+csq-loss: centers.margin"


def test_controls_by_hand(made, kept) -> None:
    names = ("classifier-codes", "crh", "assigned-backbone", "random-centers")
    cells = []
    for place, name in enumerate(names):
        stored = made(name, 16, 0.2 + place / 10, d_min=place, pcc=None if place == 3 else 0.5)
        metrics = {**stored.result["metrics"], "pcc_backbone": place / 4}
        cells.append(kept(stored, metrics=metrics, audit=audit(24, 2, 8)))
    table = tables(*cells)["controls"]
    assert table.header == ("centers", "bits", "mAP", "distance", "mean distance", "PCC tree", "PCC features")
    assert texts(table) == [
        ["random-centers", "16", "0.5000 ± 0.0100", "3", "7.50", "–", "0.750"],
        ["assigned-backbone", "16", "0.4000 ± 0.0100", "2", "7.50", "0.500", "0.500"],
        ["crh", "16", "0.3000 ± 0.0100", "1", "7.50", "0.500", "0.250"],
        ["classifier-codes", "16", "0.2000 ± 0.0100", "0", "7.50", "0.500", "0.000"],
    ]
    assert any("random-centers: neither geometry nor semantics." in fact for fact in table.facts)


def test_two_controls_are_too_few(made) -> None:
    assert tables(*(made(name, 16, 0.5) for name in ("crh", "random-centers", "assigned-random"))) == {}


def test_protocols_have_studies_of_their_own(made, kept) -> None:
    cells = ablation(made, kept)
    others = [made(c.cell.method, c.cell.bits, 0.5, seed=c.cell.seed, regime="frozen") for c in cells]
    found = study_tables(Results([*cells, *others]))
    assert len({table.name for table in found}) == len(found) == 3  # of the second, no AP is stored
    assert study_tables(Results([*cells, *others[:4]]))[0].panel != study_tables(Results(others))[0].panel


def test_no_study_no_table() -> None:
    assert study_tables(Results([])) == study_cost_tables(Results([])) == []


@pytest.mark.parametrize("hostile", ["a]b[c=1", "crh[x=1", "a+b+c+d", "][", "<b>&|$_%", "crh[=]", "[,]+[,]-loss"])
def test_names_and_settings_that_break_nothing(made, hostile: str, tmp_path: Path) -> None:
    cells = []
    for value in (1, 2, 3):
        config = {"a|b": value, "heads": ["many", {}, None][value - 1], "codebook_size": "all"}
        label = f"{hostile}{value}"
        cells.append(made("odd", 16, 0.5, method_label=label, method_config=config, dataset_label="a&b"))
    for same in ("a|b", "heads"):
        for cell in cells:
            cell.cell.method_config[same] = 1
        study_tables(Results(cells))
    cells[0].cell.method_config["a|b"], cells[1].cell.method_config["a|b"] = True, [1, {"x": 2}]
    found = study_tables(Results(cells))
    assert found
    assert all(markdown(table) for table in found) and latex(found)


def test_the_same_cells_in_any_order_give_the_same_tables(made, kept, crh) -> None:
    cells = [*ablation(made, kept), *(crh(16, 0.5, heads=h) for h in (1, 2, 4))]
    assert study_tables(Results(cells)) == study_tables(Results(cells[::-1]))
