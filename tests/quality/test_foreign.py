"""The script that asks whether images that do not belong are found."""

import foreign as script
import numpy as np
import pytest
from PIL import Image

from ganloc.images.image_set import ImageSet
from ganloc.images.synthetic import draw_images
from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS, SETS
from ganloc.paper.results import read_rows
from tiny_archives import make_tiny_imagenet


def of_noise(count):
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), np.uint8)
    names = tuple(f"{index}.png" for index in range(count))
    return ImageSet(pixels, names, np.full((count, 2), 32))


def test_noise_among_drawn_images_is_found():
    row = script.measured(draw_images(90, 32, seed=0), of_noise(20), percent=10, seed=0)
    assert row["images"] == 100
    assert row["auc"] == 100.0
    assert row["recall"] == 100.0
    assert row["listed"] >= 10.0
    assert row["precision"] == pytest.approx(1000.0 / row["listed"], abs=0.01)


def test_few_others_are_mixed_among_few_own_images():
    row = script.measured(draw_images(90, 32, seed=0), of_noise(20), percent=30, seed=0)
    assert row["images"] in (65, 66)


def test_a_clean_folder_has_nothing_to_find():
    row = script.measured(draw_images(90, 32, seed=0), None, percent=0, seed=0)
    assert row["images"] == 90
    assert (row["auc"], row["precision"], row["recall"]) == (None, None, None)
    assert 0.0 <= row["listed"] < 20.0


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("archive") / "tiny.zip"
    classes = [each for name in DEVELOPMENT_SETS for each in SETS[name]]
    return make_tiny_imagenet(path, classes, train=3, val=1)


def test_a_row_for_each_folder_others_share_and_seed(archive, tmp_path, capsys):
    (tmp_path / "cells").mkdir()
    for index, pixels in enumerate(of_noise(9).pixels):
        Image.fromarray(pixels).save(tmp_path / "cells" / f"{index}.png")
    options = ["--data", str(archive), "--cells", str(tmp_path / "cells")]
    options += ["--results", str(tmp_path), "--sets", "bear", "cells"]
    assert script.main(options) == 0
    rows = read_rows(tmp_path / "foreign.json")
    asked = {(row["set"], row["others"], row["percent"]) for row in rows}
    kinds = [("bear", "photographs"), ("bear", "cells"), ("cells", "photographs")]
    assert asked == {
        *((*kind, percent) for kind in kinds for percent in (10, 30)),
        *((name, "", 0) for name in ("bear", "cells")),
    }
    assert len(rows) == len(asked) * len(script.SEEDS)
    assert "| bear | cells | 30 |" in capsys.readouterr().out
    assert script.main(options) == 0
    assert read_rows(tmp_path / "foreign.json") == rows


def test_no_insect_is_foreign_to_another(archive):
    assert "butterflies" in script.kin_of("insect")
    for name, own in [("cells", []), ("bear", ["bear"]), ("butterflies", ["insect", "butterfly"])]:
        foreign = set(DEVELOPMENT_SETS) - set(own)
        expected = 3 * sum(len(SETS[each]) for each in foreign)
        assert len(script.photographs_for(name, archive)) == expected


def test_the_exam_and_a_missing_archive_are_refused(archive, tmp_path, capsys):
    options = ["--results", str(tmp_path), "--sets", "bottle"]
    assert script.main(["--data", str(archive), *options]) == 2
    assert "--exam" in capsys.readouterr().out
    assert script.main(["--data", str(tmp_path / "none.zip"), *options, "--exam"]) == 2
    assert "none.zip" in capsys.readouterr().out
    assert not list(tmp_path.glob("*.json"))
