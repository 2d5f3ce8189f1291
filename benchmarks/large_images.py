"""Time and peak memory of reading one large image of each kind: a table, on standard output.

    python benchmarks/large_images.py [KIND …]

Each image is drawn here, read in a process of its own at 64 pixels (and once more as a crop of a
tenth of its sides, as refinement does), and compared with what was drawn. Drawing takes a few GB.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

SIDE = 20_000
PHOTO = (12_000, 9_000)


def grey(width: int, height: int, most: int = 255) -> np.ndarray:
    """A ramp from the upper left to the lower right, with a dark square in the middle."""
    across = np.linspace(0, most / 2, width, dtype=np.float32)
    kind = np.uint8 if most < 256 else np.uint16
    values = np.empty((height, width), kind)
    for row in range(height):
        values[row] = across + most / 2 * row / (height - 1)
    values[height * 2 // 5 : height * 3 // 5, width * 2 // 5 : width * 3 // 5] = 0
    return values


def colour(width: int, height: int) -> Image.Image:
    """The ramp in colours."""
    band = Image.fromarray(grey(width, height))
    return Image.merge("RGB", [band, band, band])


KINDS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "108 MP JPEG": ("a.jpg", lambda path: colour(*PHOTO).save(path)),
    "108 MP progressive JPEG": ("a.jpg", lambda path: colour(*PHOTO).save(path, progressive=True)),
    "400 MP grey JPEG": ("a.jpg", lambda path: Image.fromarray(grey(SIDE, SIDE)).save(path)),
    "400 MP grey PNG": (
        "a.png",
        lambda path: Image.fromarray(grey(SIDE, SIDE)).save(path, compress_level=1),
    ),
    "400 MP RGB PNG": ("a.png", lambda path: colour(SIDE, SIDE).save(path, compress_level=1)),
    "400 MP 16-bit PNG": (
        "a.png",
        lambda path: Image.fromarray(grey(SIDE, SIDE, 65535)).save(path, compress_level=1),
    ),
    "400 MP grey TIFF": ("a.tif", lambda path: Image.fromarray(grey(SIDE, SIDE)).save(path)),
    "400 MP RGB TIFF": ("a.tif", lambda path: colour(SIDE, SIDE).save(path)),
    "400 MP grey TIFF, LZW": (
        "a.tif",
        lambda path: Image.fromarray(grey(SIDE, SIDE)).save(path, compression="tiff_lzw"),
    ),
    "400 MP 1-bit TIFF, fax": (
        "a.tif",
        lambda path: (
            Image.fromarray(grey(SIDE, SIDE))
            .resize((SIDE // 5, SIDE // 5))
            .convert("1")
            .resize((SIDE, SIDE), Image.Resampling.NEAREST)
            .save(path, compression="group4")
        ),
    ),
    "400 MP 16-bit TIFF": (
        "a.tif",
        lambda path: Image.fromarray(grey(SIDE, SIDE, 65535)).save(path),
    ),
    "400 MP 16-bit TIFF, one deflated strip": (
        "a.tif",
        lambda path: tifffile.imwrite(
            path, grey(SIDE, SIDE, 65535), rowsperstrip=SIDE, compression="zlib"
        ),
    ),
    "400 MP 16-bit TIFF, tiles": (
        "a.tif",
        lambda path: tifffile.imwrite(
            path, grey(SIDE, SIDE, 65535), tile=(256, 256), compression="zlib", predictor=True
        ),
    ),
    "400 MP grey BMP": ("a.bmp", lambda path: Image.fromarray(grey(SIDE, SIDE)).save(path)),
    "108 MP WebP": ("a.webp", lambda path: colour(*PHOTO).save(path, quality=50, method=0)),
}


def read(folder: Path) -> None:
    """Read the image of a folder, and a crop; print seconds, peak MiB and the image's means."""
    from ganloc.images.folder import load_folder
    from ganloc.images.gather import crop_reader

    before = _peak()
    start = time.perf_counter()
    images = load_folder(folder, 64)
    whole = time.perf_counter() - start
    peak = _peak() - before
    reader = crop_reader(images)
    assert reader is not None
    start = time.perf_counter()
    crop = reader(np.array([0]), np.array([[0.35, 0.35, 0.45, 0.45]]))[0]
    seconds = time.perf_counter() - start
    corner, middle = images.pixels[0, 2, 2, 0], images.pixels[0, 32, 32, 0]
    far, dark = images.pixels[0, 61, 61, 0], float((crop[..., 0] < 40).mean())
    right = corner < 20 and middle < 5 and far > 230 and 0.2 < dark < 0.3
    print(f"{whole:.1f}|{peak:.0f}|{seconds:.1f}|{_peak() - before:.0f}|{'yes' if right else 'NO'}")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    chosen = sys.argv[1:] or list(KINDS)
    print("| image | file, MiB | whole, s | peak, MiB | crop, s | peak, MiB | right |")
    print("|---|---|---|---|---|---|---|")
    for kind in chosen:
        name = KINDS[kind][0]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            drawer = [sys.executable, __file__, "--draw", kind, str(path)]
            subprocess.run(drawer, check=True)
            size = path.stat().st_size / 2**20
            run = [sys.executable, __file__, "--read", folder]
            done = subprocess.run(run, check=False, capture_output=True, text=True)
            cells = done.stdout.strip().split("|") if not done.returncode else [done.stderr[-200:]]
            print("|", " | ".join([kind, f"{size:.0f}", *cells]), "|", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        read(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["--draw"]:
        Image.MAX_IMAGE_PIXELS = None
        KINDS[sys.argv[2]][1](Path(sys.argv[3]))
    else:
        main()
