from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.profiling.events import covered, seen_events

CPU, CUDA = SimpleNamespace(name="CPU"), SimpleNamespace(name="CUDA")


def event(name: str, device: object, start: float, end: float, annotation: bool = False) -> SimpleNamespace:
    return SimpleNamespace(
        name=name, device_type=device, time_range=SimpleNamespace(start=start, end=end), is_user_annotation=annotation
    )


def average(key: str, device: object, count: int, cpu: float, gpu: float, annotation: bool = False) -> SimpleNamespace:
    return SimpleNamespace(
        key=key, device_type=device, count=count, self_cpu_time_total=cpu, self_device_time_total=gpu,
        is_user_annotation=annotation,
    )  # fmt: skip


class Recorded:
    """Two steps of 100 microseconds, kernels that overlap, one that ends after the last step."""

    def events(self) -> list[SimpleNamespace]:
        return [
            event("ProfilerStep#0", CPU, 0, 100), event("ProfilerStep#1", CPU, 100, 200),
            event("ProfilerStep#0", CUDA, 0, 190, annotation=True), event("aten::mm", CPU, 10, 20),
            event("gemm", CUDA, 20, 60), event("copy", CUDA, 50, 80), event("gemm", CUDA, 180, 260),
        ]  # fmt: skip

    def key_averages(self) -> list[SimpleNamespace]:
        return [
            average("ProfilerStep*", CPU, 2, 50, 0), average("aten::mm", CPU, 1, 10, 120),
            average("aten::add", CPU, 3, 30, 0), average("gemm", CUDA, 2, 0, 120), average("copy", CUDA, 1, 0, 30),
            average("ProfilerStep*", CUDA, 1, 0, 190, annotation=True),
        ]  # fmt: skip


def test_golden_kernels_of_a_gpu() -> None:
    seen = seen_events(Recorded(), on_gpu=True)
    assert [(each.name, each.calls) for each in seen.operators] == [("gemm", 2), ("copy", 1)]
    assert [each.seconds for each in seen.operators] == pytest.approx([120e-6, 30e-6])
    assert seen.seconds == pytest.approx(200e-6)
    assert seen.busy == pytest.approx(80e-6)  # 20 to 80, 180 to 200


def test_golden_operators_of_a_processor() -> None:
    seen = seen_events(Recorded(), on_gpu=False)
    assert [(each.name, each.calls) for each in seen.operators] == [("aten::add", 3), ("aten::mm", 1)]
    assert [each.seconds for each in seen.operators] == pytest.approx([30e-6, 10e-6])
    assert seen.busy is None


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8))
def test_the_union_is_what_counting_gives(spans: list[tuple[int, int]]) -> None:
    assert covered(spans) == len({place for start, end in spans for place in range(start, end)})
