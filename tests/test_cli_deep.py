"""The commands on deep images and on files of several pages."""

import csv
import json

import numpy as np
import pytest
import tifffile

from ganloc import cli

TINY = [*("--size", "32", "--iterations", "4", "--student-iterations", "2", "--batch", "4")]
TINY += ["--discriminator-width", "2", "--generator-width", "2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six pages of a 12-bit camera in one file, and a run on them."""
    folder = tmp_path_factory.mktemp("deep")
    (folder / "photos").mkdir()
    (folder / "one").mkdir()
    random = np.random.default_rng(0)
    stack = random.integers(0, 4000, (6, 48, 48)).astype("u2") // 8
    stack[5] *= 8  # all others would be taken for 10 bits
    for page in range(6):
        stack[page, 10:30, 4 * page : 4 * page + 20] = 0
    tifffile.imwrite(folder / "photos" / "stack.tif", stack, photometric="minisblack")
    tifffile.imwrite(folder / "one" / "frame.tif", stack[1])
    train = ["train", str(folder / "photos"), "--out", str(folder / "run"), "--device", "cpu"]
    cli.main([*train, *TINY, "--pages"])
    return folder


def localize(folder, photos, out, *options):
    where = [str(folder / "run"), str(folder / photos), "--out", str(folder / out)]
    cli.main(["localize", *where, *options])


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_frame_alone_has_the_box_that_it_has_among_the_others(folder, capsys):
    localize(folder, "photos", "all.csv", "--pages")
    told = capsys.readouterr().err
    assert "6 of 6 images hold integers of more than 8 bits: 0 to 4095 (12 bits) shown as" in told
    localize(folder, "one", "one.csv")
    assert "0 to 4095 (12 bits) shown as 0 to 255, as in the training" in capsys.readouterr().err
    among, alone = rows(folder / "all.csv")[1], rows(folder / "one.csv")[0]
    assert (among.pop("name"), alone.pop("name")) == ("stack.tif#2", "frame.tif")
    assert among == alone
    assert float(among["score"]) > 0  # no box of a flat heatmap


def test_pages_are_measured_by_their_names(folder, capsys):
    out = ["--pages", "--heatmaps", str(folder / "maps.npz"), "--draw", str(folder / "drawn")]
    localize(folder, "photos", "boxes.json", *out)
    names = [f"stack.tif#{page}" for page in range(1, 7)]
    boxes = json.loads((folder / "boxes.json").read_text())
    assert [image["file_name"] for image in boxes["images"]] == names
    drawn = {path.name for path in (folder / "drawn").iterdir()}
    assert drawn == {*(f"{name}.png" for name in names), "contact-sheet.png"}
    capsys.readouterr()
    rest = [str(folder / "photos"), "--truth", str(folder / "boxes.json"), "--json", "--pages"]
    cli.main(["evaluate", str(folder / "run"), *rest])
    found = json.loads(capsys.readouterr().out)
    assert found["images"] == 6
    measured = {row["name"]: row["gt_known_loc"] for row in found["rows"]}
    assert measured["default"] == 100.0, measured
    cli.main(["evaluate-heatmaps", str(folder / "maps.npz"), *rest])
    assert json.loads(capsys.readouterr().out)["images"] == 6
