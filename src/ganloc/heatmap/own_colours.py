"""Masks sharpened by an image's own colours.

A student's mask is smooth: it is the mean of what many boxes taught. Where object and background
differ in colour, the colours tell where the edge is. How often each colour occurs inside and
outside of the mask gives the likelihood ratio of each pixel, which joins the mask by Bayes' rule
(Rother et al., GrabCut, SIGGRAPH 2004, has the same colour models, and a graph cut).
"""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import expit, logit

from ganloc.images.batches import CUT, batched
from ganloc.shapes import Float, UInt8

BINS = 16  # of the histogram of colours, along each channel
BLUR = 1.0  # standard deviation in bins: near colours are alike
SMOOTHING = 1.0  # standard deviation in pixels, of the likelihood ratios
ROUNDS = 2  # the sharpened mask gives better colours
LEAST = 0.02  # chance that a mask leaves to the other side, so that colours can change it
FEWEST = 0.01  # share of the pixels inside, and outside, that `overlap` needs
FLOOR = 1e-7  # share of a colour that does not occur


def sharpen(
    pixels: UInt8[np.ndarray, "n size size 3"], masks: Float[np.ndarray, "n size size"]
) -> Float[np.ndarray, "n size size"]:
    """Sharpen masks by the colours inside and outside of them.

    Args:
        pixels: RGB, 0–255.
        masks: the chance that each pixel is the object's, 0–1.

    Returns:
        The same by mask and colours, 0–1.

    The mask is sure of the middle of a red square, and hardly of what is around:

    >>> image, mask = np.zeros((1, 32, 32, 3), np.uint8), np.zeros((1, 32, 32))
    >>> image[:, 12:20, 12:20, 0] = 255
    >>> mask[:, 8:24, 8:24] = 0.3
    >>> mask[:, 14:18, 14:18] = 0.9
    >>> (sharpen(image, mask) > 0.5)[0, 16].nonzero()[0]
    array([12, 13, 14, 15, 16, 17, 18, 19])
    """
    found = np.empty(masks.shape, np.float32)
    for part in batched(len(masks), CUT):
        prior = logit(masks[part].astype(np.float32).clip(LEAST, 1.0 - LEAST))
        bins = _bins(pixels[part])
        own = masks[part]
        for _ in range(ROUNDS):
            ratio = _log_likelihood_ratio(bins, own)
            own = expit(prior + gaussian_filter(ratio, (0.0, SMOOTHING, SMOOTHING)))
        found[part] = own
    return found


def overlap(
    pixels: UInt8[np.ndarray, "n size size 3"], masks: Float[np.ndarray, "n size size"]
) -> Float[np.ndarray, " n"]:
    """How much the colours inside and outside of each mask are alike, 0–1.

    It is the Bhattacharyya coefficient of the two histograms, 1 for equal ones: then colours cannot
    tell where the object ends. Nor can they where hardly a pixel is inside, or outside.

    >>> image = np.zeros((1, 8, 8, 3), np.uint8)
    >>> image[:, :, 4:] = 255
    >>> left = np.where(np.arange(8) < 4, 1.0, 0.0) * np.ones((1, 8, 8))
    >>> overlap(image, left).round(3), overlap(image, np.full((1, 8, 8), 0.5)).round(3)
    (array([0.]), array([1.]))
    """
    found = np.empty(len(masks))
    for part in batched(len(masks), CUT):
        bins = _bins(pixels[part])
        inside, outside = (_shares(bins, own) for own in (masks[part], 1.0 - masks[part]))
        found[part] = np.sqrt(inside * outside).sum(axis=(1, 2, 3))
    share = masks.mean(axis=(1, 2))
    return np.where(np.minimum(share, 1.0 - share) < FEWEST, 1.0, found)


def _bins(pixels: UInt8[np.ndarray, "n size size 3"]) -> np.ndarray:
    """The bin of each pixel's colour, counted over all images."""
    red, green, blue = (pixels.astype(np.int64) * BINS // 256).transpose(3, 0, 1, 2)
    return (red * BINS + green) * BINS + blue + BINS**3 * np.arange(len(pixels))[:, None, None]


def _log_likelihood_ratio(
    bins: np.ndarray, masks: Float[np.ndarray, "n size size"]
) -> Float[np.ndarray, "n size size"]:
    """How much likelier each pixel's colour is inside than outside, as a logarithm."""
    inside, outside = (_shares(bins, weights) for weights in (masks, 1.0 - masks))
    return np.log((inside + FLOOR) / (outside + FLOOR)).ravel()[bins].astype(np.float32)


def _shares(bins: np.ndarray, weights: Float[np.ndarray, "n size size"]) -> np.ndarray:
    """The share of each colour in the weights of each image."""
    counts = np.bincount(bins.ravel(), weights.ravel(), len(bins) * BINS**3)
    counts = counts.reshape(-1, BINS, BINS, BINS)
    blurred = gaussian_filter(counts, (0.0, BLUR, BLUR, BLUR), mode="constant")
    return blurred / blurred.sum(axis=(1, 2, 3), keepdims=True).clip(FLOOR)
