"""The page: all that a reader asks of results, in one file that opens without a network."""

from __future__ import annotations

from pathlib import Path

from bench.plugins import PluginInfo
from bench.plugins.report import Report
from bench.storage.results import Results

from ._gallery.gallery import gallery_data
from ._model import panels
from ._page.classes import classes_data
from ._page.figure_data import figure_data
from ._page.html import render
from ._page.methods import methods_explained
from ._page.provenance import provenance
from ._page.summary import summary
from ._page.tables import common_facts, shown_tables
from ._tables.all_tables import all_tables

INFO = PluginInfo(
    name="page",
    summary="report.html: one file that opens offline, with tables, interactive figures, centers and a gallery",
    licence="MIT",
)


class Page(Report):
    """Written when asked for: it reads the datasets' images, for the gallery."""

    when = "asked"

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write report.html."""
        if not len(results):
            return []
        file = out / "report.html"
        file.write_text(self.html(results), encoding="utf-8", newline="\n")
        return [file]

    def html(self, results: Results) -> str:
        """The page as text, as a server sends it."""
        return page_html(results, self.data_root)


def page_html(results: Results, data_root: Path | None) -> str:
    """The page.

    Args:
        data_root: where the datasets' images are; None: the user's own place.
    """
    found = panels(results)
    figures = figure_data(found)
    for panel, shown in zip(found, figures["panels"], strict=True):
        shown["classes"] = classes_data(panel, figures["methods"])
    context = {
        "summary": summary(results, found), "titles": [panel.title for panel in found],
        "common": [common_facts(panel) for panel in found], "tables": shown_tables(all_tables(results), found),
        "methods": methods_explained(results),
        "provenance": provenance(results, found),
    }  # fmt: skip
    return render(context, {"results-data": figures, "gallery-data": gallery_data(results, data_root)})
