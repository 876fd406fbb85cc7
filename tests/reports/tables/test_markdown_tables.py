import re

from hypothesis import given
from hypothesis import strategies as st

from bench.reports._tables.markdown import document, escape, markdown
from bench.reports._tables.table import Table, Value

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def test_a_table_to_the_letter() -> None:
    table = Table(
        name="t", title="A title", header=("method", "16 bits"),
        rows=(
            (Value("a", letters="a"), Value("0.5", "0.1", mark=1, letters="b", note="why")),
            (Value("b", letters="b"), Value("0.4", mark=2)), None, (Value("c"), Value("failed", note="why")),
        ),
        facts=("One.", "Two."), notes=("warned",),
    )  # fmt: skip
    assert markdown(table).splitlines() == [
        "### A title",
        "",
        "| method        | 16 bits                       |",
        "|:--------------|------------------------------:|",
        "| a<sup>a</sup> | **0.5 ± 0.1**<sup>b</sup> [1] |",
        "| b<sup>b</sup> | <u>0.4</u>                    |",
        "|               |                               |",
        "| c             | failed [1]                    |",
        "",
        "[1] why.  ",
        "",
        "One. Two.",
        "",
        "Note: warned  ",
    ]


def test_a_heading_for_each_protocol() -> None:
    def table(name: str, panel: str) -> Table:
        return Table(name, name, ("x",), ((Value("1"),),), panel=panel)

    text = document("All", [table("a", "p"), table("b", "p"), table("c", "q")])
    assert re.findall("^#+ .*", text, re.MULTILINE) == ["# All", "## p", "### a", "### b", "## q", "### c"]


def test_names_are_shown_as_they_are() -> None:
    assert escape("<script></b><!--&lt;|*a*`b`~~$x$") == (
        "&lt;script>&lt;/b>&lt;!--&amp;lt;\\|\\*a\\*\\`b\\`\\~\\~\\$x\\$"
    )
    assert escape("p < 0.05 & 3 >= 2") == "p < 0.05 & 3 >= 2"
    assert escape("[text](javascript:alert) [a][b]") == "[text\\](javascript:alert) [a\\][b]"
    assert escape("warmup_epochs _x_ __") == "warmup_epochs \\_x\\_ \\_\\_"
    assert escape("crh[period=1,warmup_epochs=1]") == "crh[period=1,warmup_epochs=1]"
    assert escape("a\nb\tc\u202ed\x00") == "a b c[U+202E]d[U+0000]"


@given(TEXT)
def test_no_name_leaves_its_cell(name: str) -> None:
    lines = markdown(Table("t", "t", ("x", "y"), ((Value(name), Value("1")),))).splitlines()
    assert len(lines) == 5
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", lines[-1])) == 3
    assert not re.search("<[A-Za-z/!?]", lines[-1])
