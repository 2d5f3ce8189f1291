"""Boxes of thresholded heatmaps: scipy on a whole stack against OpenCV an image at a time."""

import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from rich.console import Console
from rich.table import Table

from ganloc.box.from_heatmap import largest_boxes, normalise, resize


def opencv_boxes(masks: np.ndarray) -> np.ndarray:
    import cv2  # Optional: only here.  # pyright: ignore[reportMissingImports]

    boxes = np.empty((len(masks), 4))
    for number, mask in enumerate(masks.view(np.uint8)):
        stats = cv2.connectedComponentsWithStats(mask, connectivity=8)[2][1:]
        x, y, width, height, _ = stats[np.argmax(stats[:, 2] * stats[:, 3])]
        boxes[number] = x, y, x + width, y + height
    return boxes


def milliseconds(work: Callable[[np.ndarray], np.ndarray], masks: np.ndarray) -> float:
    work(masks)
    times = []
    for _ in range(7):
        start = time.perf_counter()
        work(masks)
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def main() -> None:
    table = Table(title="Components → largest box: ms per 1000 maps of 64 × 64")
    for heading in ("maps", "scipy, stack", "OpenCV, one by one", "scipy / OpenCV"):
        table.add_column(heading)
    random = np.random.default_rng(0)
    for cells in (4, 8, 16):
        heatmaps = resize(random.standard_normal((1000, cells, cells)), 64)
        masks = normalise(heatmaps) > 0.5
        ours = milliseconds(largest_boxes, masks)
        if find_spec("cv2") is None:
            table.add_row(f"{cells} × {cells} cells", f"{ours:.1f}", "not installed", "")
            continue
        theirs = milliseconds(opencv_boxes, masks)
        table.add_row(
            f"{cells} × {cells} cells", f"{ours:.1f}", f"{theirs:.1f}", f"{ours / theirs:.2f}"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
