import io
import json
import shutil
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganloc.errors import Notice, UserError
from ganloc.images.source import CIFAR10, TINY_IMAGENET, has_boxes, has_split, load_images


@pytest.fixture
def photos(tmp_path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (30, 20)).save(folder / name)
    coco = {
        "images": [{"id": i, "file_name": n} for i, n in enumerate(("a.png", "b.png"))],
        "annotations": [{"image_id": 1, "bbox": [1, 2, 10, 10]}],
    }
    (tmp_path / "truth.coco.json").write_text(json.dumps(coco))
    return folder


@pytest.fixture
def tiny(tmp_path) -> Path:
    """An archive with one test image of the class n02058221."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "JPEG")
    with zipfile.ZipFile(tmp_path / "tiny.zip", "w") as target:
        target.writestr("tiny-imagenet-200/val/images/val_0.JPEG", buffer.getvalue())
        row = "val_0.JPEG\tn02058221\t0\t0\t63\t63\n"
        target.writestr("tiny-imagenet-200/val/val_annotations.txt", row)
    return tmp_path / "tiny.zip"


@pytest.fixture
def cifar(tmp_path) -> Path:
    """A zip with one test image of a ship."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32)).save(buffer, "PNG")
    with zipfile.ZipFile(tmp_path / "cifar.zip", "w") as target:
        target.writestr("test/ship/0.png", buffer.getvalue())
    return tmp_path / "cifar.zip"


@pytest.fixture(autouse=True)
def _no_archive(monkeypatch):
    monkeypatch.delenv(TINY_IMAGENET, raising=False)
    monkeypatch.delenv(CIFAR10, raising=False)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_folder_gives_everything_for_both_splits_and_reads_no_truth_unasked(photos, split):
    found = load_images(str(photos), 8, split)
    assert found.names == ("a.png", "b.png")
    assert found.size == 8
    assert found.truth is None


def test_a_folder_with_truth(photos):
    found = load_images(str(photos), 8, truth=photos.parent / "truth.coco.json")
    assert found.truth is not None
    assert found.truth[0].shape == (0, 4)
    assert found.truth[1].tolist() == [[1, 2, 11, 12]]


def test_tiny_imagenet_by_argument_or_environment(tiny, monkeypatch):
    data = "tiny-imagenet:n02058221"
    by_argument = load_images(data, 64, "test", archive=tiny)
    monkeypatch.setenv(TINY_IMAGENET, str(tiny))
    by_environment = load_images(data, 64, "test")
    assert by_argument.names == by_environment.names == ("val/images/val_0.JPEG",)
    with pytest.raises(UserError, match="elsewhere"):  # the argument goes first
        load_images(data, 64, "test", archive=Path("elsewhere.zip"))


def test_tiny_imagenet_without_its_archive():
    with pytest.raises(UserError, match=rf"tiny-imagenet:bird .*by archive .*{TINY_IMAGENET}"):
        load_images("tiny-imagenet:bird", 64)


def test_cifar10_by_argument_or_environment(cifar, tiny, monkeypatch):
    monkeypatch.setenv(TINY_IMAGENET, str(tiny))
    with pytest.raises(
        UserError, match=rf"cifar10:ship .*CIFAR-10.*binary.*by archive .*{CIFAR10}"
    ):
        load_images("cifar10:ship", 32, "test")
    by_argument = load_images("cifar10:ship", 32, "test", archive=cifar)
    monkeypatch.setenv(CIFAR10, str(cifar))
    by_environment = load_images("cifar10:ship", 32, "test")
    assert by_argument.names == by_environment.names == ("test/ship/0.png",)
    assert by_argument.truth is None
    with pytest.raises(UserError, match="elsewhere"):  # the argument goes first
        load_images("cifar10:ship", 32, "test", archive=Path("elsewhere.zip"))


def test_a_named_set_without_boxes_takes_a_truth(cifar, tmp_path):
    image = {"id": 7, "file_name": "test/ship/0.png", "width": 32, "height": 32}
    boxes = [{"image_id": 7, "bbox": [1, 2, 10, 20]}]
    coco = tmp_path / "ships.coco.json"
    coco.write_text(json.dumps({"images": [image], "annotations": boxes}))
    found = load_images("cifar10:ship", 16, "test", archive=cifar, truth=coco)
    assert found.truth is not None
    assert [own.tolist() for own in found.truth] == [[[1, 2, 11, 22]]]


def test_an_unknown_set_is_said_even_though_the_archive_is_given(tiny):
    with pytest.raises(UserError, match=r"'birds'.*bird"):
        load_images("tiny-imagenet:birds", 64, archive=tiny)


