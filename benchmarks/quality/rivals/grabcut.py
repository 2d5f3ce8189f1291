"""GrabCut from a centred rectangle (Rother, Kolmogorov, Blake, SIGGRAPH 2004), by OpenCV."""

import numpy as np
from rivals.setting import Setting

from ganloc.box.from_heatmap import largest_boxes
from ganloc.images.image_set import ImageSet
from ganloc.metrics.baselines import centre

ITERATIONS = 5


def boxes(train: ImageSet, test: ImageSet, setting: Setting) -> np.ndarray:
    """The box of the largest foreground component.

    The rectangle is `centre`'s, rounded to pixels: outside is background for sure. It stays the box
    where no pixel is found to be foreground.
    """
    import cv2  # Optional: only here.  # pyright: ignore[reportMissingImports]

    size = test.size
    x0, y0, x1, y1 = centre(np.array([[size, size]]))[0].round().astype(int).tolist()
    masks = np.zeros((len(test), size, size), dtype=bool)
    for pixels, found in zip(test.pixels, masks, strict=True):
        cv2.setRNGSeed(setting.seed)  # for each image, so that no other changes its box
        mask = np.zeros((size, size), np.uint8)
        models = np.zeros((1, 65)), np.zeros((1, 65))
        bgr, rectangle = np.ascontiguousarray(pixels[:, :, ::-1]), (x0, y0, x1 - x0, y1 - y0)
        cv2.grabCut(bgr, mask, rectangle, *models, ITERATIONS, cv2.GC_INIT_WITH_RECT)
        found[:] = (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)
        if not found.any():
            found[y0:y1, x0:x1] = True
    return test.in_pixels(largest_boxes(masks) / size)
