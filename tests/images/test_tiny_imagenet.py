import io
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganloc.errors import UserError
from ganloc.images.tiny_imagenet import (
    DEVELOPMENT_SETS,
    PAPER_SETS,
    SETS,
    classes_of,
    load_tiny_imagenet,
)

FIRST, SECOND = "n02279972", "n02281406"  # the butterfly set
NUMBERS = (0, 2, 10)  # sorted as text, 10 would come before 2


def image(red: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (red, 0, 0)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.fixture
def holder(tmp_path) -> Path:
    """The folder that holds a tiny-imagenet-200 of two classes, written out of order."""
    root = tmp_path / "holder" / "tiny-imagenet-200"
    for position, class_id in enumerate((SECOND, FIRST)):
        images = root / "train" / class_id / "images"
        images.mkdir(parents=True)
        lines = []
        for number in reversed(NUMBERS):
            name = f"{class_id}_{number}.JPEG"
            (images / name).write_bytes(image(100 * position + 9 * number))
            lines.append(f"{name}\t0\t{number}\t63\t63\n")
        (root / "train" / class_id / f"{class_id}_boxes.txt").write_text("".join(lines))
    val = root / "val" / "images"
    val.mkdir(parents=True)
    rows = [(3, FIRST), (20, SECOND), (11, FIRST), (1, "n99999999")]
    for number, _ in rows:
        (val / f"val_{number}.JPEG").write_bytes(image(number * 10))
    lines = [f"val_{number}.JPEG\t{class_id}\t5\t6\t5\t60\n" for number, class_id in rows]
    (root / "val" / "val_annotations.txt").write_text("".join(lines))
    return root.parent


@pytest.fixture(params=["zip", "folder", "holder"])
def archive(request, holder, tmp_path) -> Path:
    if request.param == "holder":
        return holder
    if request.param == "folder":
        return holder / "tiny-imagenet-200"
    packed = tmp_path / "tiny.zip"
    with zipfile.ZipFile(packed, "w") as target:
        for file in holder.rglob("*"):
            target.write(file, file.relative_to(holder))
    return packed


def test_train(archive):
    found = load_tiny_imagenet(archive, "butterfly", "train")
    assert found.names == tuple(
        f"train/{c}/images/{c}_{n}.JPEG" for c in (FIRST, SECOND) for n in NUMBERS
    )
    assert found.pixels.shape == (6, 64, 64, 3)
    assert (found.sizes == 64).all()
    np.testing.assert_allclose(found.pixels[:, 9, 9, 0], [100, 118, 190, 0, 18, 90], atol=3)
    assert found.truth is not None
    assert [boxes.tolist() for boxes in found.truth] == [[[0, n, 64, 64]] for n in NUMBERS] * 2


def test_labels_follow_the_order_of_the_classes_asked_for(holder):
    found = load_tiny_imagenet(holder, f"{SECOND},{FIRST}", "test")
    assert found.classes == (SECOND, FIRST)
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1, 1]
    assert load_tiny_imagenet(holder, "butterfly", "test").labels.tolist() == [0, 0, 1]
    chosen = found.subset([2, 0])
    assert (chosen.labels.tolist(), chosen.classes) == ([1, 0], (SECOND, FIRST))
    unlabelled = replace(found, labels=None, classes=())
    assert unlabelled.subset([2, 0]).labels is None
    assert unlabelled.checksum == found.checksum


def test_training_may_see_neither_boxes_nor_classes(holder):
    images = load_tiny_imagenet(holder, "butterfly", "train")
    unlabelled = images.unlabelled()
    assert images.truth is not None
    assert images.labels is not None
    assert (unlabelled.truth, unlabelled.labels, unlabelled.classes) == (None, None, ())
    assert unlabelled.names == images.names
    np.testing.assert_array_equal(unlabelled.pixels, images.pixels)


def test_the_six_sets_have_28_classes():
    classes = classes_of("artiodactyla,bottle,bird,cat,dog,vehicle")
    assert len(classes) == len(set(classes)) == 28


