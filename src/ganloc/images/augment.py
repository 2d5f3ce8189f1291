"""Data augmentation of real images (the paper's section Training, "w/ Augment."), in batches.

The paper names the kinds of augmentation and the 5 %. Strengths, order and padding are our choice.
"""

import numpy as np
import torch
from torch import Tensor

from ganloc.images.batches import batched
from ganloc.shapes import Bool, Float, Int, UInt8

TRANSLATION = 0.05  # of the side, at most; whole pixels, because fractions would blur
JITTER = 0.4  # brightness, contrast and saturation are multiplied by 1 ± up to this
LIGHTING = 0.1  # in standard deviations of the set's colours along each principal axis
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601


def augment(
    images: Float[Tensor, "n 3 size size"],
    axes: Float[Tensor, "3 3"],
    random: torch.Generator,
) -> Float[Tensor, "n 3 size size"]:
    """Translate each image and change its brightness, contrast, saturation and lighting.

    Args:
        images: −1 to 1.
        axes: `colour_axes` of the image set, on the images' device.
        random: on the images' device.

    Returns:
        Images clipped to −1 to 1, the range of a generator's images.
    """
    return recolour(translate(images, random), axes, random)


def recolour(
    images: Float[Tensor, "n 3 size size"],
    axes: Float[Tensor, "3 3"],
    random: torch.Generator,
) -> Float[Tensor, "n 3 size size"]:
    """`augment` without the translation."""
    return relight(jitter((images + 1.0) / 2.0, random), axes, random).clamp(0.0, 1.0) * 2.0 - 1.0


def translate(
    images: Float[Tensor, "n c size size"], random: torch.Generator
) -> Float[Tensor, "n c size size"]:
    """Translate each image by up to 5 % of its side, with reflection padding."""
    count, channels, size, _ = images.shape
    most = int(TRANSLATION * size)
    shift = torch.randint(-most, most + 1, (2, count), generator=random, device=random.device)
    # Source row and column of each pixel. Reflection does not repeat the outermost pixel.
    source = (torch.arange(size, device=random.device) - shift[:, :, None]).abs()
    source = torch.where(source < size, source, 2 * (size - 1) - source)
    rows = source[0, :, None, :, None].expand(count, channels, size, size)
    columns = source[1, :, None, None, :].expand(count, channels, size, size)
    return images.gather(2, rows).gather(3, columns)


def cut_out(
    pixels: UInt8[np.ndarray, "n size size 3"],
    top: Int[np.ndarray, "n 1"],
    left: Int[np.ndarray, "n 1"],
    reach: int,
    mirrored: Bool[np.ndarray, "n 1"],
) -> UInt8[np.ndarray, "n size size 3"]:
    """Crop each image from a copy with `reach` pixels of reflection padding; mirror some of them.

    Args:
        pixels: RGB, 0–255.
        top: first row of each crop in the padded image, 0 to 2·reach. `reach` keeps the rows.
        left: first column of each crop, likewise.
        reach: padding on each side, in pixels.
        mirrored: which crops are flipped left to right.
    """
    count, size = pixels.shape[:2]
    rows, columns = top + np.arange(size), left + np.arange(size)
    columns = np.where(mirrored, columns[:, ::-1], columns)
    padded = np.pad(pixels, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="reflect")
    return padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


def jitter(
    images: Float[Tensor, "n 3 size size"], random: torch.Generator
) -> Float[Tensor, "n 3 size size"]:
    """Change brightness, contrast and saturation, in this order, each by a factor of 1 ± 0.4.

    Brightness blends with black, contrast with the image's mean grey, saturation with the pixel's
    own grey.

    Args:
        images: 0–1. The result may exceed this range.
        random: on the images' device.
    """
    strengths = torch.rand(3, len(images), 1, 1, 1, generator=random, device=random.device)
    brightness, contrast, saturation = 1.0 + JITTER * (2.0 * strengths - 1.0)
    images = images * brightness
    images = torch.lerp(_grey(images).mean((2, 3), keepdim=True), images, contrast)
    return torch.lerp(_grey(images), images, saturation)


def relight(
    images: Float[Tensor, "n 3 size size"], axes: Float[Tensor, "3 3"], random: torch.Generator
) -> Float[Tensor, "n 3 size size"]:
    """Add one random colour to all pixels of an image (PCA lighting, Krizhevsky et al. 2012).

    Args:
        images: 0–1. The result may exceed this range.
        axes: `colour_axes` of the image set.
        random: on the images' device.
    """
    along = torch.randn(len(images), 3, generator=random, device=random.device)
    return images + LIGHTING * (along @ axes)[:, :, None, None]


def colour_axes(pixels: UInt8[np.ndarray, "n size size 3"]) -> Float[Tensor, "3 3"]:
    """Principal axes of the colours of all pixels, one a row.

    Each axis has the length of the standard deviation along it, for pixels of 0–1. Krizhevsky et
    al. (2012) use the variance instead, which makes the strength depend on the pixels' scale.
    """
    total, products, count = np.zeros(3), np.zeros((3, 3)), 0
    for part in batched(len(pixels), 512):  # another size would change rounding, and so weights
        colours = pixels[part].reshape(-1, 3).astype(np.float64) / 255.0
        total += colours.sum(axis=0)
        products += colours.T @ colours
        count += len(colours)
    mean = total / count
    variances, directions = np.linalg.eigh(products / count - np.outer(mean, mean))
    axes = np.sqrt(variances.clip(0.0))[:, None] * directions.T
    return torch.from_numpy(axes).float()


def _grey(images: Float[Tensor, "n 3 size size"]) -> Float[Tensor, "n 1 size size"]:
    weights = torch.tensor(GREY, device=images.device)[:, None, None]
    return (images * weights).sum(dim=1, keepdim=True)
