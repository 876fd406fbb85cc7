"""Arrows between the folders run one way, and no module imports itself by a detour."""

from __future__ import annotations

import ast
import graphlib
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions

import pytest

from tests.sources import ROOT, at_import, imports, modules

OWN_FOLDER = ("bench.methods", "bench.datasets", "bench.reports")
PLUGINS = (*OWN_FOLDER, "bench.executors", "bench.trackers")
# The ground floor knows nothing of plug-ins, training or stored cells. What each part of it may stand on:
GROUND = {
    "bench.config": {"bench.errors"},
    "bench.losses": set(),
    "bench.codes": {"bench.errors"},
    "bench.centers": {"bench.errors", "bench.codes"},
}


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def with_packages(names: Iterable[str]) -> set[str]:
    """Importing a.b.c runs a and a.b first."""
    return {".".join(name.split(".")[:depth]) for name in names for depth in range(1, name.count(".") + 2)}


def _is_plugin(name: str) -> bool:
    return any(inside(name, package) for package in OWN_FOLDER) and name not in OWN_FOLDER and "._" not in name


@pytest.mark.parametrize("package", PLUGINS)
def test_nothing_imports_a_plugin_by_name(package: str) -> None:
    """They are found by name; only their own folder knows its files."""
    found = {
        (name, imported)
        for name, tree in modules().items()
        if not inside(name, package)
        for imported in imports(name, tree)
        if inside(imported, package)
    }
    assert found == set()


def test_a_plugin_stands_alone() -> None:
    """Methods, datasets and reports share helpers, whose names start with `_`; none imports another's file."""
    found = {
        (name, imported)
        for name, tree in modules().items()
        for imported in imports(name, tree)
        if imported in modules() and imported != name and _is_plugin(imported)
    }
    assert found == set()


def test_folders_go_by_their_full_names() -> None:
    """`import methods` works where the source is, and nowhere else; tests are not installed at all."""
    found = {
        (name, imported)
        for name, tree in modules().items()
        for imported in imports(name, tree)
        if imported.partition(".")[0] in ("methods", "datasets", "reports", "tests", "docs")
    }
    assert found == set()


@pytest.mark.parametrize("floor", GROUND)
def test_the_ground_floor_stands_on_little(floor: str) -> None:
    found = {
        (name, imported)
        for name, tree in modules().items()
        if inside(name, floor)
        for imported in imports(name, tree)
        if imported in modules() and not any(inside(imported, allowed) for allowed in {floor, *GROUND[floor]})
    }
    assert found == set()


def test_nothing_needs_the_command_line() -> None:
    users = {
        name
        for name, tree in modules().items()
        if not inside(name, "bench.cli") and any(inside(imported, "bench.cli") for imported in imports(name, tree))
    }
    assert users == {"bench.__main__"}


def test_no_module_needs_itself_to_be_imported() -> None:
    known = modules()
    graph = {  # without packages around a module: they are there before it
        name: {i for i in with_packages(imports(name, at_import(tree))) if i in known and not inside(name, i)}
        for name, tree in known.items()
    }
    list(graphlib.TopologicalSorter(graph).static_order())  # raises a CycleError that names it


def test_no_folder_needs_itself_to_be_imported() -> None:
    """`bench.storage` < `bench.grid` < `bench.studies`: what stands above is not known below."""
    known = modules()
    graph: dict[str, set[str]] = {}
    for name, tree in known.items():
        used = {_folder(imported) for imported in imports(name, at_import(tree)) if imported in known}
        graph.setdefault(_folder(name), set()).update(used - {_folder(name), "bench"})
    order = list(graphlib.TopologicalSorter(graph).static_order())  # raises a CycleError that names it
    assert order.index("bench.storage") < order.index("bench.grid") < order.index("bench.studies")


def _folder(name: str) -> str:
    return ".".join(name.split(".")[:2])


def test_a_cycle_would_be_found() -> None:
    one, two = ast.parse("from bench import b"), ast.parse("import bench.a")
    graph = {"bench.a": set(imports("bench.a", one)), "bench.b": set(imports("bench.b", two))}
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("heavy", ["torch", "pandas", "matplotlib", "sklearn", "scipy", "numba", "jinja2"])
def test_the_command_line_imports_nothing_heavy(heavy: str) -> None:
    """`bench --help` and shell completion answer at once."""
    known, seen, todo = modules(), set(), ["bench.cli.app"]
    while todo:
        name = todo.pop()
        if name in seen or name not in known:
            continue
        seen.add(name)
        found = set(imports(name, at_import(known[name])))
        assert not any(inside(i, heavy) for i in found), name
        todo += found
    assert len(seen) > 20


def test_every_package_that_is_imported_is_declared() -> None:
    """Also those that another one brings, for now."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    declared = {_plain(re.match(r"[\w-]+", text)[0]) for text in wanted}  # type: ignore[index]
    brought_by = packages_distributions()
    tops = {imported.partition(".")[0] for name, tree in modules().items() for imported in imports(name, tree)}
    others = {
        top: brought_by.get(top, [top])
        for top in tops
        if top not in sys.stdlib_module_names and top not in {"bench", ""}
    }
    assert {top for top, names in others.items() if not declared & {_plain(name) for name in names}} == set()


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