def test_test_is_val_and_a_thin_box_is_one_pixel_wide(archive):
    found = load_tiny_imagenet(archive, f"{SECOND},{FIRST}", "test", size=32)
    assert found.names == tuple(f"val/images/val_{n}.JPEG" for n in (20, 3, 11))
    np.testing.assert_allclose(found.pixels[:, 9, 9, 0], [200, 30, 110], atol=3)
    assert found.truth is not None
    assert found.truth[0].tolist() == [[5, 6, 6, 61]]
    assert found.pixels.shape[1] == 32
    assert (found.sizes == 64).all()


def test_sets_and_classes():
    assert SETS == PAPER_SETS | DEVELOPMENT_SETS
    every = [class_id for classes in SETS.values() for class_id in classes]
    assert len(every) == len(set(every)) == 28 + 19
    assert classes_of(f"boat,{FIRST},n03662601") == ("n03662601", "n03447447", FIRST)


@pytest.mark.parametrize("name", ["birds", "", "bird,", "n123", "n020582210"])
def test_an_unknown_set_lists_the_known_ones(name, tmp_path):
    with pytest.raises(UserError, match=r"Unknown Tiny ImageNet set '.*artiodactyla, .*fruit"):
        load_tiny_imagenet(tmp_path, name, "train")


def test_an_unknown_split(archive):
    with pytest.raises(UserError, match="Unknown split 'val'"):
        load_tiny_imagenet(archive, "butterfly", "val")


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_missing_class_is_named(archive, split):
    with pytest.raises(UserError, match="n03662601"):
        load_tiny_imagenet(archive, "boat", split)


def test_a_missing_or_damaged_image_is_named(holder):
    victim = holder / f"tiny-imagenet-200/train/{FIRST}/images/{FIRST}_2.JPEG"
    victim.write_bytes(b"oops")
    with pytest.raises(UserError, match=rf"{FIRST}_2\.JPEG: not an image"):
        load_tiny_imagenet(holder, "butterfly", "train")
    victim.unlink()
    with pytest.raises(UserError, match=rf"{FIRST}_2\.JPEG: no such file"):
        load_tiny_imagenet(holder, "butterfly", "train")


def test_missing_annotations_are_named(holder):
    (holder / "tiny-imagenet-200/val/val_annotations.txt").unlink()
    with pytest.raises(UserError, match=r"lacks val/val_annotations\.txt"):
        load_tiny_imagenet(holder, "butterfly", "test")


@pytest.mark.parametrize("line", ["a.JPEG\t1\t2\t3", "a.JPEG\t1\t2\t3\tx", "a.JPEG 1 2 3 4"])
def test_a_malformed_line_is_named(holder, line):
    path = holder / f"tiny-imagenet-200/train/{FIRST}/{FIRST}_boxes.txt"
    path.write_text(line + "\n")
    with pytest.raises(UserError, match=rf"malformed line in train/.*{FIRST}_boxes\.txt"):
        load_tiny_imagenet(holder, "butterfly", "train")


def test_another_archive(holder, tmp_path):
    shutil.rmtree(holder / "tiny-imagenet-200")
    with pytest.raises(UserError, match="holder is not Tiny ImageNet"):
        load_tiny_imagenet(holder, "butterfly", "train")
    with pytest.raises(UserError, match=r"No folder or zip at .*gone"):
        load_tiny_imagenet(tmp_path / "gone.zip", "butterfly", "train")


# Train and test images of the sets, as the paper counts them (arXiv 1806.00236).
COUNTS = {
    **{"artiodactyla": (2500, 250), "bottle": (1000, 100), "bird": (1500, 150)},
    **{"cat": (2000, 200), "dog": (3000, 300), "vehicle": (4000, 400)},
}


@pytest.mark.skipif("GANLOC_TINY_IMAGENET" not in os.environ, reason="needs the real archive")
@pytest.mark.parametrize("set_name", COUNTS)
def test_counts_of_the_real_archive(set_name):
    path = Path(os.environ["GANLOC_TINY_IMAGENET"])
    splits = [load_tiny_imagenet(path, set_name, split) for split in ("train", "test")]
    assert tuple(map(len, splits)) == COUNTS[set_name]
    for found in splits:
        assert found.truth is not None
        boxes = np.concatenate(found.truth)
        assert boxes.shape == (len(found), 4)
        assert boxes.min() == 0
        assert boxes.max() == 64
        assert (boxes[:, 2:] > boxes[:, :2]).all()
