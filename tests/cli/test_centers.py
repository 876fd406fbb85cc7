"""`bench centers`: centers by themselves, in a file that others can read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bench as library
from bench.centers.bounds import target_distance
from tests.cli.sentences import sentence

Bench = Callable[..., subprocess.CompletedProcess[str]]

GLYPHS = [
    x for name, value in (("classes", 8), ("train", 3), ("query", 1), ("database", 2))
    for x in ("--set", f"glyphs.{name}={value}")
]  # fmt: skip
TASK = ["--classes", "20", "--bits", "24"]
NEEDS = """
import torch
from bench.config import Config, setting
from bench.errors import ConfigError
from bench.losses import central_bce
from bench.plugins import PluginInfo
from bench.plugins.method import Method

INFO = PluginInfo(name="needs", summary="signs of the similarity", citation="me", licence="MIT")


class Settings(Config):
    similarity: str = setting("{similarity}", "whence", source="project")


class Needs(Method):
    Config = Settings

    @classmethod
    def similarity_source(cls, config):
        return config.similarity

    def make_centers(self):
        rows = torch.from_numpy(self.task.similarity)
        self.facts = {{"sum": round(float(rows.sum()), 6)}}
        return torch.where(rows[:, torch.arange(self.task.bits) % len(rows)] >= 0.5, 1.0, -1.0)

    def loss(self, relaxed, targets):
        return central_bce(relaxed, self.centers[targets])
