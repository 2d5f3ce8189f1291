"""Saved heatmaps: the round trip, other programs' files, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from ganloc.errors import UserError
from ganloc.heatmap.heatmap_files import SavedHeatmaps, load_heatmaps, save_heatmaps

SAVED = SavedHeatmaps(
    names=("a.png", "b/ß.png", "c.png"),
    sizes=np.array([[60, 30], [20, 41], [32, 32]]),
    heatmaps=np.random.default_rng(0).random((3, 8, 8)).astype(np.float32),
    reading="border-distance",
    threshold=0.7,
    otsu=True,
)
ARRAYS = {
    "names": np.array(SAVED.names),
    "sizes": SAVED.sizes,
    "heatmaps": SAVED.heatmaps,
    "reading": "other",
    "threshold": 0,
    "otsu": False,
}


def test_what_is_saved_is_loaded(tmp_path):
    path = tmp_path / "new" / "maps"  # no suffix is added
    save_heatmaps(path, replace(SAVED, heatmaps=SAVED.heatmaps.astype(float)))
    found = load_heatmaps(path)
    assert (found.names, found.reading) == (SAVED.names, "border-distance")
    assert (found.threshold, found.otsu) == (0.7, True)
    np.testing.assert_array_equal(found.sizes, SAVED.sizes)
    np.testing.assert_array_equal(found.heatmaps, SAVED.heatmaps)
    assert found.heatmaps.dtype == np.float32
    assert [entry.name for entry in path.parent.iterdir()] == ["maps"]


def test_the_file_is_compressed_and_holds_no_pickle(tmp_path):
    heatmaps = np.zeros((3, 64, 64), np.float32)
    save_heatmaps(tmp_path / "maps.npz", replace(SAVED, heatmaps=heatmaps))
    assert (tmp_path / "maps.npz").stat().st_size < heatmaps.nbytes / 10
    with np.load(tmp_path / "maps.npz", allow_pickle=False) as file:
        assert set(file.files) == set(ARRAYS)
        assert all(file[key].dtype.kind != "O" for key in file.files)


@pytest.mark.parametrize(
    ("kind", "read"), [("<f2", "f4"), (">f4", "f4"), ("<f8", "f8"), (">f8", "f8")]
)
def test_other_programs_files_are_read(kind, read, tmp_path):
    heatmaps = (SAVED.heatmaps * 8).round() / 8
    arrays = {**ARRAYS, "heatmaps": heatmaps.astype(kind), "sizes": SAVED.sizes.astype(np.uint16)}
    np.savez(tmp_path / "maps.npz", **arrays, more=np.ones(3))
    found = load_heatmaps(tmp_path / "maps.npz")
    np.testing.assert_array_equal(found.heatmaps, heatmaps)
    assert found.heatmaps.dtype == np.dtype(read)
    assert (found.reading, found.threshold, found.otsu) == ("other", 0.0, False)
    np.testing.assert_array_equal(found.sizes, SAVED.sizes)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("names", np.array(["a.png", "b.png"]), "sizes .* each of 2 names"),
        ("names", np.array([], dtype=str), "names"),
        ("names", np.array([1, 2, 3]), "names .* int64"),
        ("names", np.array(["a", "b", None], dtype=object), "not a file of heatmaps"),
        ("sizes", np.ones((3, 3), int), r"sizes .* \(3, 3\)"),
        ("sizes", np.ones((3, 2)), "sizes .* float64"),
        ("heatmaps", np.ones((2, 8, 8)), r"heatmaps .* \(2, 8, 8\)"),
        ("heatmaps", np.ones((3, 8, 7)), r"heatmaps .* \(3, 8, 7\).* square"),
        ("heatmaps", np.ones((3, 1, 8, 8)), "heatmaps"),
        ("heatmaps", np.ones((3, 0, 0)), "heatmaps"),
        ("heatmaps", np.float32(1), "heatmaps"),
        ("heatmaps", np.ones((3, 8, 8), np.uint8), "heatmaps of type uint8"),
        ("reading", 3, "reading"),
        ("threshold", np.array([0.2]), "threshold"),
        ("threshold", 1.0, "threshold 1.0"),
        ("threshold", np.nan, "threshold nan"),
        ("otsu", 0.5, "otsu"),
    ],
)
def test_what_is_not_in_the_format_is_refused_by_name(key, value, said, tmp_path):
    np.savez(tmp_path / "maps.npz", **{**ARRAYS, key: value})
    with pytest.raises(UserError, match=rf"maps\.npz .*{said}"):
        load_heatmaps(tmp_path / "maps.npz")


@pytest.mark.parametrize("key", list(ARRAYS))
def test_an_array_that_is_missing_is_named(key, tmp_path):
    np.savez(tmp_path / "maps.npz", **{k: v for k, v in ARRAYS.items() if k != key})
    with pytest.raises(UserError, match=f"has no {key}"):
        load_heatmaps(tmp_path / "maps.npz")


def test_files_of_another_kind_are_refused(tmp_path):
    path = tmp_path / "maps.npz"
    with pytest.raises(UserError, match="No heatmaps at"):
        load_heatmaps(path)
    np.savez(path, **ARRAYS)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    for content in (b"", b"text", whole[:-40], whole[: len(whole) // 2], bytes(flipped)):
        path.write_bytes(content)
        with pytest.raises(UserError, match="not a file of heatmaps"):
            load_heatmaps(path)
    with path.open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(UserError, match="not a file of heatmaps"):
        load_heatmaps(path)
    with pytest.raises(UserError, match="not a file of heatmaps"):
        load_heatmaps(tmp_path)
