"""torchvision beside a torch it was not built with; what is done to it is done to stand-ins here."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace

import pytest

from bench import compat


def stand_in(monkeypatch: pytest.MonkeyPatch, fault: str) -> dict[str, object]:
    """Have the first import of torchvision fail so; gives the modules that are loaded then."""
    modules: dict[str, object] = {"torchvision": 0, "torchvision.extension": 0, "torchvisions": 0}
    faults = [fault]

    def load(name: str) -> ModuleType:
        if faults:
            raise RuntimeError(faults.pop())
        return ModuleType(name)

    monkeypatch.setattr(compat, "importlib", SimpleNamespace(import_module=load))
    monkeypatch.setattr(compat, "sys", SimpleNamespace(modules=modules))
    return modules


def test_operators_that_are_missing_are_declared_and_it_is_imported_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = stand_in(monkeypatch, "operator torchvision::nms does not exist")
    declared: list[tuple[str, ...]] = []
    there = SimpleNamespace(torchvision=SimpleNamespace(qnms=0))
    library = SimpleNamespace(define=lambda *what: declared.append(what))
    monkeypatch.setattr(compat, "torch", SimpleNamespace(ops=there, library=library))
    assert compat.import_torchvision().__name__ == "torchvision"
    assert set(modules) == {"torchvisions"}
    assert declared == [("torchvision::nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")]


def test_another_fault_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, "built for another torch")
    with pytest.raises(RuntimeError, match="built for another torch"):
        compat.import_torchvision()
