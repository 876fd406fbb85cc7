"""The papers' files: every number, what is refused, and files of a user's own."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path

import pytest

from bench.centers.bounds import target_distance
from bench.errors import ConfigError, UnknownNameError
from bench.papers.files import paper_names, paper_titles, read_paper, read_papers
from bench.papers.paper import Paper
from bench.plugins.registry import registry

ROWS = {  # as printed: metric, dataset, method, then 16, 32, 64 bits
    ("mAP", "CIFAR-100", "SHC"): ".4838 .5186 .5262",
    ("mAP", "Cars-A", "MDS"): ".5613 .6597 .7273",
    ("mAP", "Cars-B", "CSQ"): ".1785 .3301 .4462",
    ("mAP", "NABirds-A", "OrthoHash"): ".4121 .4702 .4753",
    ("mAP", "NABirds-B", "SHC"): ".1926 .3185 .3988",
    ("mAP@1000", "CIFAR-100", "SHC"): ".5936 .6166 .6170",
    ("mAP@1000", "Cars-B", "OrthoHash"): ".1908 .2885 .3426",
    ("mAP@1000", "NABirds-B", "MDS"): ".2536 .3640 .4372",
    ("mAP@100", "Cars-B", "SHC"): ".4440 .5859 .6288",
    ("mAP@100", "NABirds-A", "CSQ"): ".4540 .5699 .6243",
    ("least distance", "CIFAR-100", "random"): "0 5 17",
    ("least distance", "CIFAR-100", "SHC"): "4 10 24",
    ("least distance", "NABirds-B", "CSQ"): "0 4 16",
    ("similarity error", "CIFAR-100", "SHC"): ".0545 .0268 .0321",
    ("similarity error", "NABirds-A", "random"): ".0720 .0406 .0252",
}
SUMS = {"mAP": 26.2147, "mAP@1000": 29.3461, "mAP@100": 32.3440, "least distance": 564, "similarity error": 3.2205}

OWN = """\
name = "mine"
title = "A Title"
authors = "Someone"
venue = "A Venue"
source = "Table 1"

[setup]
backbone = "resnet34"
regime = "finetune"
pretrained = true
checkpoint = "last"
ties = "expected"

[methods.Ours]
ours = ["shc"]
ran_by = "authors"
train = { epochs = 3 }
train_on.Pets = { lr = 1e-4 }

[datasets.Pets]
dataset = "pets"
splits = ["default"]
classes = 3

[[tables]]
where = "Table 1"
metric = "map"
cutoff = 1000
divisor = "hits"
bits = [16, 32]
decimals = 2

