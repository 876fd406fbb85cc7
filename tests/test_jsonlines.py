"""Lines that another process is writing, or was ended in."""

from pathlib import Path

from bench.jsonlines import read_lines


def test_lines_are_read_as_they_come(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    assert read_lines(path, 0) == ([], 0)
    path.write_text('{"say": "cells"}\n{"say": "sta')
    found, offset = read_lines(path, 0)
    assert found == [{"say": "cells"}]
    with path.open("a") as file:
        file.write('ge"}\n{"sa\n\n{"say": "done"}\n')  # a line that was cut when its writer was ended
    assert read_lines(path, offset)[0] == [{"say": "stage"}, {"say": "done"}]
    path.write_text("3\n[]\n{}\n")
    assert read_lines(path)[0] == [{}]
