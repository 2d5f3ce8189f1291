"""The table of one run: which rows, which of them saw labels, and that each is what it says."""

import numpy as np
import pytest
import torch

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.discriminator.train_state import new_train_state
from ganloc.errors import UserError
from ganloc.evaluation import corloc_rows, evaluate, untrained_model
from ganloc.heatmap.calibrate import for_reading
from ganloc.heatmap.feature_statistics import feature_statistics
from ganloc.heatmap.readings import DISCRIMINATOR_READING
from ganloc.images.image_set import ImageSet
from ganloc.images.synthetic import draw_images
from ganloc.model import Model
from ganloc.recipes import Recipe

CPU = torch.device("cpu")
RECIPE = Recipe(variant="dcgan", size=32, discriminator_width=2, generator_width=2, seed=4)

# Five originals of 100 × 50 (width, height) whose true boxes do not touch: what is fitted on four
# of them misses the fifth. The last two are taller and have other truths.
SIZES = np.array([[100, 50]] * 5 + [[40, 80], [40, 80]])
STRIPS = [[20.0 * i, 0.0, 20.0 * i + 15.0, 50.0] for i in range(5)]
MOST = [4.0, 8.0, 36.0, 72.0]  # the centred 0.8: 64 % of the image
TRUTH = (*(np.array([box]) for box in STRIPS), np.array([MOST]), np.empty((0, 4)))


def some_images(truth=TRUTH, seed=0):
    drawn = draw_images(len(SIZES), 32, seed)
    return ImageSet(drawn.pixels, drawn.names, SIZES, truth)


def a_model():
    """As after some training: not the weights that the seed gives."""
    network = new_train_state(RECIPE, CPU).discriminator
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(9)
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return Model.freeze(network, some_images(), RECIPE, iteration=3)


def iou(a, b):
    wide = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    high = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return wide * high / (both - wide * high)


def scores_of(boxes, truth=TRUTH):
    """GT-known Loc at ½ and at 0.7, and mean IoU, of images with truth, in percent."""
    pairs = zip(boxes, truth, strict=True)
    ious = np.array([max(iou(box, t) for t in own) for box, own in pairs if len(own)])
    return 100 * (ious > 0.5).mean(), 100 * (ious > 0.7).mean(), 100 * ious.mean()


def boxes_of(model, reading):
    """In pixels of the originals."""
    return model.detect(some_images(), reading).boxes * np.tile(SIZES, 2)


def numbers(row):
    return row.gt_known_loc, row.gt_known_loc_70, row.mean_iou


@pytest.fixture(scope="module")
def model():
    return a_model()


@pytest.fixture(scope="module")
def rows(model):
    return {row.name: row for row in evaluate(model, some_images())}


def test_the_rows_and_who_saw_labels(rows):
    names = list(rows)
    assert names[:5] == ["default", "plain-cam", "cam", "untrained", "untrained-plain-cam"]
    assert {"colour-contrast", "whole-image", "centre", "fitted-box"} <= set(names[5:])
    assert [name for name, row in rows.items() if row.uses_labels] == ["fitted-box"]
    assert not any(row.oracle for row in rows.values())


def test_the_whole_image_by_hand(rows):
    # Five strips of 15 % of the image and one box of 64 %: one hit of six, none above 0.7.
    expected = (100 / 6, 0.0, (5 * 15.0 + 64.0) / 6)
    assert numbers(rows["whole-image"]) == pytest.approx(expected)


def test_the_centre_by_hand(rows):
    # 10–90 × 5–45. Of the outer strips 0–15 and 80–95 it has a width of 5 and of 10, of the others
    # 15, all of height 40; its area is 3200, a strip's 750. The last truth it hits exactly.
    shared = [200.0, 600.0, 600.0, 600.0, 400.0]
    ious = [part / (3950.0 - part) for part in shared] + [1.0]
    expected = (100 / 6, 100 / 6, 100 * np.mean(ious))
    assert numbers(rows["centre"]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("row", "reading"),
    [("default", DISCRIMINATOR_READING), ("plain-cam", "plain-cam"), ("cam", "cam")],
)
def test_the_models_own_rows(model, rows, row, reading):
    assert numbers(rows[row]) == pytest.approx(scores_of(boxes_of(model, reading)))


