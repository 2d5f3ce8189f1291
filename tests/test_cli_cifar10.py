"""The commands on a named data set that has a train and a test split, but no boxes of its own."""

import json

import numpy as np
import pytest
from PIL import Image

from ganloc import cli

TINY = ["--size", "32", "--generator-width", "2", "--discriminator-width", "2", "--batch", "2",
        "--student-iterations", "2", "--student-width", "2"]  # fmt: skip


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """Six train and three test ships, of which only the test images have true boxes."""
    random = np.random.default_rng(0)
    for split, count in (("train", 6), ("test", 3)):
        folder = tmp_path / "cifar" / split / "ship"
        folder.mkdir(parents=True)
        for index in range(count):
            pixels = random.integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{index}.png")
    images = [{"id": i, "file_name": f"test/ship/{i}.png"} for i in range(3)]
    whole = [{"image_id": i, "bbox": [0, 0, 32, 32]} for i in range(3)]
    truth = {"images": images, "annotations": whole}
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    monkeypatch.setenv("GANLOC_CIFAR10", str(tmp_path / "cifar"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_train_localize_evaluate(cifar, capsys):
    cli.main(["train", "cifar10:ship", "--out", "run", "--device", "cpu", *TINY,
              "--iterations", "1"])  # fmt: skip
    assert "6 images" in capsys.readouterr().err
    cli.main(["localize", "run", "cifar10:ship", "--out", "boxes.json", "--draw", "drawn"])
    names = [f"test/ship/{i}.png" for i in range(3)]
    found = json.loads((cifar / "boxes.json").read_text())
    assert [image["file_name"] for image in found["images"]] == names
    assert all((cifar / "drawn" / f"{name}.png").exists() for name in names)
    with pytest.raises(SystemExit, match="2"):
        cli.main(["evaluate", "run", "cifar10:ship"])
    error = "cifar10:ship has no true boxes: give a COCO file by --truth."
    assert capsys.readouterr().err.endswith(f"ganloc: {error}\n")
    cli.main(["evaluate", "run", "cifar10:ship", "--truth", "truth.json", "--json"])
    output, errors = capsys.readouterr()
    assert errors.startswith("This model was trained without a GAN, so plain-cam weights its ")
    rows = {row["name"]: row for row in json.loads(output)["rows"]}
    assert rows["whole-image"]["mean_iou"] == 100
    assert rows["centre"]["mean_iou"] == pytest.approx(64)
