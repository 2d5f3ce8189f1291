"""A training for several objects an image: from images to objects, files and hints."""

import numpy as np
import pytest

from ganloc import Localizer, load
from ganloc.errors import UserError
from ganloc.evaluation import evaluate, objects_rows
from ganloc.images.image_set import ImageSet
from ganloc.recipes import make_recipe
from scenes import drawn_set

pytestmark = pytest.mark.usefixtures("one_thread")
COUNTS = [0, *[1, 2, 3] * 8]


@pytest.fixture(scope="module")
def images():
    pixels, truth = drawn_set(COUNTS)
    names = tuple(f"{index:02d}.png" for index in range(len(pixels)))
    sizes = np.full((len(pixels), 2), 32)
    return ImageSet(pixels, names, sizes, truth=tuple(32.0 * boxes for boxes in truth))


@pytest.fixture(scope="module")
def fitted(images):
    steps = []
    localizer = Localizer(
        several=True,
        size=32,
        iterations=2,
        student_width=8,
        student_iterations=100,
        student_rounds=2,
        device="cpu",
    ).fit(images, progress=lambda step, line: steps.append(step))
    assert steps[-1] == 2 + 2 * 100
    return localizer


def test_all_objects_are_found_by_default(fitted, images):
    found = fitted.localize(images)
    counts = np.array([len(one.objects) for one in found])
    assert abs(counts - COUNTS).mean() < 0.5
    one = fitted.localize(images, max_objects=1)
    assert max(len(each.objects) for each in one) == 1
    best = [each.objects[0].score for each in found if each.objects]
    assert [each.score for each in one if each.objects] == best
    mask = next(each.objects[0].mask for each in found if each.objects)
    assert mask.shape == (32, 32)
    assert 10 < mask.sum() < 200  # a disc of radius 3.8 covers 46 pixels, its box 59
    assert fitted.verdict is None  # nothing is known of how far to trust it


def test_a_saved_model_finds_the_same(fitted, images, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors").localize(images)
    for one, other in zip(fitted.localize(images), again, strict=True):
        assert [each.box for each in one.objects] == [each.box for each in other.objects]


def test_metrics_count_all_objects_and_one_box_an_image(fitted, images):
    pytest.importorskip("pycocotools")
    rows = {row.name: row for row in objects_rows(fitted.model, images, None)}
    assert rows["default"].ap_50 > 70.0
    assert rows["candidates"].average_recall >= rows["default"].average_recall
    assert rows["candidates"].count_error >= rows["default"].count_error
    assert rows["one-box"].ap_50 < 100.0 * 25 / 48  # 24 boxes for 48 objects
    assert rows["default"].right_count > 50.0
    default = next(row for row in evaluate(fitted.model, images) if row.name == "default")
    assert default.gt_known_loc > 60.0  # the best box of each image with a true one


def test_hints_show_all_objects_of_a_few_images(fitted, images):
    label_free = fitted.model
    try:
        fitted.finetune(images, images.subset([1, 2, 3, 7]))
        assert fitted.reading == "hinted"
        assert fitted.expected is None
        counts = np.array([len(one.objects) for one in fitted.localize(images)])
        assert abs(counts - COUNTS).mean() < 0.6
        assert len(fitted.localize(images, reading="student")) == len(images)
    finally:
        fitted.model = label_free


def test_several_needs_a_student():
    with pytest.raises(UserError, match="several=True has no effect without a student"):
        make_recipe("default", several=True, student_iterations=0)