@pytest.mark.parametrize(
    ("row", "reading"), [("untrained", DISCRIMINATOR_READING), ("untrained-plain-cam", "plain-cam")]
)
def test_the_untrained_rows_are_those_of_the_first_weights(rows, row, reading):
    pixels = some_images().pixels
    fresh = for_reading(new_train_state(RECIPE, CPU).discriminator, pixels)
    untrained = Model(fresh, RECIPE, feature_statistics(fresh, pixels))
    assert numbers(rows[row]) == pytest.approx(scores_of(boxes_of(untrained, reading)))


def test_what_is_cut_from_heatmaps_has_an_oracle(model, rows):
    assert [name for name, row in rows.items() if row.max_box_acc is None] == [
        "whole-image",
        "centre",
        "fitted-box",
    ]
    fixed = {"plain-cam": (model, "plain-cam"), "cam": (model, "cam")}
    for name, (reader, reading) in fixed.items():
        heatmaps = reader.heatmaps(some_images(), reading)
        cuts = [
            scores_of(boxes_from_heatmaps(heatmaps, 32, percent / 100) * np.tile(SIZES, 2))[0]
            for percent in range(100)
        ]
        best = rows[name].max_box_acc
        assert best.max_box_acc == pytest.approx(max(cuts))
        assert best.threshold == cuts.index(max(cuts)) / 100
        assert rows[name].gt_known_loc == pytest.approx(cuts[20])  # the threshold of these readings


def test_the_untrained_network_does_not_depend_on_the_trained_one(model):
    images = some_images()
    first = untrained_model(model, images)
    other = untrained_model(untrained_model(model, images), images)
    assert (first.info["iteration"], first.info["images"]) == (0, len(images))
    trained = model.discriminator.state_dict()
    for name, value in first.discriminator.state_dict().items():
        assert torch.equal(value, other.discriminator.state_dict()[name])
        if name.endswith("weight"):
            assert not torch.equal(value, trained[name])


def test_without_train_images_the_box_is_cross_fitted(model):
    """Strips alone: a box fitted on four of them hits none of the fifth's."""
    strips = some_images().subset(range(5))
    alone, unlabelled, fitted = (
        {row.name: row for row in evaluate(model, strips, train)}["fitted-box"]
        for train in (None, some_images(truth=None), strips)
    )
    assert numbers(alone)[:2] == (0.0, 0.0)
    assert unlabelled == alone
    # Fitted on the very images that it is measured on it can hit one strip, but never two.
    assert fitted.gt_known_loc == pytest.approx(20.0)


def test_with_train_images_these_calibrate_the_untrained_network(model):
    # Train images of nearly one colour, so that their statistics differ.
    pixels = np.random.default_rng(2).integers(190, 211, (6, 32, 32, 3), np.uint8)
    train = ImageSet(pixels, ("p",) * 6, SIZES[:6], TRUTH[:6])
    row = {row.name: row for row in evaluate(model, some_images(), train)}["untrained"]
    assert numbers(row) == pytest.approx(
        scores_of(boxes_of(untrained_model(model, train), DISCRIMINATOR_READING))
    )


def test_nothing_to_measure_is_the_users_to_put_right(model):
    with pytest.raises(UserError, match="true box"):
        evaluate(model, some_images(truth=(np.empty((0, 4)),) * len(SIZES)))


def test_corloc_is_of_the_training_images_alone(model, rows):
    found = boxes_of(model, DISCRIMINATOR_READING)
    hits = [iou(found[i], truth[0]) > 0.5 for i, truth in enumerate(TRUTH) if len(truth)]
    corloc = {row.name: row.gt_known_loc for row in corloc_rows(model, some_images())}
    assert corloc["default"] == pytest.approx(100 * np.mean(hits), abs=0.01)
    assert set(corloc) == {"default", "plain-cam", "whole-image", "centre"}
    evaluated = corloc_rows(model, some_images(), list(rows.values()))
    assert {row.name: row.gt_known_loc for row in evaluated} == corloc
    assert corloc_rows(model, some_images(seed=1)) == []
    assert corloc_rows(model, some_images(truth=None)) == []