def test_the_embedded_images_have_truth_and_two_splits(monkeypatch, tmp_path):
    (tmp_path / "embedded").mkdir()  # the name wins over a folder of that name
    monkeypatch.chdir(tmp_path)
    train, test = (load_images("embedded", 8, split) for split in ("train", "test"))
    assert (len(train), len(test)) == (2000, 500)
    seen = {pixels.tobytes() for pixels in train.pixels}
    assert len(seen) == 2000
    assert not seen & {pixels.tobytes() for pixels in test.pixels}
    for images in (train, test):
        assert images.truth is not None
        assert np.concatenate(images.truth).shape == (len(images), 4)
        assert images.archive is None


def test_a_set_knows_what_the_user_called_it_and_where_its_files_are(photos, cifar, tmp_path):
    shutil.make_archive(str(tmp_path / "packed"), "zip", photos)
    for data in (str(photos), str(tmp_path / "packed.zip")):
        images = load_images(data, 8)
        assert images.source == data
        assert images.archive is not None
        assert str(images.archive.path) == data
    named = load_images("cifar10:ship", 8, "test", archive=cifar)
    assert (named.source, named.archive) == ("cifar10:ship", None)


def test_files_that_are_left_out_are_told_of_in_one_notice(photos):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_images(str(photos), 8)
    (photos / "c.png").write_text("not an image")
    (photos / "d.jpg").touch()
    with pytest.warns(Notice) as given:
        images = load_images(str(photos), 8)
    assert [str(notice.message) for notice in given] == [images.left_out]
    assert images.left_out.startswith("2 of 4 files could not be read (left out):\n  c.png: ")


def test_has_split():
    assert has_split("embedded")
    assert has_split("tiny-imagenet:bird")
    assert has_split("cifar10:bird")
    assert not has_split("photos")
    assert not has_split("./embedded")
    assert not has_split("cifar10")


def test_has_boxes():
    assert has_boxes("embedded")
    assert has_boxes("tiny-imagenet:bird")
    assert not has_boxes("cifar10:bird")
    assert not has_boxes("photos")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("nowhere", "No folder or zip at 'nowhere'"),
        ("", "No folder or zip at ''"),
        ("C:\\photos", "No folder or zip at"),
        (
            "imagenet:bird",
            r"Unknown data set 'imagenet'.*tiny-imagenet:SET, cifar10:C.* or embedded",
        ),
        ("cifar10", "No folder or zip at 'cifar10'.*cifar10:CATEGORY"),
    ],
)
def test_nothing_of_that_name(data, message):
    with pytest.raises(UserError, match=message):
        load_images(data, 8)


def test_a_named_set_takes_no_truth(photos):
    with pytest.raises(UserError, match=r"embedded has its own .*truth\.coco\.json"):
        load_images("embedded", 8, truth=photos.parent / "truth.coco.json")


def test_an_unknown_split(photos):
    with pytest.raises(UserError, match="Unknown split 'val'"):
        load_images(str(photos), 8, "val")


def test_a_category_needs_a_truth(photos):
    with pytest.raises(UserError, match="The category 'bird' needs a truth file"):
        load_images(str(photos), 8, category="bird")
    with pytest.raises(UserError, match="no boxes of the category 'bird'"):
        load_images(str(photos), 8, truth=photos.parent / "truth.coco.json", category="bird")


def test_files_that_are_no_images_are_one_short_count(photos):
    (photos / "truth.coco.json").write_text("{}")
    (photos / "README.md").write_text("Photos of birds.")
    with pytest.warns(Notice) as given:
        load_images(str(photos), 8)
    assert [str(notice.message) for notice in given] == ["Left out: 2 other files."]


def test_one_image_file(photos):
    assert load_images(str(photos / "a.png"), 8).names == ("a.png",)


def test_paths_are_texts_or_paths(photos, tmp_path):
    truth = tmp_path / "truth.coco.json"
    one = load_images(photos, 8, truth=str(truth))
    other = load_images(str(photos), 8, truth=truth)
    np.testing.assert_array_equal(one.pixels, other.pixels)
    assert one.source == other.source == str(photos)
    assert one.truth is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"size": 0}, "size must be at least 1, not 0"),
        ({"archive": "a.zip"}, "is not read from an archive: leave out archive"),
        ({"data": "embedded", "archive": "a.zip"}, "is not read from an archive"),
        ({"data": "x" * 5_000}, "No folder or zip at 'x{50}'…: "),
        ({"data": "a\0b"}, "No folder or zip at 'a.x00b': "),
        ({"data": "~$photos"}, "No folder or zip at "),
    ],
)
def test_arguments_that_cannot_be_used(change, said, photos):
    with pytest.raises(UserError, match=said):
        load_images(**{"data": photos, "size": 8, **change})
