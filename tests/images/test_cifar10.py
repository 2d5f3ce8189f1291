import io
import os
import pickle
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from ganloc.errors import UserError
from ganloc.images.cifar10 import CATEGORIES, categories_of, load_cifar10

# As the official page lists them; the label is the line.
META = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n"
BIRD, CAT, SHIP = 2, 3, 8
# Labels of the synthetic batches: each image's blue is ten times its batch plus its place.
LABELS = {
    "data_batch_1": [BIRD, SHIP, BIRD],
    "data_batch_2": [SHIP, SHIP],
    "data_batch_3": [CAT, BIRD],
    "data_batch_4": [0, 9],
    "data_batch_5": [BIRD],
    "test_batch": [SHIP, BIRD],
}


def record(label: int, blue: int) -> bytes:
    """Red grows to the right and green downwards."""
    red_plane = bytes(8 * x for _ in range(32) for x in range(32))
    green_plane = bytes(7 * y for y in range(32) for _ in range(32))
    return bytes([label]) + red_plane + green_plane + bytes([blue] * 1024)


def batches() -> dict[str, bytes]:
    files = {"batches.meta.txt": META.encode()}
    for number, (batch, labels) in enumerate(LABELS.items(), 1):
        records = [record(label, 10 * number + place) for place, label in enumerate(labels)]
        files[f"{batch}.bin"] = b"".join(records)
    return files