"""


@pytest.fixture
def similarity(tmp_path: Path) -> np.ndarray:
    half = np.random.default_rng(0).uniform(0.1, 0.9, (20, 20))
    both = (half + half.T) / 2
    np.savez(tmp_path / "similarity.npz", similarity=both)
    return both


def needing(folder: Path, similarity: str) -> None:
    (folder / "needs.py").write_text(NEEDS.format(similarity=similarity))


def test_the_file_holds_what_the_library_makes_without_pickle(bench, tmp_path: Path) -> None:
    bench("centers", "crh", *TASK, "--seed", "3", "--set", "codebook_size=50", check=0)
    with np.load(tmp_path / "crh-20-24.npz", allow_pickle=False) as file:
        found = dict(file)
    assert found["centers"].dtype == np.int8
    assert (found["centers"] == library.hash_centers("crh", 20, 24, 3, codebook_size=50)).all()
    assert str(found["method"]) == "crh[codebook_size=50]"
    assert int(found["seed"]) == 3
    assert int(found["method_version"]) >= 1
    assert str(found["version"]) == library.__version__
    assert [path.name for path in tmp_path.iterdir()] == ["crh-20-24.npz"]  # no temporary file is left


def test_the_same_file_for_the_same_seed_and_settings_in_the_name(here: Bench, tmp_path: Path) -> None:
    here("centers", "crh[heads=1]", *TASK, "--out", "a.npz", check=0)
    here("centers", "crh", *TASK, "--set", "crh.heads=1", "--out", "b.npz", check=0)
    here("centers", "crh", *TASK, "--out", "c.npz", check=0)
    content = [(tmp_path / f"{name}.npz").read_bytes() for name in "abc"]
    assert content[0] == content[1] != content[2]


def test_what_is_printed_is_the_audit(here: Bench) -> None:
    shown = here("centers", "crh", *TASK, check=0).stdout
    found = json.loads(here("centers", "crh", *TASK, "--force", "--json", check=0).stdout)
    centers = library.hash_centers("crh", 20, 24).astype(int)
    distances = ((24 - centers @ centers.T) // 2)[np.triu_indices(20, 1)]
    assert found["d_min"] == distances.min()
    assert found["d_mean"] == pytest.approx(distances.mean())
    assert found["target_distance"] == target_distance(24, 20)
    assert found["duplicates"] == (distances == 0).sum()
    assert found["facts"]["codebook_size"] == 40
    assert found["alignment"] is None
    assert found["seconds"] > 0
    assert f"{distances.min()} (target {target_distance(24, 20)})" in shown
    assert f"{distances.mean():.2f}" in shown
    assert "codebook size" in shown
    assert shown.strip().splitlines()[-1] == "wrote crh-20-24.npz"


def test_bench_pcc_reads_the_file_and_agrees(here: Bench) -> None:
    made = json.loads(here("centers", "crh", "--bits", "16", "--dataset", "glyphs", *GLYPHS, "--json", check=0).stdout)
    assert made["classes"] == 8
    assert made["reference"]["reference"] == "hierarchy"
    again = json.loads(here("pcc", "crh-8-16.npz", *GLYPHS, "--json", check=0).stdout)
    assert again["centers"]["crh-8-16.npz"]["pcc"] == pytest.approx(made["alignment"]["pcc"])
    assert (
        f"{made['alignment']['pcc']:.4f}"
        in here("centers", "crh", "--bits", "16", "--dataset", "glyphs", *GLYPHS, "--force", check=0).stdout
    )


def test_a_similarity_from_a_file_is_what_the_method_gets(here: Bench, tmp_path: Path, similarity: np.ndarray) -> None:
    needing(tmp_path, "classifier-paper")
    done = here("centers", "./needs.py", "--bits", "20", "--similarity", "similarity.npz", "--json", check=0)
    found = json.loads(done.stdout)
    assert found["facts"]["sum"] == pytest.approx(similarity.sum(), abs=1e-5)
    with np.load(tmp_path / "needs-20-20.npz", allow_pickle=False) as file:
        assert (file["centers"] == np.where(similarity >= 0.5, 1, -1)).all()
    expected = library.pcc(np.where(similarity >= 0.5, 1, -1), similarity)
    assert found["alignment"]["pcc"] == pytest.approx(expected)


@pytest.mark.parametrize("reference", [[], ["--reference", "hierarchy"]])
def test_a_methods_own_reference_comes_from_the_dataset(here: Bench, tmp_path: Path, reference: list[str]) -> None:
    needing(tmp_path, "hierarchy")
    done = here("centers", "needs.py", "--bits", "8", "--dataset", "glyphs", *reference, *GLYPHS, "--json", check=0)
    assert json.loads(done.stdout)["reference"]["reference"] == "hierarchy"


def test_a_combination_has_the_centers_of_its_first_part(here: Bench, tmp_path: Path) -> None:
    here("centers", "crh+csq-loss", *TASK, "--set", "heads=1", check=0)
    with np.load(tmp_path / "crh+csq-loss-20-24.npz") as file:
        assert (file["centers"] == library.hash_centers("crh", 20, 24, heads=1)).all()
        assert str(file["method"]) == "crh[heads=1]+csq-loss"


def test_warnings_of_the_method_are_notes(here: Bench) -> None:
    done = here("centers", "csq", "--classes", "300", "--bits", "32", check=0)
    assert "note: csq: 300 classes at 32 bits" in done.stdout
    assert done.stderr == ""


def test_a_file_is_overwritten_only_when_told_so(here: Bench, tmp_path: Path) -> None:
    (tmp_path / "crh-20-24.npz").write_text("mine")
    done = here("centers", "crh", *TASK, check=2)
    assert "crh-20-24.npz is there already" in done.stderr
    assert (tmp_path / "crh-20-24.npz").read_text() == "mine"
    here("centers", "crh", *TASK, "--force", check=0)
    assert np.load(tmp_path / "crh-20-24.npz")["centers"].shape == (20, 24)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chr", *TASK], "there is no method 'chr': did you mean crh"),
        (["crh", "--bits", "24"], "say for how many classes"),
        (["crh", "--classes", "1", "--bits", "8"], "num_classes = 1 cannot be"),
        (["crh", "--classes", "9", "--bits", "0"], "bits = 0 cannot be"),
        (["crh", *TASK, "--seed", "-1"], "seed = -1 cannot be"),
        (["crh", "--classes", "300", "--bits", "4"], "600 distinct words does not fit into 4 bits"),
        (["crh", *TASK, "--set", "margine=1"], "no setting 'margine': did you mean crh.margin?"),
        (["crh", *TASK, "--set", "csq.tries=1"], "owner of settings here named 'csq'"),
        (["crh", *TASK, "--set", "margin"], "cannot be read"),
        (["crh", *TASK, "--out", "no/where.npz"], "there is no folder no"),
        (["crh", *TASK, "--reference", "hierarchy"], "say which with --dataset"),
        (["crh", *TASK, "--dataset", "glyfs"], "there is no dataset 'glyfs'"),
        (["crh", *TASK, "--dataset", "glyphs"], "--classes 20 contradicts the 48 classes"),
        (["crh", "--bits", "16", "--dataset", "glyphs", "--reference", "trees"], "there is no reference 'trees'"),
        (["crh", *TASK, "--similarity", "nowhere.npz"], "there is no file nowhere.npz"),
        (["crh", *TASK, "--similarity", "other.npz"], "has no array `similarity`"),
        (["crh", *TASK, "--similarity", "bad.npz"], "must be a square array of finite numbers"),
        (["crh", *TASK, "--similarity", "nan.npz"], "must be a square array of finite numbers"),
        (["crh", *TASK, "--similarity", "similarity.npz", "--dataset", "glyphs"], "leave out --dataset"),
        (["crh", "--classes", "9", "--bits", "8", "--similarity", "similarity.npz"], "contradicts the 20 classes"),
        (["./needs.py", *TASK], "only bench run trains"),
        (["./needs.py", "--bits", "8", "--dataset", "glyphs"], "only bench run trains"),
        (["./needs.py", *TASK, "--set", "similarity=hierarchy"], "needs a class similarity (hierarchy): give --data"),
    ],
)
def test_mistakes_end_in_one_sentence(
    here: Bench, tmp_path: Path, similarity: np.ndarray, arguments: list[str], message: str
) -> None:
    needing(tmp_path, "classifier-paper")
    np.savez(tmp_path / "other.npz", codes=similarity)
    np.savez(tmp_path / "bad.npz", similarity=similarity[:, 1:])
    np.savez(tmp_path / "nan.npz", similarity=similarity * np.nan)
    before = set(tmp_path.iterdir())
    assert message in sentence(here("centers", *arguments, check=2))
    assert set(tmp_path.iterdir()) == before
