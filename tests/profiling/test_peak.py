from __future__ import annotations

import time

import pytest
import torch

from bench.profiling.peak import listed, measured, peak_of


@pytest.mark.parametrize(
    ("name", "tera"),
    [
        ("NVIDIA H100 80GB HBM3", 989.4),
        ("NVIDIA H100 PCIe", 756.0),
        ("NVIDIA H100 NVL", 835.5),
        ("NVIDIA H200", 989.4),
        ("NVIDIA H200 NVL", 835.5),
        ("NVIDIA GH200 480GB", 989.4),
        ("NVIDIA B200", 2250.0),
        ("NVIDIA A100-SXM4-80GB", 312.0),
        ("NVIDIA A100-PCIE-40GB", 312.0),
        ("NVIDIA L4", 121.0),
        ("NVIDIA L40S", 362.1),
        ("NVIDIA L40", 181.1),
        ("NVIDIA GeForce RTX 4090", 165.2),
        ("NVIDIA GeForce RTX 3090", 71.0),
    ],
)
def test_names_of_the_table(name: str, tera: float) -> None:
    assert listed(name) == pytest.approx(tera * 1e12)


@pytest.mark.parametrize(
    "name",
    [
        "NVIDIA A10G",
        "Tesla T4",
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "NVIDIA GeForce RTX 4090 D",
        "NVIDIA GeForce RTX 3090 Ti",
        "NVIDIA RTX A1000",
        "NVIDIA H20",
        "",
    ],
)
def test_others_are_measured(name: str) -> None:
    assert listed(name) is None


def test_measured_is_no_less_than_a_product_reaches() -> None:
    peak = peak_of(torch.device("cpu"))
    assert (peak.dtype, peak.source) == ("float32", "measured")
    size, one = 256, torch.randn(256, 256)
    start = time.perf_counter()
    torch.mm(one, one)
    assert peak.flops > 0.1 * 2 * size**3 / (time.perf_counter() - start)  # caches and other programs left aside


@pytest.mark.gpu
def test_a_gpu_of_the_table_does_no_more_than_its_data_sheet_says() -> None:
    device = torch.device("cuda")
    peak, found = peak_of(device), measured(device, torch.bfloat16)
    assert peak.dtype == found.dtype == "bfloat16"
    if peak.source == "data sheet":
        assert 0.3 * peak.flops < found.flops < 1.05 * peak.flops
