"""Feature maps with reflection padding.

Zero padding would reveal the image border to the network. We pad by reflection and crop the padding
off the feature maps. The statistics of layer norm, and of batch norm in training, include the
reflection.
"""

from torch import Tensor
from torch.nn.functional import pad

from ganloc.discriminator.networks import Discriminator
from ganloc.shapes import Float

DEEP = 3  # blocks that are read, counted from the last: 16, 8 and 4 cells a side
CELLS = 16  # side of the finest of these maps, in cells
MARGIN = 4  # padding on every side, in these cells: one cell of the coarsest maps


def reflection_padded_maps(
    discriminator: Discriminator, images: Float[Tensor, "n 3 side side"]
) -> list[Tensor]:
    """The maps of the last `DEEP` blocks, finest first, with the padding cropped off.

    Args:
        discriminator: of any size.
        images: −1 to 1, of the discriminator's size, or windows of them. The side of a window is a
            whole number of cells of the coarsest maps, at least two.

    Returns:
        Maps of 16, 8 and 4 cells a side for images of the discriminator's size.
    """
    margin = MARGIN * discriminator.size // CELLS
    side = images.shape[3]
    # At 32×32 the first convolution sees one pixel more on the right and below. It adds no cell.
    further = margin + (discriminator.size == 32)
    around = discriminator.feature_maps(
        pad(images, (margin, further, margin, further), mode="reflect")
    )[-DEEP:]
    cuts = [maps.shape[3] * margin // (side + 2 * margin) for maps in around]
    return [maps[:, :, k:-k, k:-k] for maps, k in zip(around, cuts, strict=True)]
