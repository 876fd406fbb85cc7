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


def test_a_line_that_is_nested_too_deeply_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("[" * 100_000 + '\n{"say": "done"}\n')
    assert read_lines(tmp_path / "lines")[0] == [{"say": "done"}]
