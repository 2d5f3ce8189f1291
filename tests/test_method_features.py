"""Trainings with pre-trained features: what they leave, and where it is said."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import avg_pool2d

from cli_runs import TINY as OPTIONS
from ganloc import Localizer, UserError, cli, load, method
from ganloc.evaluation import corloc_rows, evaluate
from ganloc.images.synthetic import draw_images
from localizer_runs import TINY

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
IMAGES = draw_images(24, 32, seed=0)


def brightness(images):
    """Of a sixteenth of the side, as a channel."""
    return avg_pool2d(images, images.shape[-1] // 16).mean(dim=1, keepdim=True)


brightness.size = 64


def localizer(**settings):
    return Localizer("laptop", variant="dcgan", device="cpu", **TINY, **settings)


@pytest.fixture(scope="module")
def fitted(one_thread):
    return localizer().fit(IMAGES, features=brightness)


def test_the_model_names_the_features_and_needs_them_no_more(fitted, tmp_path):
    fitted.save(tmp_path / "own.safetensors")
    loaded = load(tmp_path / "own.safetensors")
    assert loaded.recipe.features == "brightness (a callable)"
    found, again = (own.localize(IMAGES) for own in (fitted, loaded))
    assert [one.box for one in found] == [one.box for one in again]
    with pytest.raises(UserError, match=r"give it by fit\(features=...\)"):
        loaded.fit(IMAGES)
    assert localizer().fit(IMAGES).model.recipe.features == ""  # nothing by default


def test_the_student_learns_pseudo_boxes_of_the_features(monkeypatch):
    """Of features that mark the left half, all pseudo-boxes lie more to the left."""
    taught = {}

    def left(images):
        maps = torch.zeros(len(images), 1, 8, 8)
        maps[:, :, 1:-1, 1:4] = 5.0
        return maps

    def self_train(pixels, boxes, recipe, device, after_step, look_closer):
        taught[recipe.features] = boxes
        yield from whole(pixels, boxes, recipe, device, after_step, look_closer)

    whole = method.self_training.self_train
    monkeypatch.setattr(method.self_training, "self_train", self_train)
    localizer().fit(IMAGES)
    localizer().fit(IMAGES, features=left)
    without, with_them = taught[""], taught["left (a callable)"]
    assert len(with_them) == len(IMAGES)
    assert (with_them[:, 2] <= without[:, 2]).all()
    assert with_them[:, 2].mean() < 0.65 < without[:, 2].mean()


def test_a_run_folder_goes_on_with_the_same_features_alone(tmp_path):
    localizer().fit(IMAGES, tmp_path / "run", features=brightness)
    again = localizer().fit(IMAGES, tmp_path / "run", resume=True, features=brightness)
    assert again.model.recipe.features == "brightness (a callable)"
    with pytest.raises(UserError, match="features was brightness"):
        localizer().fit(IMAGES, tmp_path / "run", resume=True)


def test_features_that_cannot_be_used_leave_no_run_folder(tmp_path):
    with pytest.raises(UserError, match="must be images × channels"):
        localizer().fit(IMAGES, tmp_path / "run", features=lambda images: images[0])
    assert not (tmp_path / "run").exists()


@pytest.mark.filterwarnings("ignore:.* heatmaps of default are constant")  # of two steps
def test_rows_of_students_alone_say_that_features_had_a_part(fitted):
    rows = {row.name: row.pretrained for row in evaluate(fitted.model, IMAGES)}
    assert rows.pop("default")
    assert not any(rows.values())
    corloc = {row.name: row.pretrained for row in corloc_rows(fitted.model, IMAGES)}
    assert [name for name, own in corloc.items() if own] == ["default"]


def test_the_commands_take_a_model_and_say_where_it_had_a_part(tmp_path, work, capsys):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    settings = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = transformers.Dinov2Config(**settings, image_size=56)
    transformers.Dinov2Model(config).save_pretrained(tmp_path / "dino")
    photos, run, truth = str(work / "photos"), str(tmp_path / "run"), str(work / "truth.json")
    features = str(tmp_path / "dino")
    cli.main(["train", photos, "--out", run, *OPTIONS, "--iterations", "2", "--features", features])
    said = capsys.readouterr().err.replace("\n", "")
    assert f"the border pretext task, pre-trained features of {features}, then" in said
    assert "and the time of the features." in said
    assert f"Pre-trained features ({features}) had a part in these boxes." in said
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["recipe"]["features"]
    cli.main(["localize", run, photos, "--out", str(tmp_path / "boxes.json")])
    assert "had a part in these boxes" in capsys.readouterr().err
    cli.main(["localize", run, photos, "--out", str(tmp_path / "lda.json"), "--reading", "lda"])
    assert "had a part" not in capsys.readouterr().err
    cli.main(["evaluate", run, photos, "--truth", truth])
    table = capsys.readouterr().out
    assert "default‡" in table
    assert "discriminator‡" not in table
    assert "‡ pre-trained features had a part in it" in table
    cli.main(["evaluate", run, photos, "--truth", truth, "--json"])
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["name"] for row in rows if row["pretrained"]] == ["default"]


def test_photos_are_shown_to_the_features_as_their_files_are(tmp_path):
    """Stripes of a pixel, which the 32 pixels of ganloc's networks do not show."""
    random = np.random.default_rng(0)
    for index in range(24):
        pixels = random.integers(0, 20, (64, 64, 3), np.uint8)
        pixels[:, ::2] += 235
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    seen = []

    def network(images):
        seen.append((images[:, :, :, ::2].mean() - images[:, :, :, 1::2].mean()).item())
        return avg_pool2d(images, 4)

    network.size = 64
    localizer().fit(tmp_path, features=network)
    assert seen[0] == 0.0  # a grey image, to try it
    assert seen[1:] == pytest.approx([235 / 255] * (len(seen) - 1), abs=0.02)