def pack(path: Path, files: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as target:
        for name, to in (links or {}).items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, to
            target.addfile(link)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            target.addfile(member, io.BytesIO(content))
    return path


def in_folder(files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"cifar-10-batches-bin/{name}": content for name, content in files.items()}


@pytest.fixture
def extracted(tmp_path) -> Path:
    folder = tmp_path / "holder" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for name, content in batches().items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(params=["tar.gz", "unzipped tar", "folder", "holder", "zip"])
def archive(request, extracted, tmp_path) -> Path:
    backwards = dict(reversed(in_folder(batches()).items()))
    if request.param == "tar.gz":
        return pack(tmp_path / "cifar-10-binary.tar.gz", backwards)
    if request.param == "unzipped tar":
        return pack(tmp_path / "cifar-10-binary.tar", {f"./{n}": c for n, c in backwards.items()})
    if request.param == "zip":
        return Path(shutil.make_archive(str(tmp_path / "cifar"), "zip", extracted))
    return extracted if request.param == "folder" else extracted.parent


def test_train_is_the_category_in_all_five_batches(archive):
    found = load_cifar10(archive, "bird", "train")
    assert found.names == (
        "data_batch_1/00000",
        "data_batch_1/00002",
        "data_batch_3/00001",
        "data_batch_5/00000",
    )
    assert found.pixels.shape == (4, 32, 32, 3)
    assert found.sizes.tolist() == [[32, 32]] * 4
    assert found.truth is None
    assert found.skipped == ()
    assert found.pixels[:, 0, 0].tolist() == [[0, 0, blue] for blue in (10, 12, 31, 50)]
    assert found.pixels[2, 5, 20].tolist() == [8 * 20, 7 * 5, 31]  # row 5, column 20
    assert found.pixels[3, 31, 1].tolist() == [8, 7 * 31, 50]


def test_test_is_the_sixth_batch(archive):
    found = load_cifar10(archive, "bird", "test")
    assert found.names == ("test_batch/00001",)
    assert found.pixels[0, 0, 31].tolist() == [8 * 31, 0, 61]


def test_other_sizes_keep_that_of_the_original(extracted):
    found = load_cifar10(extracted, "bird", "test", size=64)
    assert found.pixels.shape == (1, 64, 64, 3)
    assert found.sizes.tolist() == [[32, 32]]
    assert (found.pixels[..., 2] == 61).all()
    # Both pixels made of column 20 lie a quarter of a step, 2, beside its 160.
    assert found.pixels[0, 32, 40:42, 0].tolist() == [158, 162]


def test_several_categories(extracted):
    found = load_cifar10(extracted, "cat,bird", "train")
    blues = found.pixels[:, 0, 0, 2].tolist()
    assert blues == [10, 12, 30, 31, 50]
    assert len(set(found.names)) == 5
    assert categories_of("ship,cat,ship") == ("ship", "cat")


def test_the_names_of_labels():
    assert "".join(f"{name}\n" for name in CATEGORIES) == META[:-1]


@pytest.mark.parametrize("name", ["birds", "", "bird,", "Bird", "2"])
def test_an_unknown_category_lists_the_known_ones(name, tmp_path):
    with pytest.raises(UserError, match=r"Unknown CIFAR-10 category '.*airplane, .*truck"):
        load_cifar10(tmp_path, name, "train")


def test_an_unknown_split(extracted):
    with pytest.raises(UserError, match="Unknown split 'val'"):
        load_cifar10(extracted, "bird", "val")


def test_a_category_that_is_not_there_is_named(extracted):
    with pytest.raises(UserError, match=r"cifar-10-batches-bin has no test .* cat"):
        load_cifar10(extracted, "bird,cat", "test")


@pytest.mark.parametrize("size", [0, 1, 3072, 3 * 3073 - 1])
def test_a_truncated_file_is_named(extracted, size):
    whole = batches()["data_batch_1.bin"]
    (extracted / "data_batch_1.bin").write_bytes(whole[:size])
    with pytest.raises(UserError, match=rf"incomplete \(data_batch_1\.bin has {size} bytes"):
        load_cifar10(extracted, "bird", "train")
    assert len(load_cifar10(extracted, "bird", "test")) == 1  # which does not need that file


def test_a_missing_file_is_named(extracted):
    (extracted / "data_batch_4.bin").unlink()
    with pytest.raises(UserError, match=r"lacks data_batch_4\.bin \(no such file\)"):
        load_cifar10(extracted, "bird", "train")


def test_a_label_beyond_the_last_is_damage(extracted):
    (extracted / "test_batch.bin").write_bytes(record(BIRD, 0) + record(10, 0))
    with pytest.raises(UserError, match=r"damaged \(test_batch\.bin has the label 10"):
        load_cifar10(extracted, "bird", "test")


def test_other_categories_in_the_same_format_are_refused(extracted):
    (extracted / "batches.meta.txt").write_text(META.replace("bird", "apple"))
    with pytest.raises(UserError, match=r"not CIFAR-10 \(batches\.meta\.txt lists other"):
        load_cifar10(extracted, "bird", "test")
    (extracted / "batches.meta.txt").unlink()
    assert len(load_cifar10(extracted, "bird", "test")) == 1


class Trap:
    """Fails the test if it is ever unpickled."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was read",)


@pytest.mark.parametrize("packed", [True, False])
def test_the_python_version_is_refused_unread(packed, tmp_path):
    names = ["batches.meta", *(name for name in LABELS)]
    files = {f"cifar-10-batches-py/{name}": pickle.dumps(Trap()) for name in names}
    given = pack(tmp_path / "cifar-10-python.tar.gz", files)
    if not packed:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(content)
        given = tmp_path / "cifar-10-batches-py"
    with pytest.raises(UserError, match=r"is the Python version .*cifar-10-binary\.tar\.gz"):
        load_cifar10(given, "bird", "train")


def test_another_archive(tmp_path):
    hundred = pack(tmp_path / "cifar-100-binary.tar.gz", {"cifar-100-binary/train.bin": b"0" * 9})
    with pytest.raises(UserError, match=r"cifar-100-binary\.tar\.gz is not CIFAR-10"):
        load_cifar10(hundred, "bird", "train")
    with pytest.raises(UserError, match=r"No folder or zip at .*gone\.tar\.gz"):
        load_cifar10(tmp_path / "gone.tar.gz", "bird", "train")


def test_links_and_names_that_lead_outside_are_left_out(tmp_path):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(record(BIRD, 99))
    files = in_folder(batches())
    del files["cifar-10-batches-bin/test_batch.bin"]
    files["../test_batch.bin"] = files["cifar-10-batches-bin/../test_batch.bin"] = b"x"
    files["/test_batch.bin"] = b"x"
    name = "cifar-10-batches-bin/test_batch.bin"
    given = pack(tmp_path / "evil.tar.gz", files, {name: str(secret)})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match="lacks test_batch"):
        load_cifar10(given, "bird", "test")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.fixture(params=["folder", "zip", "zip with an outer folder", "tar.gz"])
def images(request, tmp_path) -> Path:
    """Two train birds, one train ship and one test bird; red tells them apart."""
    files = {}
    for red, name in enumerate(["train/bird/2", "train/ship/1", "train/bird/10", "test/bird/2"]):
        buffer = io.BytesIO()
        Image.new("RGB", (32, 32), (50 * red, 0, 0)).save(buffer, "PNG")
        files[f"{name}.png"] = buffer.getvalue()
    files["train/bird/Thumbs.db"] = files["README.md"] = b"no image"
    if request.param == "tar.gz":
        return pack(tmp_path / "images.tar.gz", files)
    if request.param.startswith("zip"):
        outer = "CIFAR-10-images/" if "outer" in request.param else ""
        with zipfile.ZipFile(tmp_path / "images.zip", "w") as target:
            for name, content in files.items():
                target.writestr(outer + name, content)
        return tmp_path / "images.zip"
    for name, content in files.items():
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "images"


def test_images_in_folders(images):
    found = load_cifar10(images, "bird", "train", size=16)
    assert found.names == ("train/bird/10.png", "train/bird/2.png")
    assert found.pixels.shape == (2, 16, 16, 3)
    assert found.pixels[:, 8, 8, 0].tolist() == [100, 0]
    assert found.sizes.tolist() == [[32, 32]] * 2
    assert found.truth is None
    assert load_cifar10(images, "bird", "test").names == ("test/bird/2.png",)
    assert load_cifar10(images, "ship,bird", "train").pixels[:, 0, 0, 0].tolist() == [100, 0, 50]
    with pytest.raises(UserError, match="no test images of the category ship"):
        load_cifar10(images, "ship", "test")


def test_a_damaged_image_is_named(tmp_path):
    (tmp_path / "train/bird").mkdir(parents=True)
    (tmp_path / "train/bird/0.png").write_bytes(b"oops")
    with pytest.raises(UserError, match=r"incomplete \(train/bird/0\.png: not an image"):
        load_cifar10(tmp_path, "bird", "train")


# Each category has 5,000 train and 1,000 test images (arXiv 1806.00236, section on data).
@pytest.mark.skipif("GANLOC_CIFAR10" not in os.environ, reason="needs the real archive")
@pytest.mark.parametrize(("split", "count"), [("train", 5000), ("test", 1000)])
def test_counts_of_the_real_archive(split, count):
    found = load_cifar10(Path(os.environ["GANLOC_CIFAR10"]), "bird", split)
    assert len(found) == len(set(found.names)) == count
    assert (found.sizes == 32).all()
