"""Multi-scale structural similarity (MS-SSIM) of two images.

Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image quality assessment"
(Asilomar 2003). Odena et al., "Conditional Image Synthesis with Auxiliary Classifier GANs" (arXiv
1610.09585, section 4.2), use it as a measure of a GAN's diversity.
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ganloc.shapes import Float

BETAS = (0.3, 0.4, 0.3)  # exponents of the scales, finest first; the last is also the luminance's
K1, K2 = 0.01, 0.03

# Side and standard deviation of the Gaussian window in pixels, the preferred one first.
_WINDOWS = ((11, 1.5), (7, 1.0))


def ms_ssim(
    first: Float[Tensor, "n channels size size"],
    second: Float[Tensor, "n channels size size"],
    data_range: float = 1.0,
) -> Float[Tensor, " n"]:
    """MS-SSIM of each pair of images: 1 if they are identical, 0 if their structure differs.

    With the local means μ, variances σ² and covariance σₓᵧ under a Gaussian window,
    cs = (2σₓᵧ + C₂) / (σₓ² + σᵧ² + C₂) and l = (2μₓμᵧ + C₁) / (μₓ² + μᵧ² + C₁), where
    C₁ = (K₁·data_range)² and C₂ = (K₂·data_range)². In each channel

        MS-SSIM = mean(cs₁)^β₁ · mean(cs₂)^β₂ · mean(l₃·cs₃)^β₃

    and the values of the channels are averaged. The papers do not specify these details:

    - Windows have no padding. Scales are downsampled by the mean of 2×2 pixels.
    - The standard window (11 pixels, σ 1.5) must fit into the coarsest scale, size/4. Images below
      44 pixels get a window of 7 pixels and σ 1.0. Values of 32×32 images are therefore not
      comparable with those of 64×64.
    - There are three scales at every size. The paper's five would need 176 pixels.
    - A negative mean counts as 0, as in common implementations, because its root would be NaN.

    The computation is in float64, because σ² is a small difference of large numbers.

    Args:
        first: values from 0 to `data_range`.
        second: the other image of each pair, likewise.
        data_range: such as 1.0 or 255.0.

    Returns:
        Values from 0 to 1.

    Raises:
        ValueError: images are smaller than 28 pixels.

    >>> black, white = torch.zeros(1, 3, 64, 64), torch.ones(1, 3, 64, 64)
    >>> ms_ssim(white, white).round(decimals=4)
    tensor([1.], dtype=torch.float64)
    >>> ms_ssim(black, white).round(decimals=4)  # l₃ = C₁ / (1 + C₁) and l₃^0.3 = 0.0631
    tensor([0.0631], dtype=torch.float64)
    """
    one, other = first.double(), second.double()
    side, deviation = _window(one.shape[-1])
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    value = torch.ones(one.shape[:2], dtype=one.dtype, device=one.device)
    for scale, beta in enumerate(BETAS):
        if scale > 0:
            one, other = avg_pool2d(one, 2), avg_pool2d(other, 2)
        maps = torch.stack((one, other, one * one, other * other, one * other))
        mean, mean_other, square, square_other, product = _blurred(maps, side, deviation)
        variances = square - mean**2 + square_other - mean_other**2
        similarity = (2 * (product - mean * mean_other) + c2) / (variances + c2)
        if scale == len(BETAS) - 1:
            similarity *= (2 * mean * mean_other + c1) / (mean**2 + mean_other**2 + c1)
        value *= similarity.mean(dim=(2, 3)).clamp(min=0) ** beta
    return value.mean(dim=1)


def _window(size: int) -> tuple[int, float]:
    coarsest = size // 2 ** (len(BETAS) - 1)
    for side, deviation in _WINDOWS:
        if side <= coarsest:
            return side, deviation
    raise ValueError(f"MS-SSIM needs images of at least 28 pixels a side, not {size}.")


def _blurred(maps: Float[Tensor, "*n size size"], side: int, deviation: float) -> Tensor:
    """Gaussian-weighted means over every window within the maps.

    The separable filter is a product with a banded matrix from both sides. On small images this is
    faster than a convolution, and a GPU does not round it to TF32.
    """
    size = maps.shape[-1]
    offsets = torch.arange(side, dtype=maps.dtype, device=maps.device) - (side - 1) / 2
    weights = torch.exp(-(offsets**2) / (2 * deviation**2))
    band = maps.new_zeros(size - side + 1, size)
    for row in range(len(band)):
        band[row, row : row + side] = weights / weights.sum()
    return band @ maps @ band.T
