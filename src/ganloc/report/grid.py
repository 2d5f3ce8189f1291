"""Grids of images, boxes on images, and heatmaps in colour."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ganloc.files import writing
from ganloc.shapes import Float, UInt8

# From dark blue over violet and orange to pale yellow. Brightness increases, also when printed in
# grey.
_COLOURS = np.array(
    [[8, 8, 36], [62, 18, 110], [138, 34, 106], [212, 72, 66], [250, 142, 28], [252, 250, 164]]
)
TRUE_BOX = (60, 120, 255)
FOUND_BOX = (40, 230, 60)


def colour(heatmap: Float[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """A heatmap of 0–1 as RGB, dark to bright."""
    stops = np.linspace(0.0, 1.0, len(_COLOURS))
    channels = [np.interp(heatmap, stops, _COLOURS[:, c]) for c in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def enlarge(
    pixels: UInt8[np.ndarray, "*n size size 3"], side: int
) -> UInt8[np.ndarray, "*n side side 3"]:
    """Enlarge images by the largest whole factor that does not exceed `side`, at least 1."""
    times = max(1, side // pixels.shape[-2])
    return pixels.repeat(times, axis=-3).repeat(times, axis=-2)


def tile(
    images: UInt8[np.ndarray, "n size size 3"], columns: int, gap: int = 2
) -> UInt8[np.ndarray, "height width 3"]:
    """Arrange images in rows of `columns`, on white, `gap` pixels apart."""
    count, size = images.shape[:2]
    rows, step = -(-count // columns), size + gap
    sheet = np.full((rows * step - gap, columns * step - gap, 3), 255, np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * step, index % columns * step
        sheet[top : top + size, left : left + size] = image
    return sheet


def with_boxes(
    pixels: UInt8[np.ndarray, "h w 3"],
    boxes: Sequence[tuple[tuple[int, int, int], Float[np.ndarray, "4"]]],
) -> UInt8[np.ndarray, "h w 3"]:
    """Draw the outlines of boxes (colour and xyxy, half-open, in pixels), just inside each box."""
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    height, width = pixels.shape[:2]
    for outline, (x0, y0, x1, y1) in boxes:
        left, top = min(round(x0), width - 1), min(round(y0), height - 1)
        right, bottom = max(left, round(x1) - 1), max(top, round(y1) - 1)
        # At most half of a thin box, or the line would leave the box.
        thickest = (min(right - left, bottom - top) + 2) // 2
        line = max(1, min(width // 64, height // 64, thickest))
        draw.rectangle((left, top, right, bottom), outline=outline, width=line)
    return np.asarray(image)


def under_heatmap(
    pixels: UInt8[np.ndarray, "h w 3"], heatmap: Float[np.ndarray, "size size"]
) -> UInt8[np.ndarray, "h w 3"]:
    """The image in grey, tinted by its heatmap."""
    height, width = pixels.shape[:2]
    coloured = Image.fromarray(colour(heatmap)).resize((width, height), Image.Resampling.BILINEAR)
    grey = pixels.mean(axis=2, keepdims=True)
    return (0.4 * grey + 0.6 * np.asarray(coloured)).round().astype(np.uint8)


def save_png(path: Path, pixels: UInt8[np.ndarray, "h w 3"] | Image.Image) -> None:
    """Write a PNG, atomically."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    with writing(path) as file:
        image.save(file, "png")
