"""Cells on a Ray cluster of several nodes, which here are all on one machine."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import bench
from bench.errors import ConfigError, StoreError
from bench.executors._ray_tasks import _check
from bench.executors.ray import Ray, RayConfig
from bench.grid.plan import make_plan
from bench.grid.run import run_plan
from bench.grid.spec import grid_spec
from bench.plugins.registry import registry
from bench.storage.cell import Cell
from bench.training.progress import Observer
from tests.executors.results import same

HEADS = {"train": {"epochs": 3, "batch_size": 32}}
Trouble = Callable[[str], str]


class Nodes:
    """A cluster whose nodes run one cell at a time and have a cache each."""

    def __init__(self, folder: Path) -> None:
        from ray.cluster_utils import Cluster

        self.folder, self.nodes = folder, dict[str, Any]()
        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        self.address = self.cluster.address

    def add(self, name: str, gib: int = 1) -> None:
        env = {"BENCH_CACHE": str(self.folder / name), "OMP_NUM_THREADS": "1"}
        self.nodes[name] = self.cluster.add_node(num_cpus=1, memory=gib * 2**30, env_vars=env)

    def kill(self, name: str) -> None:
        self.cluster.remove_node(self.nodes.pop(name), allow_graceful=False)

    def files(self, pattern: str) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.glob(f"*/{pattern}"))


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    nodes = Nodes(tmp_path_factory.mktemp("caches"))
    nodes.add("a")
    nodes.add("b")
    yield nodes
    nodes.cluster.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_a_cluster_gives_the_same_tables(
    nodes: Nodes, tmp_path: Path, tiny_set: dict, features: str, shared: bool
) -> None:
    grid: dict[str, Any] = {"methods": ["crh", "csq"], "bits": [8], "seeds": [0, 1], "reports": False}
    ray = {"ray": {"address": nodes.address, "shared": shared}}
    for name, dataset, settings in (("images", "glyphs", tiny_set), ("heads", features, HEADS)):
        here = bench.run(**grid, datasets=[dataset], set=settings, out=tmp_path / f"{name}-here")
        there = bench.run(
            **grid, datasets=[dataset], set={**settings, **ray}, out=tmp_path / f"{name}-there", executor="ray"
        )
        assert len(there) == 4
        assert same(here, there)
        assert not list((tmp_path / f"{name}-there" / "cells").glob(".*"))


class Killer(Observer):
    """Kills a node as soon as a cell has begun; another one comes in its place."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes, self.begun = nodes, list[str]()

    def begin(self, cells: Sequence[Cell]) -> None:
        self.begun += [cell.id for cell in cells]
        if "victim" in self.nodes.nodes:
            self.nodes.kill("victim")
            self.nodes.add("heir", gib=4)


@pytest.mark.slow
def test_a_node_that_is_killed_costs_what_it_had_in_hand(
    nodes: Nodes, tmp_path: Path, tiny_set: dict, features: str
) -> None:
    sets = {**tiny_set, "train": {"epochs": 30, "batch_size": 16}}
    grid: dict[str, Any] = {"methods": ["crh", "csq"], "bits": [8], "datasets": ["glyphs", features]}
    here = bench.run(**grid, set=sets, out=tmp_path / "here", reports=False)
    nodes.add("victim", gib=4)
    sets["ray"] = {"address": nodes.address, "memory": 3}  # more than the other nodes have
    killer = Killer(nodes)
    spec = grid_spec(options={**grid, "set": sets, "out": tmp_path / "there", "executor": "ray"})
    there = run_plan(make_plan(spec), killer)
    assert len(killer.begun) > len(set(killer.begun)) == 4
    assert same(here, there)


@pytest.mark.slow
def test_each_trouble_is_one_cells_and_has_its_reason(
    nodes: Nodes, tmp_path: Path, tiny_set: dict, trouble: Trouble
) -> None:
    troubles = ["raises", "loses-the-gpu", "hangs", "dies"]
    results = bench.run(
        methods=["csq", *map(trouble, troubles)], bits=[8], out=tmp_path / "out", executor="ray", timeout=20,
        set={**tiny_set, "ray": {"address": nodes.address}}, reports=False,
    )  # fmt: skip
    found = {s.cell.method: (s.result["failure"], s.result["reason"]) for s in results.cells}
    assert found == {
        "csq": (None, None), "raises": ("error", "ValueError: the fourth batch"),
        "loses-the-gpu": ("error", "RuntimeError: CUDA error: device-side assert triggered"),
        "hangs": ("timeout", "not done after 20 s: ended as --timeout says"),
        "dies": ("killed", "its process ended without a word (WorkerCrashedError)"),
    }  # fmt: skip


