import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reports._tables.latex import document, latex
from bench.reports._tables.latex_layout import parts
from bench.reports._tables.latex_text import breakable, escape, folded, pieces, shortened, width
from bench.reports._tables.table import Table, Value
from bench.reports.tables import Tables
from bench.storage.results import Results

HOSTILE = [
    "<script>alert(1)</script>", "$ _ ^ # & % { } \\ ~", "x" * 500, "שלום עולם", "漢字 и кириллица", "[lead]", "*star",
    "a|b`c``d--e,,f''g", "-", "\u202egnirts", "Ωμέγα é ß ﬁ ǖ", "crh[period=1,warmup_epochs=1]", "new\nline\ttab", "%",
    "\\input{/etc/passwd}", "😀", "א" * 500, "a\u0301 \u0301", '"quotes" ‘’“” …',
]  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def test_special_characters_and_accents_are_commands() -> None:
    assert escape("a_b & 50% #1 {x} ~^\\") == (
        "a\\_b \\& 50\\% \\#1 \\{x\\} \\textasciitilde{}\\textasciicircum{}\\textbackslash{}"
    )
    assert escape("é ç ǖ ß Ω ά") == "\\'{e} \\c {c} \\={\\\"{u}} \\ss{} $\\Omega$ $\\alpha$"
    assert escape("0.5 ± 0.1 – < †") == "0.5 $\\pm$ 0.1 -- $<$ $\\dagger$"


def test_what_cannot_be_set_is_shown_by_its_number() -> None:
    assert escape("aשלb") == "a[U+05E9 05DC]b"
    assert escape("漢") == "{[}U+6F22]"
    assert escape("x\u202e\x07") == "x[U+202E][U+0007]"


def test_nothing_becomes_an_argument_a_star_or_a_ligature() -> None:
    assert escape("[a]") == "{[}a]"
    assert escape("*a") == "{*}a"
    assert escape("a--b,,''") == "a-{}-b,{},'{}'"


@given(TEXT)
def test_escaped_text_is_ascii_and_balanced(text: str) -> None:
    shown = escape(text)
    assert shown.isascii()
    bare = re.sub(r"\\[\\{}$&%#_]", "", shown)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert not re.search(r"[&%#\n]", bare.replace("\\textbackslash{}", ""))


@given(TEXT)
def test_pieces_are_the_whole_name(text: str) -> None:
    assert all(width(piece) <= 20 or len(piece) == 1 for piece in pieces(text))
    assert breakable(text).replace("\\allowbreak{}", "") == "".join(map(escape, pieces(text)))


def test_names_are_broken_where_they_can_be() -> None:
    assert breakable("crh-m[period=1,warmup_epochs=1]: Init") == (
        "crh-m[\\allowbreak{}period=1,\\allowbreak{}warmup\\_epochs=1]: Init"
    )
    assert folded("crh-m[period=1,warmup_epochs=1]", 20) == ["crh-m[period=1,", "warmup_epochs=1]"]
    assert folded("short", 20) == ["short"]
    assert len(shortened("x" * 500)) < 130
    assert shortened("short") == "short"


def table_of(names: list[str], header: tuple[str, ...], value: Value) -> Table:
    rows = tuple((Value(name), *[value] * (len(header) - 1)) for name in names)
    return Table("t", "A title", header, rows, facts=("A fact.",), panel="p")


