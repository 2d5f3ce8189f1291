"""Detections on their image: boxes, soft contours of masks, and a caption."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from ganloc.box.soft_mask import SoftMask
from ganloc.report.grid import FOUND_BOX
from ganloc.report.text import fitted
from ganloc.shapes import Float, UInt8

Colour = tuple[int, int, int]

CONTOUR = (255, 214, 90)
# Of objects, where an image has several (Wong, Points of view: Color blindness, 2011, lightened).
COLOURS: tuple[Colour, ...] = (
    (240, 170, 20), (96, 190, 245), (20, 190, 130), (250, 235, 80), (90, 150, 255), (245, 115, 20),
    (230, 140, 190),
)  # fmt: skip
PAPER, INK, FAINT = (250, 250, 248), (28, 28, 30), (112, 112, 118)
CAPTION = 15  # size of letters, in pixels
NARROWEST = 240  # width of a caption, in pixels, at least

_DIMMED = 0.72  # brightness of the image where the heatmap is 0
_SHADE = 0.35  # how much darker the image is beside the contour, for light images
_FLAT = 0.5  # slope of a heatmap, in heat a side, below which its contour gets no wider


@dataclass(frozen=True)
class Shape:
    """An object to draw.

    Attributes:
        box: xyxy, half-open, in fractions of the image.
        mask: whose contour is drawn.
        outline: colour of the box.
        contour: colour of the contour.
        label: text in the corner of the box; "" for none.
    """

    box: Float[np.ndarray, "4"]
    mask: SoftMask
    outline: Colour = FOUND_BOX
    contour: Colour = CONTOUR
    label: str = ""


def annotated(
    image: Image.Image, heatmap: Float[np.ndarray, "size size"], shapes: Sequence[Shape]
) -> Image.Image:
    """The image with the box of each object and the contour of its mask, the first on top.

    Lines suit the image's size.

    Args:
        image: RGB.
        heatmap: 0–1, of the whole image.
        shapes: the objects.
    """
    drawn = Image.fromarray(with_contours(np.asarray(image), heatmap, shapes))
    for shape in reversed(shapes):
        corners = shape.box * np.tile(drawn.size, 2)
        _outline(drawn, corners, shape.outline)
        if shape.label:
            _write_label(drawn, corners, shape)
    return drawn


def captioned(image: Image.Image, name: str, scores: Sequence[float]) -> Image.Image:
    """The image above a line with its file name and the scores of its objects, the best first."""
    line = 2 * CAPTION
    card = Image.new("RGB", (max(image.width, NARROWEST), image.height + line), PAPER)
    card.paste(image, ((card.width - image.width) // 2, 0))
    where = (CAPTION // 2, image.height, card.width - CAPTION // 2, card.height)
    said = f"score {scores[0]:.2f}" if scores else "nothing found"
    if len(scores) > 1:
        said = f"{len(scores)} objects, scores {scores[0]:.2f} to {scores[-1]:.2f}"
    write_caption(card, where, name, said, CAPTION)
    return card


def write_caption(
    card: Image.Image, where: tuple[int, int, int, int], name: str, score: str, size: int
) -> None:
    """Write a name, shortened if need be, and at the right a score, into a rectangle (xyxy)."""
    draw = ImageDraw.Draw(card)
    left, top, right, bottom = where
    middle = (top + bottom) / 2
    score, font = fitted(score, size, right - left)
    draw.text((right, middle), score, FAINT, font, anchor="rm")
    name, own = fitted(name, size, right - left - font.getlength(score) - size)
    draw.text((left, middle), name, INK, own, anchor="lm")


def with_contours(
    pixels: UInt8[np.ndarray, "h w 3"],
    heatmap: Float[np.ndarray, "size size"],
    shapes: Sequence[Shape],
) -> UInt8[np.ndarray, "h w 3"]:
    """The image, a little darker where the heatmap is low, with a soft line around each mask."""
    height, width = pixels.shape[:2]
    small = Image.fromarray(heatmap.astype(np.float32))
    heat = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).clip(0.0, 1.0)
    level = shapes[0].mask.level if shapes else 1.0
    light = _DIMMED + (1.0 - _DIMMED) * _smooth(heat / max(level, 1e-6))
    shown = pixels * light[..., None]
    thick = max(0.9, min(height, width) / 300)
    for shape in reversed(shapes):
        top, left, depth = shape.mask.depth(width, height)
        flat = np.maximum(_slope(depth), _FLAT / max(height, width))
        away = (abs(depth) / flat)[..., None]  # in pixels
        part = shown[top : top + len(depth), left : left + depth.shape[1]]
        part *= 1.0 - _SHADE * np.exp(-((away / (3.0 * thick)) ** 2))
        part += np.exp(-((away / thick) ** 2)) * (np.array(shape.contour) - part)
    return shown.round().astype(np.uint8)


def _slope(heat: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """The length of the gradient, in heat a pixel."""
    along = [np.gradient(heat, axis=axis) for axis in (0, 1) if heat.shape[axis] > 1]
    return np.sqrt(sum((part**2 for part in along), np.zeros_like(heat)))


def _smooth(x: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """From 0 to 1 without a kink at either end."""
    x = x.clip(0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def _write_label(image: Image.Image, box: Float[np.ndarray, "4"], shape: Shape) -> None:
    """Write an object's label on its colour, into the upper left corner of its box (in pixels)."""
    left, top = (int(end) for end in box[:2].round())
    text, font = fitted(shape.label, CAPTION - 3, image.width)
    place = (left, top, left + round(font.getlength(text)) + 6, top + CAPTION + 1)
    draw = ImageDraw.Draw(image)
    draw.rectangle(place, fill=shape.outline)
    draw.text((left + 3, (place[1] + place[3]) / 2), text, INK, font, anchor="lm")


def _outline(image: Image.Image, box: Float[np.ndarray, "4"], ink: Colour) -> None:
    """Draw the outline of a box (xyxy, half-open, in pixels), just inside it, with a dark rim."""
    x0, y0, x1, y1 = (round(end) for end in box.tolist())
    left, top = min(x0, image.width - 1), min(y0, image.height - 1)
    right, bottom = max(left, x1 - 1), max(top, y1 - 1)
    rim = (left - 1, top - 1, right + 1, bottom + 1)
    ImageDraw.Draw(image, "RGBA").rectangle(rim, outline=(0, 0, 0, 120), width=1)
    thick = round(1 + min(image.size) / 240)
    if min(right - left, bottom - top) < 2 * thick:  # Pillow's outline would leave a thin box
        image.paste(ink, (left, top, right + 1, bottom + 1))
    else:
        outline = (left, top, right, bottom)
        ImageDraw.Draw(image).rectangle(outline, outline=ink, width=thick)
