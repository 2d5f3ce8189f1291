"""How alike two images are: multi-scale structural similarity.

Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image quality assessment"
(Asilomar 2003), which is to tell diverse GANs from those that repeat themselves (Odena et al.,
"Conditional Image Synthesis with Auxiliary Classifier GANs", 2017, section 4.2).
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ganloc.shapes import Float

BETAS = (0.3, 0.4, 0.3)  # Exponents of the scales, finest first; the luminance's is the last one's.
K1, K2 = 0.01, 0.03

# Side and standard deviation of the Gaussian window, in pixels, the wanted one first.
_WINDOWS = ((11, 1.5), (7, 1.0))


def ms_ssim(
    first: Float[Tensor, "n channels size size"],
    second: Float[Tensor, "n channels size size"],
    data_range: float = 1.0,
) -> Float[Tensor, " n"]:
    """MS-SSIM of each pair: 1 for identical images, 0 for images of unlike structure.

    With the local means μ, variances σ² and covariance σₓᵧ under a Gaussian window,
    cs = (2σₓᵧ + C₂) / (σₓ² + σᵧ² + C₂) and l = (2μₓμᵧ + C₁) / (μₓ² + μᵧ² + C₁), where
    C₁ = (K₁·data_range)² and C₂ = (K₂·data_range)². In each channel

        MS-SSIM = mean(cs₁)^β₁ · mean(cs₂)^β₂ · mean(l₃·cs₃)^β₃

    and the channels' values are averaged. The papers leave open what we fix like this:

    - Only windows that lie within the image count (no padding). From scale to scale 2×2 pixels
      are averaged.
    - The standard window, 11 pixels and σ 1.5, must fit into the coarsest scale, size/4. Below 44
      pixels it is 7 pixels and σ 1.0 (as many deviations to its edge), which fits the 8 pixels that
      32 leave. Values of 64 and 128 pixels are therefore not comparable with values of 32.
    - Three scales at every size: the five of the paper (the coarsest 1/16) would need 176 pixels.
    - A mean below 0 counts as 0, as in the common implementations: a root of it would be NaN.

    Everything is worked out in float64, since σ² is a small difference of large numbers.

    Args:
        first: values from 0 to `data_range`; a sign would make nonsense of the luminance.
        second: what each of them is compared with.
        data_range: of the values, such as 1.0 or 255.0.

    Returns:
        Values from 0 to 1.

    Raises:
        ValueError: images below 28 pixels.
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

    A separable filter is a product with a banded matrix from either side: on small images faster
    than a convolution, and on a GPU not rounded to TF32.
    """
    size = maps.shape[-1]
    offsets = torch.arange(side, dtype=maps.dtype, device=maps.device) - (side - 1) / 2
    weights = torch.exp(-(offsets**2) / (2 * deviation**2))
    band = maps.new_zeros(size - side + 1, size)
    for row in range(len(band)):
        band[row, row : row + side] = weights / weights.sum()
    return band @ maps @ band.T