def test_a_table_to_the_letter() -> None:
    table = Table(
        name="t", title="A title", header=("method", "16 bits"),
        rows=(
            (Value("a", letters="a"), Value("0.5", "0.1", 1, "b", "why", 0.5)), (Value("b"), Value("-0.4", mark=2)),
            None, (Value("c"), Value("failed", note="why")), (Value("d"), Value("-1.5 %", letters="†")),
            (Value("e"), Value("1,234", letters="†")),
        ),
        facts=("One.", "Two."), notes=("50%",), panel="data_set",
    )  # fmt: skip
    (text,) = latex(table)
    assert (
        text
        == r"""\begin{table}
  \centering
  \caption{A title. data\_set.}
  \label{tab:t}
  \vspace{4pt}
  \setlength{\tabcolsep}{6pt}
  \begin{tabular}{lr}
    \toprule
    method & 16 bits \\
    \midrule
    a\textsuperscript{a} & $\mathbf{0.5}_{\pm 0.1}^{\mathrm{b} [1]}$ \\
    b & $\underline{-0.4}$ \\
    \midrule
    c & failed\textsuperscript{[1]} \\
    d & $-$1.5 \%\textsuperscript{$\dagger$} \\
    e & $1{,}234^{\dagger}$ \\
    \bottomrule
  \end{tabular}
  \par\medskip
  \begin{minipage}{\linewidth}\footnotesize\raggedright
    {[}1] why.\par
    One. Two.\par
    Note: 50\%\par
  \end{minipage}
\end{table}
"""
    )


def test_wide_tables_get_smaller_type_then_parts_that_repeat_the_names() -> None:
    value = Value("0.1234", "0.0123", number=0.1234)
    found = [parts(table_of(["0" * n], ("method", *"abcd"), value), []) for n in (6, 10, 14, 22, 30)]
    assert [[p.size for p in one] for one in found] == [
        [""], ["\\small"], ["\\footnotesize"], ["\\scriptsize"], ["\\footnotesize"],
    ]  # fmt: skip
    assert [one[0].names is not None for one in found] == [False] * 4 + [True]  # the longest name is broken
    header = ("method", "bits", *(f"column {i}" for i in range(10)))
    found = parts(table_of(["crh"], header, value), [])
    assert len(found) > 1
    assert all(part.columns[:2] == (0, 1) for part in found)
    assert [i for part in found for i in part.columns[2:]] == list(range(2, 12))


def test_long_tables_are_cut_at_a_rule_and_no_row_is_lost() -> None:
    blocks = [tuple((Value(f"m{i}"), Value(str(k), number=k)) for i in range(19)) for k in (16, 32, 64)]
    rows = (*blocks[0], None, *blocks[1], None, *blocks[2])
    table = Table("t", "t", ("method", "bits"), rows)
    found = parts(table, [])
    assert [row for part in found for row in part.rows if row] == [row for row in rows if row]
    assert len(found) == 2
    assert len(found[0].rows) in (19, 39)
    assert len(parts(table, ["n" * 88] * 30)) >= 2
    assert parts(table, ["n" * 88] * 60)[-1].rows  # notes that fill the page alone do not loop for ever
    texts = latex(table)
    assert "Part 1 of 2." in texts[0]
    assert "\\label{tab:t-2}" in texts[1]


def test_waiting_floats_are_placed_before_they_are_too_many() -> None:
    tables = [Table(f"t{i}", "t", ("a", "b"), ((Value("x"), Value("y")),), panel="p") for i in range(25)]
    between = document(tables).split("\\clearpage")
    assert max(part.count("\\begin{table}") for part in between) <= 10
    assert len(document([tables[0], Table("o", "t", ("a",), (), panel="other")]).split("\\clearpage")) == 2


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("font", ["", "\\usepackage[T1]{fontenc}"])
def test_pdflatex_sets_hostile_names_on_the_page(made, tmp_path: Path, font: str) -> None:
    cells = [
        made(name, k, 0.1 + 0.02 * i, seed=s, dataset_label="<b>&_$", notes=(f"of {name[:40]}",))
        for i, name in enumerate(HOSTILE) for k in (16, 32, 64) for s in (0, 1)
    ]  # fmt: skip
    Tables().render(Results(cells), tmp_path)
    main = rf"\documentclass{{article}}{font}\usepackage{{booktabs}}\begin{{document}}\input{{results}}\end{{document}}"
    (tmp_path / "main.tex").write_text(main)
    command = ["pdflatex", "-draftmode", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "main"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    log = (tmp_path / "main.log").read_text(encoding="latin-1")
    assert done.returncode == 0, log[-3000:]
    assert not re.findall(r"Overfull \\hbox.*|.*too large for page.*|Missing character.*|.*multiply defined.*", log)
