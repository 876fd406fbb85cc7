import importlib
from pathlib import Path

from bench.storage.results import Results

CentersByLosses = importlib.import_module("bench.reports.centers_by_losses").CentersByLosses


def test_to_the_letter(made, tmp_path: Path) -> None:
    cells = [
        made("crh", 16, 0.5), made("crh+csq-loss", 16, 0.4), made("csq", 16, 0.3), made("csq+crh-loss", 16, 0.45),
        made("shc-search+csq-loss", 16, 0.35), made("shc-search", 16, 0.2), made("mds", 16, 0.6),
    ]  # fmt: skip
    (file,) = CentersByLosses().render(Results(cells), tmp_path)
    text = file.read_text()
    assert text.startswith("# Centers by losses\n\n## pets@folders, quick, matched settings\n\n")
    assert (
        """\
### Centers by losses, 16 bits

| centers            | crh             | csq             | shc             | range over losses |
|:-------------------|----------------:|----------------:|----------------:|------------------:|
| crh                | 0.5000 ± 0.0100 | 0.4000 ± 0.0100 | –               | 0.1000            |
| csq                | 0.4500 ± 0.0100 | 0.3000 ± 0.0100 | –               | 0.1500            |
| shc-search         | –               | 0.3500 ± 0.0100 | 0.2000 ± 0.0100 | 0.1500            |
|                    |                 |                 |                 |                   |
| range over centers | 0.0500          | 0.1000          | –               |                   |

12 classes, """
        in text
    )
    assert "Rows: centers; columns: losses." in text


def test_nothing_is_written_where_nothing_was_combined(made, tmp_path: Path) -> None:
    assert CentersByLosses().render(Results([made("crh", 16, 0.5), made("csq", 16, 0.4)]), tmp_path) == []
