"""A detection on its image: the box, the heatmap as a soft contour, and a caption."""

import numpy as np
from PIL import Image, ImageDraw

from ganloc.report.grid import FOUND_BOX
from ganloc.report.text import fitted
from ganloc.shapes import Float, UInt8

CONTOUR = (255, 214, 90)
PAPER, INK, FAINT = (250, 250, 248), (28, 28, 30), (112, 112, 118)
CAPTION = 15  # size of letters, in pixels
NARROWEST = 240  # width of a caption, in pixels, at least

_DIMMED = 0.72  # brightness of the image where the heatmap is 0
_SHADE = 0.35  # how much darker the image is beside the contour, for light images
_FLAT = 0.5  # slope of a heatmap, in heat a side, below which its contour gets no wider


def annotated(
    image: Image.Image,
    heatmap: Float[np.ndarray, "size size"],
    level: float,
    box: Float[np.ndarray, "4"],
) -> Image.Image:
    """The image with the contour of its heatmap and its box. Lines suit the image's size.

    Args:
        image: RGB.
        heatmap: 0–1, of the whole image.
        level: where the contour runs.
        box: xyxy, half-open, in fractions of the image.
    """
    drawn = Image.fromarray(with_contour(np.asarray(image), heatmap, level))
    _outline(drawn, box * np.tile(drawn.size, 2))
    return drawn


def captioned(image: Image.Image, name: str, score: float) -> Image.Image:
    """The image above a line with its file name and the score of its box."""
    line = 2 * CAPTION
    card = Image.new("RGB", (max(image.width, NARROWEST), image.height + line), PAPER)
    card.paste(image, ((card.width - image.width) // 2, 0))
    where = (CAPTION // 2, image.height, card.width - CAPTION // 2, card.height)
    write_caption(card, where, name, f"score {score:.2f}", CAPTION)
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


def with_contour(
    pixels: UInt8[np.ndarray, "h w 3"], heatmap: Float[np.ndarray, "size size"], level: float
) -> UInt8[np.ndarray, "h w 3"]:
    """The image, a little darker where the heatmap is low, with a soft line where it is `level`."""
    height, width = pixels.shape[:2]
    small = Image.fromarray(heatmap.astype(np.float32))
    heat = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).clip(0.0, 1.0)
    away = abs(heat - level) / np.maximum(_slope(heat), _FLAT / max(height, width))  # in pixels
    thick = max(0.9, min(height, width) / 300)
    line, shade = np.exp(-((away / thick) ** 2)), np.exp(-((away / (3.0 * thick)) ** 2))
    light = _DIMMED + (1.0 - _DIMMED) * _smooth(heat / max(level, 1e-6))
    shown = pixels * (light * (1.0 - _SHADE * shade))[..., None]
    return (shown + line[..., None] * (np.array(CONTOUR) - shown)).round().astype(np.uint8)


def _slope(heat: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """The length of the gradient, in heat a pixel."""
    along = [np.gradient(heat, axis=axis) for axis in (0, 1) if heat.shape[axis] > 1]
    return np.sqrt(sum((part**2 for part in along), np.zeros_like(heat)))


def _smooth(x: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """From 0 to 1 without a kink at either end."""
    x = x.clip(0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def _outline(image: Image.Image, box: Float[np.ndarray, "4"]) -> None:
    """Draw the outline of a box (xyxy, half-open, in pixels), just inside it, with a dark rim."""
    x0, y0, x1, y1 = (round(end) for end in box.tolist())
    left, top = min(x0, image.width - 1), min(y0, image.height - 1)
    right, bottom = max(left, x1 - 1), max(top, y1 - 1)
    rim = (left - 1, top - 1, right + 1, bottom + 1)
    ImageDraw.Draw(image, "RGBA").rectangle(rim, outline=(0, 0, 0, 120), width=1)
    thick = round(1 + min(image.size) / 240)
    if min(right - left, bottom - top) < 2 * thick:  # Pillow's outline would leave a thin box
        image.paste(FOUND_BOX, (left, top, right + 1, bottom + 1))
    else:
        outline = (left, top, right, bottom)
        ImageDraw.Draw(image).rectangle(outline, outline=FOUND_BOX, width=thick)
