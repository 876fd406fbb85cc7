"""One protocol in the gallery: its queries and what is found for them, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.storage.store import StoredCell

from .._figures.classes import names_of
from .._figures.labels import shortened
from .._figures.one_run import OneRun
from .._model import Panel
from .._page.figure_data import rounded
from .confusions import confusions
from .images import Pictures
from .nearest import Database, Nearest, nearest, shares_class
from .queries import GROUPS, answerable, choose_queries
from .run import ARRAYS, shown_methods

PER_GROUP = 4
RESULTS = 10
_NAME, _WHOLE = 40, 500  # characters of a class's name beside a picture, and where it is given in full


class View:
    """One protocol at one code length and seed.

    Attributes:
        stored: any of the cells.
        query_labels, database_labels: (N,) class indices, or (N, C) bool.
    """

    def __init__(self, panel: Panel, run: OneRun) -> None:
        self._panel, self._run = panel, run
        self.cells = shown_methods(run.cells)
        self.stored: StoredCell = next(iter(self.cells.values()))
        self._arrays = [stored.arrays(*ARRAYS, "centers_used") for stored in self.cells.values()]
        self.query_labels, self.database_labels = (
            _labels(self._arrays[0][name], self.stored) for name in ("query_labels", "database_labels")
        )
        self._ap = np.array([arrays["ap"] for arrays in self._arrays], dtype=np.float64)
        self._groups = choose_queries(
            self._ap, answerable(self.query_labels, self.database_labels), self.stored.cell.protocol, PER_GROUP
        )
        self._databases = [Database(arrays["database_codes"]) for arrays in self._arrays]
        self._found = {query: self._search(query) for query in _distinct(self._groups.values())}
        self._confused = self._all_confused()

    def data(self, count: int, pictures: Pictures | None) -> dict[str, Any]:
        """For the page.

        `items`: [row of the dataset's table or None, classes] of queries and what is found; `classes`: number -> name,
        short and in full; `methods`; `groups`: name, title, what it is, places in `queries`; `queries`: `item`,
        `relevant` (items in the database), `ap` and `results`, by method: `ties` [distance, lowest rank, highest rank,
        relevant items] and `found` [item, tie, whether it is relevant]; `confusions`; `said`: sentences.

        Args:
            count: queries of each group.
            pictures: None for no images.
        """
        groups = {name: queries[:count] for name, queries in self._groups.items()}
        queries, items = _distinct(groups.values()), _Items(self, pictures)
        shown = [self._query(query, items) for query in queries]
        return {
            "title": self._panel.title, "bits": self._run.bits, "seed": self._run.seed,
            "methods": list(self.cells), "queries": shown, "items": items.data, "classes": self._names(items.data),
            "groups": [_group(name, found, queries) for name, found in groups.items() if found],
            "confusions": self._confused, "said": self._left_out(),
        }  # fmt: skip

    def _search(self, query: int) -> list[Nearest]:
        """By method."""
        relevant = shares_class(self.query_labels[query], self.database_labels)
        return [
            nearest(database.distances(arrays["query_codes"][[query]])[0], relevant, RESULTS)
            for database, arrays in zip(self._databases, self._arrays, strict=True)
        ]

    def _query(self, query: int, items: _Items) -> dict[str, Any]:
        relevant = shares_class(self.query_labels[query], self.database_labels)
        return {
            "item": items.query(query), "relevant": int(relevant.sum()),
            "ap": [rounded(value) for value in self._ap[:, query]],
            "results": [
                {
                    "ties": [[tie.distance, tie.first, tie.last, tie.relevant] for tie in found.ties],
                    "found": [
                        [items.database(int(place)), int(tie), int(relevant[place])]
                        for place, tie in zip(found.places, found.tie_of, strict=True)
                    ],
                }
                for found in self._found[query]
            ],
        }  # fmt: skip

    def _names(self, items: Sequence[Any]) -> dict[str, list[str]]:
        pairs = [pair[:2] for found in self._confused["methods"] for pair in found["pairs"]]
        used = sorted({c for _, classes in items for c in classes} | {c for pair in pairs for c in pair})
        names = names_of(self.stored)
        return {str(c): [shortened(names[c], _NAME), shortened(names[c], _WHOLE)] for c in used}

    def _all_confused(self) -> dict[str, Any]:
        if self.stored.cell.multi_label:
            said = "Items have several classes each, so that none can be said to be found for another."
            return {"methods": [], "said": said}
        classes = self.stored.cell.num_classes
        found = [{"method": i, **c} for i, a in enumerate(self._arrays) if (c := confusions(a, classes)) is not None]
        return {"methods": found, "said": None}

    def _left_out(self) -> list[str]:
        left = len(self._panel.entries) - len(self.cells)
        return [f"{len(self.cells)} of {left + len(self.cells)} methods are shown."] if left else []


class _Items:
    """Queries and database items that are shown, each once."""

    def __init__(self, view: View, pictures: Pictures | None) -> None:
        self.data: list[tuple[int | None, list[int]]] = []
        self._view, self._pictures = view, pictures
        self._known: dict[tuple[str, int], int] = {}

    def query(self, place: int) -> int:
        """Its number in `data`."""
        row = None if self._pictures is None else int(self._pictures.query[place])
        return self._number("query", place, row, self._view.query_labels)

    def database(self, place: int) -> int:
        """Its number in `data`."""
        row = None if self._pictures is None else int(self._pictures.database[place])
        return self._number("database", place, row, self._view.database_labels)

    def _number(self, part: str, place: int, row: int | None, labels: NDArray[Any]) -> int:
        if (part, place) not in self._known:
            self._known[part, place] = len(self.data)
            classes = np.flatnonzero(labels[place]) if labels.ndim == 2 else labels[[place]]
            self.data.append((row, classes.tolist()))
        return self._known[part, place]


def _group(name: str, found: Sequence[int], queries: Sequence[int]) -> dict[str, Any]:
    title, what = GROUPS[name]
    return {"name": name, "title": title, "what": what, "queries": [queries.index(query) for query in found]}


def _labels(stored: NDArray[Any], cell: StoredCell) -> NDArray[Any]:
    if cell.cell.multi_label:
        return np.unpackbits(stored, axis=1, count=cell.cell.num_classes).astype(bool)
    return stored.astype(np.int64)


def _distinct(groups: Iterable[list[int]]) -> list[int]:
    return list(dict.fromkeys(query for group in groups for query in group))
