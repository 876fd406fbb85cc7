import pickle
from pathlib import Path

import numpy as np
import pytest

import bench
from bench.errors import DataError
from bench.evaluation import files as module
from bench.evaluation.evaluate import evaluate_parts
from bench.evaluation.files import CodeFile, Retrieval, read_histograms, write_histograms

BITS = 12
RNG = np.random.default_rng(0)
QUERY, DATABASE = ((RNG.integers(0, 2, (n, BITS)) * 2 - 1).astype(np.int8) for n in (5, 103))
QUERY_LABELS, LABELS = RNG.integers(0, 3, 5), RNG.integers(0, 3, 103)
QUERIES = {"query_codes": QUERY, "query_labels": QUERY_LABELS}
ITEMS = {"database_codes": DATABASE, "database_labels": LABELS}


def packed(codes: np.ndarray) -> np.ndarray:
    return np.packbits(codes > 0, axis=1)


def opened(folder: Path, **archives: dict[str, object]) -> list[CodeFile]:
    for name, arrays in archives.items():
        np.savez(folder / f"{name}.npz", **arrays)  # type: ignore[arg-type]
    return [CodeFile(folder / f"{name}.npz") for name in archives]


@pytest.mark.parametrize("block", [1, 60, 10**6])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_any_form_and_any_split_give_the_same(
    tmp_path: Path, block: int, save: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK_BYTES", block)
    whole = bench.evaluate(QUERY, QUERY_LABELS, DATABASE, LABELS)
    save(tmp_path / "one.npz", **QUERIES, **ITEMS)  # type: ignore[operator]
    save(tmp_path / "queries.npz", query_codes=packed(QUERY), query_labels=QUERY_LABELS, bits=BITS)  # type: ignore[operator]
    names = []
    for i, rows in enumerate((slice(0, 40), slice(40, 41), slice(41, 103))):
        codes = packed(DATABASE[rows]) if i else DATABASE[rows].astype(np.float32)  # forms can be mixed
        extra = {"bits": BITS} if i else {}
        save(tmp_path / f"{i}.npz", database_codes=codes, database_labels=LABELS[rows], **extra)  # type: ignore[operator]
        names.append(f"{i}.npz")
    for paths in (["one.npz"], ["queries.npz", *names]):
        retrieval = Retrieval([CodeFile(tmp_path / path) for path in paths])
        found = evaluate_parts(retrieval.query, retrieval.query_labels, retrieval, retrieval.bits)
        assert np.array_equal(found.histograms.items, whole.histograms.items)
        assert np.array_equal(found.histograms.relevant, whole.histograms.relevant)
        stable = evaluate_parts(retrieval.query, retrieval.query_labels, retrieval, retrieval.bits, ties="stable")
        assert stable.map == pytest.approx(bench.evaluate(QUERY, QUERY_LABELS, DATABASE, LABELS, ties="stable").map)


def test_multi_hot_rows(tmp_path: Path) -> None:
    rows = np.eye(3, dtype=np.uint8)
    files = opened(
        tmp_path, all=QUERIES | ITEMS | {"query_labels": rows[QUERY_LABELS], "database_labels": rows[LABELS]}
    )
    retrieval = Retrieval(files)
    found = evaluate_parts(retrieval.query, retrieval.query_labels, retrieval, retrieval.bits)
    assert found.map == bench.evaluate(QUERY, QUERY_LABELS, DATABASE, LABELS).map


def test_histograms_of_parts_add_up(tmp_path: Path) -> None:
    for i, rows in enumerate((slice(0, 50), slice(50, 103))):
        part = {"database_codes": DATABASE[rows], "database_labels": LABELS[rows]}
        retrieval = Retrieval(opened(tmp_path, **{"q": QUERIES, f"part{i}": part}))
        counted = evaluate_parts(retrieval.query, retrieval.query_labels, retrieval, BITS).histograms
        write_histograms(tmp_path / f"h{i}.npz", counted, retrieval)
    total = read_histograms([CodeFile(tmp_path / f"h{i}.npz") for i in (0, 1)])
    assert np.array_equal(total.items, bench.evaluate(QUERY, QUERY_LABELS, DATABASE, LABELS).histograms.items)
    others = opened(tmp_path, other=QUERIES | ITEMS | {"query_codes": -QUERY})
    write_histograms(tmp_path / "h2.npz", counted, Retrieval(others))
    with pytest.raises(DataError, match="different queries"):
        read_histograms([CodeFile(tmp_path / f"h{i}.npz") for i in (0, 2)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query_codes": np.zeros((5, BITS))}, "all.npz: codes must be -1 or \\+1"),
        ({"query_codes": packed(QUERY)}, "need the number `bits`"),
        ({"bits": 12}, "must be packed uint8"),
        (
            {"bits": 16, "query_codes": packed(QUERY), "database_codes": packed(DATABASE)[:, :1]},
            "must both hold 16 bits",
        ),
        ({"bits": "twelve"}, "not a whole number"),
        ({"bits": 2**40, "query_codes": packed(QUERY), "database_codes": packed(DATABASE)}, "1 to 32767 can be"),
        ({"bits": 12, "query_codes": packed(QUERY)[:, 0], "database_codes": packed(DATABASE)}, "must be a matrix"),
        ({"database_codes": DATABASE[:, :11]}, "codes of 11 bits, the queries of 12"),
        ({"database_labels": LABELS[:90]}, "labels do not match codes|as many labels"),
        ({"database_codes": DATABASE[:0], "database_labels": LABELS[:0]}, "at least one query and one database item"),
        ({"query_labels": None}, "no query_labels"),
        ({"query_codes": None, "query_labels": None}, "one file must hold the queries"),
        ({"database_codes": None}, "no file holds a part of the database"),
        ({"database_codes": np.asfortranarray(DATABASE)}, "C order"),
        ({"database_codes": np.array([{"a": 1}], dtype=object)}, "never unpickled"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    arrays = {name: value for name, value in (QUERIES | ITEMS | change).items() if value is not None}
    with pytest.raises(DataError, match=message):
        retrieval = Retrieval(opened(tmp_path, all=arrays))
        evaluate_parts(retrieval.query, retrieval.query_labels, retrieval, retrieval.bits)


@pytest.mark.parametrize("keep", [10, 400, 0.99])
def test_a_file_cut_off_is_refused(tmp_path: Path, keep: float) -> None:
    opened(tmp_path, all=QUERIES | ITEMS)
    content = (tmp_path / "all.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(content[: int(keep if keep > 1 else keep * len(content))])
    with pytest.raises(DataError, match="not a complete npz archive"):
        CodeFile(tmp_path / "cut.npz")


def test_a_damaged_array_is_refused(tmp_path: Path) -> None:
    opened(tmp_path, all=QUERIES | ITEMS)
    content = bytearray((tmp_path / "all.npz").read_bytes())
    at = content.find(DATABASE.tobytes()[:60])
    content[at + 30] ^= 2  # -1 becomes -3; the archive's checksum knows
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"damaged|-1 or \+1"):
        list(Retrieval([CodeFile(tmp_path / "bad.npz")]))


def test_a_pickle_named_npz_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "evil.npz").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(DataError, match="not a complete npz archive"):
        CodeFile(tmp_path / "evil.npz")
    with pytest.raises(DataError, match="no file"):
        CodeFile(tmp_path / "missing.npz")


@pytest.mark.parametrize("at", [0.1, 0.3, 0.5, 0.7])
def test_a_compressed_array_that_is_damaged_is_refused(tmp_path: Path, at: float) -> None:
    codes = np.random.default_rng(0).choice([-1, 1], (400, 32)).astype(np.int8)
    np.savez_compressed(tmp_path / "codes.npz", codes=codes)
    content = bytearray((tmp_path / "codes.npz").read_bytes())
    start = int(at * len(content))
    content[start : start + 8] = bytes(255 - byte for byte in content[start : start + 8])
    (tmp_path / "codes.npz").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        CodeFile(tmp_path / "codes.npz").array("codes")
