"""Archives in the formats of the published data sets, a few random images each."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ganloc.shapes import UInt8

SIDE = 64  # pixels, of Tiny ImageNet
_ROOT = "tiny-imagenet-200"


def make_tiny_imagenet(path: Path, classes: Sequence[str], train: int, val: int) -> Path:
    """Write tiny-imagenet-200.zip at `path`: dark noise, and brighter noise inside the true box.

    Args:
        path: of the zip.
        classes: ids such as n02279972.
        train: training images a class.
        val: val images a class, which `load_tiny_imagenet` calls test.
    """
    random = np.random.default_rng(0)
    annotations = []
    with zipfile.ZipFile(path, "w") as archive:
        for place, class_id in enumerate(classes):
            lines = []
            for number in range(train):
                name = f"{class_id}_{number}.JPEG"
                pixels, box = _boxed(random)
                archive.writestr(f"{_ROOT}/train/{class_id}/images/{name}", _encoded(pixels))
                lines.append("\t".join((name, *map(str, box))) + "\n")
            archive.writestr(f"{_ROOT}/train/{class_id}/{class_id}_boxes.txt", "".join(lines))
            for number in range(val):
                name = f"val_{place * val + number}.JPEG"
                pixels, box = _boxed(random)
                archive.writestr(f"{_ROOT}/val/images/{name}", _encoded(pixels))
                annotations.append("\t".join((name, class_id, *map(str, box))) + "\n")
        archive.writestr(f"{_ROOT}/val/val_annotations.txt", "".join(annotations))
    return path


def make_cifar10(path: Path, categories: Sequence[str], train: int, test: int) -> Path:
    """Write a zip of 32×32 random images at `path`, `train` and `test` of each category."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for category in categories:
            for split, count in (("train", train), ("test", test)):
                for number in range(count):
                    pixels = random.integers(0, 256, (32, 32, 3), np.uint8)
                    name = f"{split}/{category}/{number:04}.png"
                    archive.writestr(name, _encoded(pixels, "PNG"))
    return path


def _boxed(
    random: np.random.Generator,
) -> tuple[UInt8[np.ndarray, "64 64 3"], tuple[int, int, int, int]]:
    """An image, and its box as the archive counts it: xyxy with inclusive ends."""
    x0, y0 = random.integers(0, SIDE // 2, 2).tolist()
    width, height = random.integers(SIDE // 4, SIDE // 2, 2).tolist()
    pixels = random.integers(0, 96, (SIDE, SIDE, 3), np.uint8)
    pixels[y0 : y0 + height, x0 : x0 + width] += 128
    return pixels, (x0, y0, x0 + width - 1, y0 + height - 1)


def _encoded(pixels: UInt8[np.ndarray, "h w 3"], format: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format)
    return buffer.getvalue()
