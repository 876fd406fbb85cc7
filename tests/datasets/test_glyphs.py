import subprocess
import sys

import numpy as np
import pytest

from bench.errors import ConfigError
from bench.grid.job import open_dataset
from bench.plugins import registry

SMALL = {"glyphs": {"classes": 8, "train": 3, "query": 2, "database": 4, "size": 24},
         "glyph-scenes": {"classes": 8, "train": 60, "query": 10, "database": 40, "size": 32}}  # fmt: skip
NAMES = list(SMALL)


def small(name: str, **changes: object):
    return open_dataset(name, {**SMALL[name], **changes}, "default", None)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes_in_any_process(name: str) -> None:
    script = (
        "import hashlib; from bench.grid.job import open_dataset;"
        f"d = open_dataset({name!r}, {SMALL[name]!r}, 'default', None);"
        "print(hashlib.sha256(d.images(0).tobytes() + d.labels.tobytes()).hexdigest(), d.fingerprint())"
    )
    runs = {
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout for _ in "ab"
    }
    assert len(runs) == 1
    assert runs.pop().split()[1] == small(name).fingerprint()


@pytest.mark.parametrize("name", NAMES)
def test_chunks_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = small(name, noise=0).images(0)
    monkeypatch.setattr("bench.datasets._glyph_rendering._CHUNK", 7)
    assert np.array_equal(small(name, noise=0).images(0), whole)


@pytest.mark.parametrize("name", NAMES)
def test_images_labels_and_parts(name: str) -> None:
    dataset = small(name)
    images = dataset.images(0)
    size = SMALL[name]["size"]
    assert images.shape == (len(dataset.labels), size, size, 3)
    assert images.dtype == np.uint8
    assert not images.flags.writeable
    assert images.reshape(len(images), -1).std(axis=1).min() > 3  # no blank image
    assert not dataset.flip_safe
    assert [len(path) for path in dataset.hierarchy.paths] == [3] * 8
    assert [path[-1] for path in dataset.hierarchy.paths] == list(dataset.class_names)


def test_every_letter_has_its_counts() -> None:
    dataset = small("glyphs")
    for part, count in ((dataset.split.train, 3), (dataset.split.query, 2), (dataset.split.database, 4)):
        assert np.bincount(dataset.labels[part]).tolist() == [count] * 8


def test_scenes_hold_one_to_four_letters_that_keep_to_their_kind() -> None:
    dataset = open_dataset("glyph-scenes", {}, "default", None)
    labels = dataset.labels.astype(int)
    assert set(labels.sum(axis=1)) == {1, 2, 3, 4}
    together = labels.T @ labels
    scripts = np.array([path[0] for path in dataset.hierarchy.paths])
    kin = (scripts[:, None] == scripts) & ~np.eye(len(scripts), dtype=bool)
    assert together[kin].mean() > 3 * together[scripts[:, None] != scripts].mean()
    alone = open_dataset("glyph-scenes", {"kinship": 0.13}, "default", None).labels.astype(int)
    mixed = alone.T @ alone
    assert mixed[kin].mean() < 1.5 * mixed[scripts[:, None] != scripts].mean()


def test_every_query_of_a_scene_finds_something() -> None:
    dataset = open_dataset("glyph-scenes", {}, "default", None)
    q, d = dataset.labels[dataset.split.query], dataset.labels[dataset.split.database]
    assert (q.astype(int) @ d.T.astype(int)).any(axis=1).all()


@pytest.mark.parametrize("name", NAMES)
def test_fingerprint_follows_every_setting(name: str) -> None:
    base = small(name)
    cls = registry("dataset").load(name)
    other = {"classes": 9, "size": 40, "seed": 1, "train": 61, "query": 11, "database": 41, "kinship": 0.5}
    seen = {base.fingerprint()}
    for field in cls.Config.model_fields:
        seen.add(small(name, **{field: other.get(field, 0.33)}).fingerprint())
    assert len(seen) == 1 + len(cls.Config.model_fields)


def test_seeds_change_pixels_and_labels() -> None:
    for name in NAMES:
        assert not np.array_equal(small(name).images(0), small(name, seed=1).images(0))


def test_no_two_letters_look_alike_and_families_hold_look_alikes() -> None:
    module = sys.modules[registry("dataset").load("glyphs").__module__.replace("glyphs", "_glyph_catalogue")]
    chosen = module.letters(200, "glyphs")
    assert len({x.char for x in chosen}) == len({x.name for x in chosen}) == 200
    font = module.load_font(0, 48)
    assert len({module._normalized(font, x.char) for x in chosen}) == 200
    first = module.letters(48, "glyphs")
    assert len({x.script for x in first}) == 8
    assert len({x.family for x in first}) < 30


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("settings", "message"),
    [({"classes": 1}, "classes = 1 cannot be"), ({"classes": 5000}, "classes = 5000 is too many"),
     ({"clases": 9}, "did you mean"), ({"noise": 2}, "noise = 2 cannot be")],
)  # fmt: skip
def test_bad_settings_end_in_one_sentence(name: str, settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_dataset(name, settings, "default", None)