@pytest.mark.slow
def test_features_are_made_once_for_all_nodes(nodes: Nodes, tmp_path: Path, tiny_set: dict) -> None:
    options: dict[str, Any] = {
        "methods": ["csq"], "bits": [8], "seeds": [0, 1, 2, 3], "regime": "frozen", "backbone": "small-cnn",
        "weights": "scratch", "reports": False,
    }  # fmt: skip
    there = bench.run(
        **options, set={**tiny_set, "ray": {"address": nodes.address}}, executor="ray", out=tmp_path / "there"
    )
    assert len(nodes.files("features-map-*.npy")) > 1  # both have worked
    assert len(nodes.files("features-[!m]*.npy")) == 1
    assert same(bench.run(**options, set=tiny_set, out=tmp_path / "here"), there)


def test_a_node_that_cannot_do_the_work(tmp_path: Path) -> None:
    order: dict[str, Any] = {"version": bench.__version__, "shared": True, "jobs": [{"out": str(tmp_path)}]}
    with pytest.raises(StoreError, match=r"does not see the output folder .* --set ray.shared=false"):
        _check(order)
    _check({**order, "shared": False})
    (tmp_path / "cells").mkdir()
    _check(order)
    with pytest.raises(StoreError, match=rf"has bench {bench.__version__}, the driver 0.0: install the same"):
        _check({**order, "version": "0.0"})


def test_nothing_listens_at_the_address(tmp_path: Path, tiny_set: dict) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    for each in (address, f"ray://{address}"):
        with pytest.raises(ConfigError, match=f"no Ray cluster answers at {each} .*Connection refused"):
            bench.run(
                methods=["csq"], bits=[8], executor="ray", set={**tiny_set, "ray": {"address": each}}, out=tmp_path
            )


def test_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "there:6379")
    assert RayConfig().place == "there:6379"
    assert RayConfig(address="auto").place == "auto"
    assert Ray(RayConfig(workers=3)).at_once([]) == 3
    assert Ray(RayConfig()).at_once([]) == 1
    monkeypatch.delenv("RAY_ADDRESS")
    monkeypatch.setattr("bench.executors.ray.cores", lambda: 8)
    assert Ray(RayConfig(threads=2)).at_once([]) == 4
    for name, value in (("workers", 0), ("gpus", -1), ("retries", -1)):
        with pytest.raises(ConfigError, match=rf"ray.{name} = {value} cannot be"):
            grid = grid_spec(options={"executor": "ray", "out": tmp_path, "set": {"ray": {name: value}}})
            make_plan(grid)


def test_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"--executor ray needs the package ray: pip install 'ray>=2.40'"):
        Ray(RayConfig())


def test_the_module_does_not_hide_the_library() -> None:
    import ray

    assert registry("executor").load("ray") is Ray
    assert ray.__file__ and "executors" not in ray.__file__


@pytest.mark.parametrize("gpus", [0.0, 0.5, 1.0])
def test_a_process_that_has_used_a_gpu_runs_no_second_unit(
    gpus: float, tmp_path: Path, tiny_set: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.executors import _ray_cluster as module

    context = SimpleNamespace(get_node_id=lambda: "00" * 28)
    monkeypatch.setattr(module.ray, "get_runtime_context", lambda: context)
    monkeypatch.setattr(module, "Queue", lambda actor_options: None)
    monkeypatch.setattr(module, "_gpus", lambda config, device: gpus)
    spec = grid_spec(options={"methods": ["csq"], "bits": [8], "out": tmp_path, "set": tiny_set})
    units = [(make_plan(spec).cells[0].job,)]
    cluster = module.RayCluster(RayConfig(), units, Observer())
    assert cluster.remote._max_calls == (1 if gpus else 0)
    assert (cluster.remote._default_options["num_gpus"] or 0) == gpus
