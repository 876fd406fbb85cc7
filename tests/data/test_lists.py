from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.lists import read_list, read_lists
from bench.errors import DataError

TRAIN, TEST, DATABASE = "b.jpg 1 0\nc.jpg 0 1\n", "a.jpg 0 0\n", "c.jpg 0 1\nb.jpg 1 0\nx/d.jpg 1 1\n"


def write(folder: Path, train: str = TRAIN, test: str = TEST, database: str = DATABASE) -> Path:
    for name, text in (("train", train), ("test", test), ("database", database)):
        (folder / f"{name}.txt").write_text(text)
    return folder


def test_three_lists_are_one_table(tmp_path: Path) -> None:
    listed = read_lists(write(tmp_path), {2}, "x")
    assert listed.names == ["b.jpg", "c.jpg", "a.jpg", "x/d.jpg"]
    assert listed.labels.tolist() == [[True, False], [False, True], [False, False], [True, True]]
    assert [p.tolist() for p in (listed.split.train, listed.split.query, listed.split.database)] == [
        [0, 1], [2], [1, 0, 3],
    ]  # fmt: skip


@given(
    st.integers(1, 9).flatmap(
        lambda count: st.lists(st.lists(st.booleans(), min_size=count, max_size=count), min_size=1, max_size=12)
    ),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
    st.sampled_from([" ", "  ", "\t"]),
)
def test_a_list_reads_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, labels: list[list[bool]], end: str, gap: str
) -> None:
    path = tmp_path_factory.mktemp("lists") / "train.txt"
    lines = [gap.join([f"images/{i}.jpg", *(str(int(bit)) for bit in row)]) for i, row in enumerate(labels)]
    path.write_bytes(end.join(lines).encode())
    names, found = read_list(path, {len(labels[0])}, "x")
    assert names == [f"images/{i}.jpg" for i in range(len(labels))]
    assert found.tolist() == labels


def test_queries_in_the_database_are_counted_or_dropped(tmp_path: Path) -> None:
    queries = "".join(f"q{i}.jpg 1 0\n" for i in range(1000))
    both = "".join(queries.splitlines(keepends=True)[:888])
    folder = write(tmp_path, test=queries, database=DATABASE + both)
    with pytest.raises(
        DataError,
        match=r"^x: 888 of 1000 queries of .*test.txt are also in database.txt: set x.drop_overlap=true to take them",
    ):
        read_lists(folder, {2}, "x")
    listed = read_lists(folder, {2}, "x", drop_overlap=True)
    assert [listed.names[row] for row in listed.split.database] == ["c.jpg", "b.jpg", "x/d.jpg"]
    assert len(listed.split.query) == 1000
    listed.split.check("x")


def test_queries_in_train_are_dropped_there_too(tmp_path: Path) -> None:
    folder = write(tmp_path, test="a.jpg 0 0\n./b.jpg 1 0\n")
    with pytest.raises(DataError, match=r"1 of 2 queries of .* are also in train.txt"):
        read_lists(folder, {2}, "x")
    listed = read_lists(folder, {2}, "x", drop_overlap=True)
    assert [listed.names[row] for row in listed.split.train] == ["c.jpg"]
    listed.split.check("x")


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"train": "b.jpg 1\n"}, "train.txt, line 1: 1 labels after the path where 2 or 3 belong"),
        ({"train": "b.jpg\n"}, "line 1: 0 labels after the path where 2 or 3 belong"),
        ({"train": TRAIN + "\nd.jpg 1 0 1\n"}, "line 4: 3 labels after the path where 2 belong"),
        ({"train": "b.jpg 1 2\n"}, "line 1: the label '2' is neither 0 nor 1"),
        ({"train": "b.jpg 1 -1\n"}, "the label '-1' is neither"),
        ({"train": "b.jpg 10 1\n"}, "the label '10' is neither"),
        ({"train": TRAIN + "x/../b.jpg 1 0\n"}, "line 3: b.jpg is already in line 1"),
        ({"database": "c.jpg 0 1\nb.jpg 1 1\n"}, "1 images of train.txt have other labels in another list .*b.jpg"),
        ({"test": "a.jpg 1 0 0\n"}, "differ in their numbers of labels .2 in train.txt, 3 in test.txt"),
        ({"test": " \n"}, "test.txt is empty"),
    ],
)
def test_bad_lists_end_in_one_sentence(tmp_path: Path, lists: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_lists(write(tmp_path, **lists), {2, 3}, "x")
    assert "\n" not in str(caught.value)


def test_a_list_that_is_missing_or_no_text(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "database.txt").unlink()
    with pytest.raises(DataError, match=r"there is no database.txt in .*: put the published list there"):
        read_lists(tmp_path, {2}, "x")
    (tmp_path / "database.txt").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(DataError, match=r"is not a readable text file"):
        read_lists(tmp_path, {2}, "x")
