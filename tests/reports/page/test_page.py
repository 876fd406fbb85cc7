"""The page as a document: one file, no name breaks out of it, nothing is loaded."""

import base64
import hashlib
import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reports import page as page_report
from bench.reports._figures.figure import COLOURS, LINES, MARKERS
from bench.reports._model import panels
from bench.reports._page.figure_data import figure_data
from bench.reports._page.html import embedded
from bench.reports.page import Page, page_html
from bench.storage.results import Results

ASSETS = Path(page_report.__file__).parent / "_page" / "assets"
HOSTILE = ["<script>alert(1)</script>", "</script><!--", "x" * 500, "\u202eעברית", "\"'`& ${1}\u2028\udc80"]


@pytest.fixture(autouse=True)
def no_gallery(monkeypatch):
    """Its data is tested on its own."""
    monkeypatch.setattr(page_report, "gallery_data", lambda results, data_root: {"said": "nothing to see"})


class Reader(HTMLParser):
    """Elements in order with their attributes, texts, and what is in each script."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.in_script = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.in_script = tag == "script"
        if self.in_script:
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.in_script = False

    def handle_data(self, data):
        if self.in_script:
            self.scripts[-1] += data
        else:
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def read(paged) -> Reader:
    cells = [paged(m, k, v, seed=s) for m, v in (("crh", 0.5), ("csq", 0.4)) for k in (8, 16) for s in (0, 1)]
    return Reader(page_html(Results(cells), None))


def test_one_file_under_its_name(paged, tmp_path: Path) -> None:
    assert Page().render(Results([paged()]), tmp_path) == [tmp_path / "report.html"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == Page().html(Results([paged()]))
    assert Page.when == "asked"


def test_nothing_is_no_page(tmp_path: Path) -> None:
    assert Page().render(Results([]), tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_the_same_cells_give_the_same_bytes_and_no_date(paged) -> None:
    first, second = (page_html(Results([paged("crh"), paged("csq", 16)]), None) for _ in range(2))
    assert first == second
    assert "2031" not in first


def test_the_folder_of_the_data_reaches_the_gallery(paged, monkeypatch, tmp_path: Path) -> None:
    asked = []
    monkeypatch.setattr(page_report, "gallery_data", lambda results, data_root: asked.append(data_root))
    report = Page()
    report.data_root = tmp_path
    report.html(Results([paged()]))
    assert asked == [tmp_path]


def test_cells_with_nothing_but_a_failure(made, kept) -> None:
    read = Reader(page_html(Results([kept(made("crh", 16, None, reason="out of memory: 4 GiB."))]), None))
    text = " ".join(read.texts)
    assert "No cell of this protocol has finished." in text
    assert "crh failed at 16 bits, seed 0: out of memory: 4 GiB." in text


def test_cells_from_which_all_but_the_metrics_is_missing(made, kept) -> None:
    data = figure_data(panels(Results([kept(made("crh", 16, 0.5))])))
    assert data["panels"][0]["entries"][0]["curves"] == {} == data["panels"][0]["entries"][0]["history"]
    assert Reader(page_html(Results([kept(made("crh", 16, 0.5))]), None)).all("h1")


def test_headings_go_down_one_step_at_a_time(read: Reader) -> None:
    levels = [int(tag[1]) for tag, _ in read.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_ids_are_unique_and_all_references_exist(read: Reader) -> None:
    ids = [a["id"] for _, a in read.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in read.elements:
        for name in ("aria-labelledby", "aria-controls", "for", "data-filter"):
            assert attributes.get(name) is None or attributes[name] in ids
        if (attributes.get("href") or "").startswith("#"):
            assert (attributes["href"] or "")[1:] in ids


def test_landmarks_and_language(read: Reader) -> None:
    tags = [tag for tag, _ in read.elements]
    assert tags.count("main") == tags.count("header") == tags.count("footer") == tags.count("nav") == 1
    assert read.all("html")[0]["lang"] == "en"
    assert all(a.get("aria-labelledby") for a in read.all("section"))


def test_every_table_has_a_caption_and_heads_with_scope(read: Reader) -> None:
    tables = [a for a in read.all("table") if a.get("id") != "confused"]  # that one is made by the script
    assert len(read.all("caption")) == len(tables) > 2
    assert all(a.get("scope") in ("col", "row") for a in read.all("th"))


def test_nothing_is_loaded_and_no_attribute_runs(read: Reader) -> None:
    for tag, attributes in read.elements:
        assert "src" not in attributes and not any(name.startswith("on") for name in attributes)
        if tag == "link":
            assert attributes["href"] == "data:,"
    assert {a.get("type") for a in read.all("script")} == {"application/json", None}


def test_the_policy_lets_in_this_script_alone(read: Reader) -> None:
    policy = next(a["content"] for a in read.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(read.scripts[-1].encode()).digest()).decode()
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and rules["script-src"] == f"'sha256-{digest}'"
    assert rules["img-src"] == "data:"


def test_scripts_make_no_html_of_strings() -> None:
    unsafe = r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|Function\(|</script"
    for file in ASSETS.glob("*.js"):
        assert not re.search(unsafe, file.read_text(encoding="utf-8")), file


def test_hostile_names_are_text(paged) -> None:
    cells = [paged(method_label=name, names=HOSTILE[1:], paths=None) for name in HOSTILE]
    read = Reader(page_html(Results(cells), None))
    assert len(read.scripts) == 3
    names = {text.strip() for text in read.texts}
    for name in (*HOSTILE[:4], HOSTILE[4].replace("\udc80", "?")):
        assert name in names
    data = json.loads(read.scripts[0])
    assert set(HOSTILE[:4]) <= set(data["methods"])
    assert data["panels"][0]["classes"]["names"] == [*HOSTILE[1:4], HOSTILE[4].replace("\udc80", "?")]


def test_every_cell_has_the_command_that_checks_it(paged) -> None:
    cells = [paged("crh", 8, seed=s) for s in range(3)]
    text = page_html(Results(cells), None)
    assert all(f"bench verify {cell.cell.id}" in text for cell in cells)


@given(st.recursive(st.text() | st.integers() | st.none(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)))
def test_embedded_json_is_the_same_data_and_cannot_end_its_element(data) -> None:
    text = embedded(data)
    assert json.loads(text) == data
    assert not set("<>&\u2028\u2029") & set(text)


def test_embedded_json_by_hand() -> None:
    assert embedded({"a": "</script>&"}) == '{"a":"\\u003c/script\\u003e\\u0026"}'
    with pytest.raises(ValueError, match="JSON"):
        embedded([float("nan")])


def colours() -> dict[str, tuple[str, str]]:
    css = (ASSETS / "page.css").read_text(encoding="utf-8")
    return {name: (light, dark) for name, light, dark in re.findall(r"--(\w+): light-dark\((#\w+), (#\w+)\);", css)}


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "raised"])
def test_words_can_be_read(theme: int, ground: str) -> None:
    found = colours()
    for name in ("ink", "muted", "accent"):
        assert contrast(found[name][theme], found[ground][theme]) >= 4.5, name
    assert contrast(found["edge"][theme], found[ground][theme]) >= 3


def test_methods_look_as_in_the_figures_on_paper() -> None:
    found = colours()
    assert tuple(found[f"m{i}"][0] for i in range(len(COLOURS))) == COLOURS
    chart = (ASSETS / "chart.js").read_text(encoding="utf-8")
    assert f"const COLOURS = {len(COLOURS)};" in chart
    lines = re.search(r"const LINES = \[(.*)\];", chart)
    assert lines is not None and len(lines[1].split(",")) == len(LINES)
    marks = re.search(r"const shapes = \[(.*?)\];", chart, re.DOTALL)
    assert marks is not None and marks[1].count("() =>") == len(MARKERS)
    assert f": {' '.join(MARKERS)}, as in the figures on paper" in chart


def test_dark_colours_stand_out_from_dark() -> None:
    found = colours()
    assert all(contrast(found[f"m{i}"][1], found["paper"][1]) >= 3 for i in range(len(COLOURS)))
