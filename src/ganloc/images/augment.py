"""Random changes to real images (section Training: "w/ Augment."), batched, on their device.

The paper names the kinds and the 5 %; strengths, order and filling are our reading of it.
"""

import numpy as np
import torch
from torch import Tensor

from ganloc.images.batches import batched
from ganloc.shapes import Bool, Float, Int, UInt8

TRANSLATION = 0.05  # of the side, each way, in whole pixels so that nothing is blurred
JITTER = 0.4  # brightness, contrast and saturation are multiplied by 1 ± up to this
LIGHTING = 0.1  # standard deviations of the folder's colours, along each of their main axes
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601


def augment(
    images: Float[Tensor, "n 3 size size"],
    axes: Float[Tensor, "3 3"],
    random: torch.Generator,
) -> Float[Tensor, "n 3 size size"]:
    """Each image moved a little, in other light, other contrast, other colours.

    Args:
        images: −1 to 1.
        axes: `colour_axes` of the set that they are of, on the images' device.
        random: the source of chance, on the images' device.

    Returns:
        Images from −1 to 1; what would leave that range, which is all that a generator can
        draw, is cut off.
    """
    return recolour(translate(images, random), axes, random)


def recolour(
    images: Float[Tensor, "n 3 size size"],
    axes: Float[Tensor, "3 3"],
    random: torch.Generator,
) -> Float[Tensor, "n 3 size size"]:
    """`augment` without the move."""
    return relight(jitter((images + 1.0) / 2.0, random), axes, random).clamp(0.0, 1.0) * 2.0 - 1.0


def translate(
    images: Float[Tensor, "n c size size"], random: torch.Generator
) -> Float[Tensor, "n c size size"]:
    """Move each image by up to 5 % of its side; the border is filled by reflection."""
    count, channels, size, _ = images.shape
    most = int(TRANSLATION * size)
    shift = torch.randint(-most, most + 1, (2, count), generator=random, device=random.device)
    # Where each row and column comes from; reflection does not repeat the outermost pixel.
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
    """Each image as seen from `top`, `left` of itself with `reach` reflected pixels around it.

    `reach`, `reach` is the image as it is; then it is mirrored left to right where asked for.
    """
    count, size = pixels.shape[:2]
    rows, columns = top + np.arange(size), left + np.arange(size)
    columns = np.where(mirrored, columns[:, ::-1], columns)
    padded = np.pad(pixels, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="reflect")
    return padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


def jitter(
    images: Float[Tensor, "n 3 size size"], random: torch.Generator
) -> Float[Tensor, "n 3 size size"]:
    """Brightness, contrast and saturation of images in 0–1, in this order, each times 1 ± 0.4.

    Brightness mixes with black, contrast with the image's mean grey, saturation with each
    pixel's grey. The result may leave 0–1.
    """
    strengths = torch.rand(3, len(images), 1, 1, 1, generator=random, device=random.device)
    brightness, contrast, saturation = 1.0 + JITTER * (2.0 * strengths - 1.0)
    images = images * brightness
    images = torch.lerp(_grey(images).mean((2, 3), keepdim=True), images, contrast)
    return torch.lerp(_grey(images), images, saturation)


def relight(
    images: Float[Tensor, "n 3 size size"], axes: Float[Tensor, "3 3"], random: torch.Generator
) -> Float[Tensor, "n 3 size size"]:
    """Add one colour to all of an image in 0–1, drawn from 0.1 times the set's own spread."""
    along = torch.randn(len(images), 3, generator=random, device=random.device)
    return images + LIGHTING * (along @ axes)[:, :, None, None]


def colour_axes(pixels: UInt8[np.ndarray, "n size size 3"]) -> Float[Tensor, "3 3"]:
    """The main axes of all pixels' colours in 0–1, each as long as the standard deviation along it.

    One axis a row. The lighting of Krizhevsky et al. (2012) multiplies by the variance in place of
    the standard deviation, which makes its strength depend on the scale of the pixels.
    """
    total, products, count = np.zeros(3), np.zeros((3, 3)), 0
    for part in batched(len(pixels), 512):  # sums, and so weights, depend on this number
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
