import csv
import io

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from bench.reports._tables.csv_text import csv_text
from bench.reports._tables.table import Table, Value


def test_plain_numbers_with_their_spread_and_why_one_is_missing() -> None:
    table = Table(
        name="t", title="t", header=("method", "bits", "mAP", "device"),
        rows=(
            (Value("a,b"), Value("16", number=16), Value("0.12", "0.01", 1, "ab", number=0.123456789), Value("cpu")),
            None,
            (Value("c"), Value("16", number=16), Value("failed", note="no memory"), Value("–")),
        ),
    )  # fmt: skip
    assert csv_text(table).splitlines() == [
        "method,bits,mAP,mAP ±,device,notes", '"a,b",16,0.12345679,0.01,cpu,', "c,16,,,,mAP: no memory",
    ]  # fmt: skip


def test_pandas_reads_the_numbers_as_numbers() -> None:
    rows = ((Value("a"), Value("0.5", number=0.5)), (Value("b"), Value("undefined", note="why")))
    frame = pd.read_csv(io.StringIO(csv_text(Table("t", "t", ("m", "pcc"), rows))))
    assert frame["pcc"].dtype == float
    assert frame["pcc"].isna().tolist() == [False, True]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_name_comes_back_on_one_line(name: str) -> None:
    text = csv_text(Table("t", "t", ("m", "x"), ((Value(name), Value("1", number=1)),)))
    assert len(text.splitlines()) == 2
    assert list(csv.reader(io.StringIO(text)))[1][1] == "1"
