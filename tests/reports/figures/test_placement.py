import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.reports._figures.placement import leader_end, place

BOUNDS = (0.0, 0.0, 300.0, 200.0)
NOTHING = np.zeros((0, 4))


def boxes(centers: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([centers - sizes / 2, centers + sizes / 2], axis=1)


def shared_area(a: np.ndarray, b: np.ndarray) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0) * max(height, 0)


def test_a_lone_name_stands_at_the_right_of_its_point() -> None:
    (center,) = place(np.array([[100.0, 100.0]]), np.array([[30.0, 6.0]]), BOUNDS, NOTHING)
    assert center.tolist() == [118.0, 100.0]  # three beyond the point, then half of its width


def test_at_the_border_it_stands_at_the_left() -> None:
    (center,) = place(np.array([[295.0, 100.0]]), np.array([[30.0, 6.0]]), BOUNDS, NOTHING)
    assert center.tolist() == [277.0, 100.0]


def test_what_is_taken_is_left_free() -> None:
    taken = np.array([[101.0, 60.0, 200.0, 140.0]])
    (center,) = place(np.array([[100.0, 100.0]]), np.array([[30.0, 6.0]]), BOUNDS, taken)
    assert shared_area(boxes(center[None], np.array([[30.0, 6.0]]))[0], taken[0]) == 0


def test_twenty_names_of_points_in_a_heap_do_not_meet() -> None:
    rng = np.random.default_rng(0)
    points = np.array([150.0, 100.0]) + rng.normal(size=(20, 2)) * 6
    sizes = np.stack([rng.uniform(15, 60, 20), np.full(20, 6.0)], axis=1)
    found = boxes(place(points, sizes, BOUNDS, NOTHING), sizes)
    assert max(shared_area(found[i], found[j]) for i in range(20) for j in range(i)) == 0
    assert (found[:, :2] >= 0).all() and (found[:, 2:] <= BOUNDS[2:]).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(10, 290), st.floats(10, 190)), min_size=1, max_size=12))
def test_the_same_points_give_the_same_places_inside_the_area(drawn: list[tuple[float, float]]) -> None:
    points, sizes = np.array(drawn), np.tile([40.0, 6.0], (len(drawn), 1))
    first, second = (place(points, sizes, BOUNDS, NOTHING) for _ in range(2))
    assert np.array_equal(first, second)
    found = boxes(first, sizes)
    assert (found[:, :2] >= 0).all() and (found[:, 2:] <= BOUNDS[2:]).all()


def test_a_leader_ends_at_the_nearest_border() -> None:
    end = leader_end(np.array([0.0, 0.0]), np.array([20.0, 10.0]), np.array([10.0, 4.0]))
    assert end.tolist() == [15.0, 8.0]
