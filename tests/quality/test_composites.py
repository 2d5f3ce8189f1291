"""Drawn images whose truth is known."""

import json
from dataclasses import replace

import composites as script
import numpy as np
import pytest
from PIL import Image
from sets import TRUTH, load_set

from ganloc.box.iou import iou


@pytest.fixture
def small(monkeypatch):
    """Few images of 64 pixels."""
    monkeypatch.setattr(script, "SIDE", 64)
    few = {name: replace(own, images=12) for name, own in script.COMPOSITES.items()}
    monkeypatch.setattr(script, "COMPOSITES", few)


def sides(boxes):
    return np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))


def test_folders_are_read_with_their_truth_and_are_the_same_each_time(small, tmp_path, capsys):
    names = ["sizes", "size-0.3", "counts"]
    options = ["--names", *names, "--out"]
    assert script.main([*options, str(tmp_path / "a")]) == 0
    assert script.main([*options, str(tmp_path / "b")]) == 0
    assert script.main([*options, str(tmp_path / "c"), "--seed", "1"]) == 0
    assert str(tmp_path / "a" / "counts") in capsys.readouterr().out
    for name in names:
        folders = {parent: tmp_path / parent / name for parent in "abc"}
        read = {own: load_set(name, 64, None, {name: folders[own]})[1] for own in "abc"}
        np.testing.assert_array_equal(read["a"].pixels, read["b"].pixels)
        assert (read["a"].pixels != read["c"].pixels).any()
        assert len(read["a"]) == 12
        content = json.loads((folders["a"] / TRUTH).read_text())
        assert len(content["annotations"]) == sum(map(len, read["a"].truth))


def test_a_folder_that_is_there_is_kept(small, tmp_path):
    folder = script.made("counts", tmp_path)
    written = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert script.made("counts", tmp_path) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == written


def test_sides_are_as_asked_for(small):
    drawn = list(script.draw(script.COMPOSITES["size-0.3"], seed=0))
    own = np.concatenate([sides(boxes) / 64 for _, boxes in drawn])
    assert len(own) == 12
    assert own.min() > 0.3 / 1.121
    assert own.max() < 0.3 * 1.121
    many = replace(script.COMPOSITES["sizes"], images=100)
    boxes = np.concatenate([boxes / 64 for _, boxes in script.draw(many, seed=0)])
    assert boxes.min() >= 0.0
    assert boxes.max() <= 1.0
    logs = np.log(sides(boxes))
    assert np.exp(np.median(logs)) == pytest.approx(np.sqrt(0.03 * 0.9), rel=0.4)
    assert sides(boxes).min() < 0.05
    assert sides(boxes).max() > 0.7


def test_objects_lie_in_their_boxes_and_fill_them(monkeypatch):
    monkeypatch.setattr(script, "SIDE", 64)
    monkeypatch.setattr(script, "background", lambda _, x, y: np.zeros((*x.shape, 3)))
    monkeypatch.setattr(script, "random_colour", lambda _: np.ones(3))
    monkeypatch.setattr(script, "with_noise", lambda _, image: image)
    white = replace(script.COMPOSITES["size-0.6"], images=8)
    for image, (box,) in script.draw(white, seed=0):
        rows, columns = (np.flatnonzero(image.max(axis=(axis, 2)) > 0.0) for axis in (1, 0))
        shown = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        np.testing.assert_allclose(shown, box, atol=1.01)
        assert image.max() == pytest.approx(1.0)


def test_counts_and_overlaps(monkeypatch):
    monkeypatch.setattr(script, "SIDE", 32)
    drawn = replace(script.COUNTS["counts"], images=60)
    truth = [boxes for _, boxes in script.draw(drawn, seed=0)]
    assert {len(boxes) for boxes in truth} == set(range(7))
    overlaps = [
        iou(boxes[[i]], boxes[[j]])[0]
        for boxes in truth
        for i in range(len(boxes))
        for j in range(i)
    ]
    assert max(overlaps) <= script.OVERLAP
    near = sum(overlap > 0 for overlap in overlaps)  # some touch
    assert near > 20


def test_colours_are_those_of_one_kind(monkeypatch):
    colours = []
    monkeypatch.setattr(script, "SIDE", 32)
    monkeypatch.setattr(script, "_paste", lambda image, own, given: colours.append(given))
    list(script.draw(replace(script.COUNTS["counts"], images=20), seed=0))
    assert np.std(colours, axis=0).max() < 2 * script.VARIED
    colours.clear()
    list(script.draw(replace(script.SIZES["sizes"], images=20), seed=0))
    assert np.std(colours, axis=0).min() > 2 * script.VARIED


def test_plain_backgrounds_vary_little_within_an_image_but_much_over_the_folder(monkeypatch):
    monkeypatch.setattr(script, "SIDE", 32)
    empty = replace(script.COUNTS["counts-plain"], images=20, counts=(0, 0))
    images = np.stack([image for image, _ in script.draw(empty, seed=0)]) / 255.0
    assert images.std(axis=(1, 2)).mean() < 0.06
    assert images.mean(axis=(1, 2)).std(axis=0).min() > 0.15
    patterned = replace(empty, plain=False)
    images = np.stack([image for image, _ in script.draw(patterned, seed=0)]) / 255.0
    assert images.std(axis=(1, 2)).mean() > 0.08


def test_files_are_png_of_the_size_that_the_truth_says(tmp_path):
    folder = tmp_path / "one"
    (folder / "images").mkdir(parents=True)
    script.write(folder, iter([(np.zeros((20, 30, 3), np.uint8), np.array([[1.0, 2, 11, 7]]))]))
    content = json.loads((folder / TRUTH).read_text())
    (entry,), (drawn,) = content["images"], content["annotations"]
    with Image.open(folder / entry["file_name"]) as image:
        assert (image.format, image.size) == ("PNG", (entry["width"], entry["height"]))
    assert drawn["bbox"] == [1.0, 2.0, 10.0, 5.0]
    assert drawn["area"] == 50.0
