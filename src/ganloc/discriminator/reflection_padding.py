"""Feature maps without an edge of zeros.

A convolution sees the zeros that it pads with, so a network knows where an image ends. What tells
the border from the inside by what is *shown* there must not know: here an image goes on as its
own reflection, and the cells that this adds are cut off again. Layer norm, and batch norm while it
trains, take their statistics over the reflection too.
"""

from torch import Tensor
from torch.nn.functional import pad

from ganloc.discriminator.networks import Discriminator
from ganloc.shapes import Float

DEEP = 3  # so many of the last blocks are read: of 16, 8 and 4 cells a side
CELLS = 16  # of the finest of them
MARGIN = 4  # of these cells, on every side: one cell of the coarsest maps


def reflection_padded_maps(
    discriminator: Discriminator, images: Float[Tensor, "n 3 side side"]
) -> list[Tensor]:
    """The maps of the last `DEEP` blocks, finest first, each as large as without the margin.

    Args:
        discriminator: any of Table 1.
        images: −1 to 1, of the discriminator's size, or windows that are whole cells of the
            coarsest maps, at least two a side.

    Returns:
        For images of the discriminator's size maps of 16, 8 and 4 cells a side.
    """
    margin = MARGIN * discriminator.size // CELLS
    side = images.shape[3]
    # One pixel more on the right and below: at 32×32 the first convolution looks so far ahead. It
    # adds no cell.
    further = margin + (discriminator.size == 32)
    around = discriminator.feature_maps(
        pad(images, (margin, further, margin, further), mode="reflect")
    )[-DEEP:]
    cuts = [maps.shape[3] * margin // (side + 2 * margin) for maps in around]
    return [maps[:, :, k:-k, k:-k] for maps, k in zip(around, cuts, strict=True)]