[tables.values.Pets]
Ours = [0.25, 0.5]
"""


def values(paper: Paper, metric: str, dataset: str, method: str) -> list[float]:
    return [n.value for n in paper.numbers if (n.table.name, n.dataset, n.method) == (metric, dataset, method)]


@pytest.mark.parametrize("place", ROWS, ids=" ".join)
def test_rows_of_shc_are_as_printed(place: tuple[str, str, str]) -> None:
    assert values(read_paper("shc-tois25"), *place) == [float(text) for text in ROWS[place].split()]


def test_no_number_of_shc_is_missing_or_mistyped() -> None:
    sums: dict[str, list[float]] = defaultdict(list)
    for number in read_paper("shc-tois25").numbers:
        sums[number.table.name].append(number.value)
    assert {name: len(found) for name, found in sums.items()} == dict.fromkeys(SUMS, 60)
    assert {name: round(math.fsum(found), 4) for name, found in sums.items()} == SUMS


def test_shcs_cutoffs_can_only_be_divided_by_the_hits() -> None:
    """With fewer than 1,000 relevant items no other divisor gives more at a cutoff of 1,000 than over all."""
    paper = read_paper("shc-tois25")
    by_metric = {m: {n[1:4]: n.value for n in paper.numbers if n.table.name == m} for m in ("mAP", "mAP@1000")}
    assert all(by_metric["mAP@1000"][place] > value for place, value in by_metric["mAP"].items())


def test_shcs_distances_are_the_target_distances() -> None:
    paper = read_paper("shc-tois25")
    found = [n for n in paper.numbers if n.table.metric == "d_min" and n.method == "SHC"]
    assert len(found) == 15
    assert all(n.value == target_distance(n.bits, paper.datasets[n.dataset].classes) for n in found)


def test_other_sources_are_as_printed() -> None:
    csq, orthohash = read_paper("csq-cvpr20"), read_paper("orthohash-neurips21")
    assert values(csq, "mAP@5000", "MS COCO", "CSQ, ResNet-50") == [0.796, 0.838, 0.861]
    assert values(csq, "mAP@1000", "ImageNet", "CSQ, ResNet-50") == [0.851, 0.865, 0.873]
    assert values(csq, "mAP@5000", "NUS-WIDE", "CSQ, ResNet-50") == [0.810, 0.825, 0.839]
    assert [n.value for n in read_paper("deephash-pytorch").numbers] == [0.883, 0.844, 0.881]
    assert values(orthohash, "mAP@5000", "MS COCO", "Bernoulli") == [0.706, 0.759, 0.776, 0.777]
    assert values(orthohash, "mAP@5000", "MS COCO", "Hadamard") == [0.718, 0.765, 0.778, 0.777]
    assert values(orthohash, "mAP@5000", "MS COCO", "MaxHD") == [0.717, 0.758, 0.778, 0.779]
    losses = ("sigmoid BCE", "imbalance-weighted BCE", "label-smoothed CE")
    assert [values(orthohash, "mAP@5000", "MS COCO", name) for name in losses] == [[0.400], [0.717], [0.785]]


def test_numbers_of_each_file() -> None:
    counts = {paper.name: len(paper.numbers) for paper in read_papers()}
    assert counts == {
        "crh-aaai26": 0, "csq-cvpr20": 15, "deephash-pytorch": 3, "orthohash-neurips21": 15, "shc-tois25": 300,
    }  # fmt: skip


def test_crh_has_relative_gains_alone() -> None:
    crh = read_paper("crh-aaai26")
    assert (crh.tables, crh.methods, crh.datasets) == ((), {}, {})
    assert any("Stanford Cars 2.1 to 2.6 %" in claim for claim in crh.claims)
    assert len(crh.claims) == 4


def test_what_files_name_is_registered() -> None:
    methods, datasets = registry("method").names(), registry("dataset")
    for paper in read_papers():
        assert {label for method in paper.methods.values() for label in method.ours} <= set(methods)
        for dataset in paper.datasets.values():
            assert set(dataset.splits) <= set(datasets.entry(dataset.dataset).info.splits)


def test_a_file_is_named_as_it_calls_itself() -> None:
    assert [paper.name for paper in read_papers()] == paper_names()


def test_titles_are_there_without_reading_the_numbers() -> None:
    papers = {paper.name: paper for paper in read_papers()}
    assert [name for name, _, _ in paper_titles()] == paper_names()
    for name, title, _ in paper_titles():
        assert title.startswith(papers[name].title)
        assert ("no number" in title) == (not papers[name].numbers)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"no paper 'shc-tois': did you mean shc-tois25\?"):
        read_paper("shc-tois")


def test_a_users_own_file(tmp_path: Path) -> None:
    paper = read_paper(own(tmp_path, OWN))
    assert [(n.method, n.bits, n.value) for n in paper.numbers] == [("Ours", 16, 0.25), ("Ours", 32, 0.5)]
    assert paper.training("Ours", "Pets") == {"epochs": 3, "lr": 1e-4}


def test_settings_of_a_row_go_over_those_of_its_method_over_those_of_the_paper(tmp_path: Path) -> None:
    text = OWN.replace('ties = "expected"', 'ties = "expected"\ntrain = { epochs = 9, lr = 1.0, batch_size = 7 }')
    assert read_paper(own(tmp_path, text)).training("Ours", "Pets") == {"epochs": 3, "lr": 1e-4, "batch_size": 7}


def test_an_image_size_contradicts_no_default(tmp_path: Path) -> None:
    text = OWN.replace("epochs = 3", "image_size = 512")
    assert read_paper(own(tmp_path, text)).training("Ours", "Pets") == {"image_size": 512, "lr": 1e-4}


BROKEN = {
    "not TOML": (OWN.replace("[setup]", "[setup"), "is not a readable TOML file"),
    "missing": (OWN.replace('title = "A Title"\n', ""), "title is missing"),
    "missing below": (OWN.replace("classes = 3\n", ""), "datasets.Pets.classes is missing"),
    "unknown key": (OWN.replace("backbone =", "bakcbone ="), "setup.bakcbone: did you mean backbone?"),
    "unknown key of a table": (OWN.replace("where =", "were ="), r"tables[0].where is missing"),
    "wrong word": (OWN.replace('"finetune"', '"tuned"'), "setup.regime = 'tuned': Input should be"),
    "wrong kind": (OWN.replace("classes = 3", 'classes = "3"'), "datasets.Pets.classes = '3'"),
    "bad name": (OWN.replace('"mine"', '"My Paper"'), "name = 'My Paper'"),
    "one number too few": (OWN.replace("[0.25, 0.5]", "[0.25]"), "Ours on Pets has 1 numbers for 2 code lengths"),
    "not a mAP": (OWN.replace("0.25", "25.0"), "Ours on Pets, 16 bits: 25 is not between 0 and 1"),
    "not a number": (OWN.replace("0.25", "nan"), "Ours[0] = nan"),
    "text": (OWN.replace("0.25", '"0.25"'), "Ours[0] = '0.25'"),
    "more decimals": (OWN.replace("0.25", "0.255"), "0.255 has more than 2 decimals"),
    "bits fall": (OWN.replace("[16, 32]", "[32, 16]"), "bits [32, 16] are not positive and rising"),
    "no bits": (OWN.replace("[16, 32]", "[]"), "tables[0].bits"),
    "no such dataset": (OWN.replace("values.Pets", "values.Pest"), "no dataset 'Pest': did you mean Pets?"),
    "no such dataset of a method": (OWN.replace("train_on.Pets", "train_on.X"), "no dataset 'X': add [datasets.X]"),
    "no such method": (OWN.replace("Ours = [", "Theirs = ["), "no method 'Theirs'"),
    "divisor of all": (OWN.replace("cutoff = 1000", 'cutoff = "all"'), "a divisor goes with a cutoff that is a number"),
    "cutoff of a distance": (OWN.replace('"map"', '"d_min"'), "d_min has no cutoff and no divisor"),
    "half a distance": (
        OWN.replace('"map"\ncutoff = 1000\ndivisor = "hits"', '"d_min"').replace("decimals = 2", "decimals = 0"),
        "0.25 has more than 0 decimals",
    ),
    "unknown setting": (OWN.replace("epochs = 3", "epoch = 3"), "did you mean train.epochs?"),
    "setting out of bounds": (OWN.replace("epochs = 3", "epochs = 0"), "train.epochs = 0 cannot be"),
    "setting with a key of its own": (OWN.replace("epochs = 3", 'backbone = "x"'), "backbone is no key of train"),
    "twice": (OWN + OWN[OWN.index("[[tables]]") :], "mAP@1000 of Ours on Pets at 16 bits is there 2 times"),
    "nothing": (OWN[: OWN.index("[[tables]]")], "neither numbers nor claims"),
    "empty": ("", "is missing"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_said_in_one_sentence(case: str, tmp_path: Path) -> None:
    text, said = BROKEN[case]
    with pytest.raises(ConfigError) as error:
        read_paper(own(tmp_path, text))
    assert said in str(error.value)
    assert "mine.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        read_paper(str(tmp_path / "nowhere.toml"))
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(ConfigError, match="is not a readable TOML file"):
        read_paper(str(tmp_path / "folder.toml"))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not a readable TOML file"):
        read_paper(str(tmp_path / "bytes.toml"))


def test_the_file_in_the_documentation_can_be_read(tmp_path: Path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "papers.md").read_text(encoding="utf-8")
    paper = read_paper(own(tmp_path, docs.split("```toml\n")[1].split("```")[0]))
    assert values(paper, "mAP", "CIFAR-100", "SHC") == [0.4838, 0.5186, 0.5262]


def test_the_same_cutoff_with_two_divisors_is_two_metrics(tmp_path: Path) -> None:
    more = OWN[OWN.index("[[tables]]") :].replace('"hits"', '"all"')
    assert len(read_paper(own(tmp_path, OWN + more)).numbers) == 4


def own(folder: Path, text: str) -> str:
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)
