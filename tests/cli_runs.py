"""What tests of the commands share: a folder of images, their truth, and a run on them."""

import json

import numpy as np
from PIL import Image

from ganloc import cli

TINY = ["--size", "32", "--generator-width", "2", "--discriminator-width", "2", "--batch", "2",
        "--student-iterations", "2", "--student-width", "2"]  # fmt: skip
SIZES = {"a/wide.png": (60, 30), "b.png": (20, 41), "c.png": (32, 32)}


def images_truth_and_run(folder):
    """Images, their truth, and a run trained on them."""
    random = np.random.default_rng(0)
    (folder / "photos" / "a").mkdir(parents=True)
    images, annotations = [], []
    for number, (name, (width, height)) in enumerate(SIZES.items()):
        pixels = random.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / name)
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        box = [0, 0, width, height] if name == "c.png" else [0, 0, width / 2, height / 2]
        annotations.append({"id": number, "image_id": number, "category_id": 1, "bbox": box})
    truth = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "x"}]}
    (folder / "truth.json").write_text(json.dumps(truth))
    cli.main(["train", str(folder / "photos"), "--out", str(folder / "run"), "--device", "cpu",
              *TINY, "--preset", "laptop", "--variant", "sn-dcgan", "--iterations", "2",
              "--seed", "5"])  # fmt: skip


def localize(work, out, *options):
    cli.main(["localize", str(work / "run"), str(work / "photos"), "--out", str(out), *options])


def evaluate(work, *options):
    truth = ["--truth", str(work / "truth.json")]
    cli.main(["evaluate", str(work / "run"), str(work / "photos"), *truth, *options])
