"""What people get wrong: exit status 2, one sentence naming the culprit, nothing half-written."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganloc import cli
from ganloc.images import source

TINY = ["--size", "32", "--generator-width", "2", "--discriminator-width", "2", "--batch", "2",
        "--student-iterations", "2", "--student-width", "2"]  # fmt: skip


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with everything that the commands are pointed at."""
    folder, random = tmp_path_factory.mktemp("work"), np.random.default_rng(0)
    for photos, count in [("photos", 3), ("others", 3), ("single", 1), ("empty", 0)]:
        (folder / photos).mkdir()
        for index in range(count):
            pixels = random.integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(pixels).save(folder / photos / f"{index}.png")
    (folder / "torn").mkdir()
    (folder / "torn" / "torn.png").write_bytes(b"\x89PNG torn")
    (folder / "notes.txt").write_text("mine")
    (folder / "broken.safetensors").write_bytes(b"broken")
    images = [{"id": i, "file_name": f"{i}.png", "width": 32, "height": 32} for i in range(3)]
    (folder / "boxless.json").write_text(json.dumps({"images": images, "annotations": []}))
    (folder / "partial.json").write_text(json.dumps({"images": images[:1], "annotations": []}))
    rule = {"reading": "mine", "threshold": 0.2, "otsu": False}
    for name, count, shape in [("maps", 3, (8, 8)), ("fewer", 2, (8, 8)), ("flat", 3, (8, 4))]:
        names, sizes = [f"{i}.png" for i in range(count)], np.full((count, 2), 32)
        heatmaps = np.zeros((count, *shape))
        np.savez(folder / f"{name}.npz", names=names, sizes=sizes, heatmaps=heatmaps, **rule)
    train = ["train", str(folder / "photos"), "--device", "cpu", *TINY, "--iterations", "1"]
    for name in ("run", "unfinished", "damaged"):
        cli.main([*train, "--out", str(folder / name)])
    (folder / "unfinished" / "model.safetensors").unlink()
    (folder / "damaged" / "model.safetensors").write_bytes(b"broken")
    (folder / "damaged" / "checkpoint" / "latest.safetensors").write_bytes(b"broken")
    return folder


def everything(folder):
    return {p.relative_to(folder): p.is_file() and p.read_bytes() for p in folder.rglob("*")}


def fails(work, capsys, command, *culprits):
    """Run `command` in `work`, whose relative paths it may use."""
    before = everything(work)
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        cli.main(command.split())
    output, errors = capsys.readouterr()
    assert stop.value.code == 2
    assert output == ""
    assert errors.startswith("ganloc: ")
    assert errors.endswith(".\n")
    assert errors.count("\n") == 1, errors
    assert errors.count(". ") == 0, errors  # one sentence
    for culprit in culprits:
        assert culprit in errors
    after = everything(work)
    assert {path for path in after if after[path] != before.get(path)} == set()
    assert before.keys() == after.keys()


TRAIN = "train photos --out new --device cpu --iterations 1 "


@pytest.mark.parametrize(
    ("command", "culprits"),
    [
        ("train typo --out new", ["'typo'"]),
        ("train empty --out new", ["empty"]),
        ("train torn --out new", ["torn.png"]),
        ("train single --out new", ["single", "at least 2"]),
        ("train notes.txt --out new", ["notes.txt"]),
        ("train imagenet:bird --out new", ["'imagenet'", "tiny-imagenet:SET"]),
        ("train tiny-imagenet:bird --out new --data typo.zip", ["typo.zip"]),
        ("train cifar10:bird --out new", ["--data", "GANLOC_CIFAR10"]),
        ("train cifar10:birds --out new --data notes.txt", ["'birds'", "bird, "]),
        (TRAIN + "--size 50", ["--size must be 32, 64, 128 or 256, not 50"]),
        (TRAIN + "--variant stylegan", ["'stylegan'", "dcgan"]),
        (TRAIN + "--preset desktop", ["'desktop'", "default, laptop or paper"]),
        ("train photos --out photos/run", ["photos/run", "inside photos", "--out"]),
        (TRAIN + "--batch 0", ["--batch"]),
        (TRAIN + "--iterations 0", ["--iterations"]),
        (TRAIN + "--generator-rate -1", ["--generator-rate"]),
        (TRAIN + "--beta1 1", ["--beta1"]),
        (TRAIN + "--seed -1", ["--seed"]),
        (TRAIN + "--device abacus", ["'abacus'", "--device"]),
        ("train photos --out run", ["run already exists", "--resume"]),
        ("train photos --out others", ["others already exists"]),
        ("train photos --out notes.txt", ["notes.txt is a file"]),
        ("train photos --out notes.txt/new --size 32", ["notes.txt/new"]),
        ("train photos --out new --resume", ["no run at new"]),
        ("train photos --out others --resume", ["others is not a run"]),
        ("train others --out run --resume", ["run was trained on other images"]),
        ("train photos --out run --resume --batch 3", ["--batch was 2", "cannot become 3"]),
        ("train photos --out run --resume --variant x", ["cannot become x"]),
    ],
)
def test_train(command, culprits, work, capsys, monkeypatch):
    monkeypatch.chdir(work)
    monkeypatch.delenv("GANLOC_TINY_IMAGENET", raising=False)
    monkeypatch.delenv("GANLOC_CIFAR10", raising=False)
    fails(work, capsys, command, *culprits)


def test_train_on_from_a_broken_checkpoint(work, capsys, monkeypatch):
    monkeypatch.chdir(work)
    before = everything(work)
    with pytest.raises(SystemExit) as stop:
        cli.main(["train", "photos", "--out", "damaged", "--resume"])
    assert stop.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]  # training was announced before
    assert last.startswith("ganloc: Cannot go on from damaged/checkpoint/latest.safetensors")
    assert everything(work) == before


@pytest.mark.parametrize(
    ("command", "culprits"),
    [
        ("localize typo photos --out new.json", ["typo"]),
        ("localize photos photos --out new.json", ["photos is not a run"]),
        ("localize run typo --out new.json", ["'typo'"]),
        ("localize run empty --out new.json", ["empty"]),
        ("localize unfinished photos --out new.json", ["unfinished", "--resume"]),
        ("localize damaged photos --out new.json", ["damaged/model.safetensors"]),
        ("localize broken.safetensors photos --out new.json", ["broken.safetensors"]),
        ("localize notes.txt photos --out new.json", ["notes.txt"]),
        ("localize run photos --out notes.txt/new.json", ["notes.txt/new.json"]),
        ("localize run photos --out new", ["The format of new", "--format"]),
        (
            "localize run photos --out new.txt --format yaml",
            ["'yaml'", "coco, coco-results or csv"],
        ),
        ("localize run photos --out new.json --reading typo", ["'typo'", "plain-cam"]),
        ("localize run photos --out new.json --reading lda --plain-cam", ["--plain-cam", "lda"]),
        ("localize run photos --out photos", ["photos"]),
        ("localize run tiny-imagenet:bird --out new.json", ["--data", "GANLOC_TINY_IMAGENET"]),
    ],
)
def test_localize(command, culprits, work, capsys, monkeypatch):
    monkeypatch.chdir(work)
    monkeypatch.delenv("GANLOC_TINY_IMAGENET", raising=False)
    fails(work, capsys, command, *culprits)


@pytest.mark.parametrize(
    ("command", "culprits"),
    [
        ("evaluate run photos", ["photos", "--truth"]),
        ("evaluate run photos --json", ["photos", "--truth"]),
        ("evaluate run photos --truth typo.json", ["typo.json"]),
        ("evaluate run photos --truth notes.txt", ["notes.txt"]),
        ("evaluate run photos --truth partial.json", ["partial.json", "2 of 3", "1.png"]),
        ("evaluate run photos --truth boxless.json", ["true box"]),
        ("evaluate run embedded --truth boxless.json", ["boxless.json"]),
        ("evaluate run cifar10:bird", ["cifar10:bird has no true boxes", "--truth"]),
        ("evaluate typo photos --truth boxless.json", ["typo"]),
        ("evaluate unfinished photos --truth boxless.json", ["unfinished", "--resume"]),
    ],
)
def test_evaluate(command, culprits, work, capsys, monkeypatch):
    monkeypatch.chdir(work)
    fails(work, capsys, command, *culprits)


@pytest.mark.parametrize(
    ("command", "culprits"),
    [
        ("evaluate-heatmaps typo.npz photos --truth boxless.json", ["typo.npz"]),
        ("evaluate-heatmaps notes.txt photos --truth boxless.json", ["notes.txt"]),
        ("evaluate-heatmaps photos photos --truth boxless.json", ["photos"]),
        (
            "evaluate-heatmaps flat.npz photos --truth boxless.json",
            ["flat.npz", "heatmaps", "square"],
        ),
        ("evaluate-heatmaps fewer.npz photos --truth boxless.json", ["1 of 3 names", "2.png"]),
        ("evaluate-heatmaps maps.npz photos", ["photos", "--truth"]),
        ("evaluate-heatmaps maps.npz typo", ["'typo'"]),
        ("evaluate-heatmaps maps.npz photos --truth boxless.json", ["true box"]),
        (
            "evaluate-heatmaps maps.npz photos --truth boxless.json --threshold 1",
            ["threshold is 1"],
        ),
    ],
)
def test_evaluate_heatmaps(command, culprits, work, capsys, monkeypatch):
    monkeypatch.chdir(work)
    fails(work, capsys, command, *culprits)


def test_draw_into_what_is_no_folder(work, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(work)
    fails(
        work, capsys, f"localize run photos --out {tmp_path}/b.json --draw notes.txt", "notes.txt"
    )


def test_demo_leaves_a_run_on_someone_s_images_alone(work, capsys, monkeypatch):
    monkeypatch.setattr(source, "_EMBEDDED", {"train": (2, 0), "test": (2, 1)})
    monkeypatch.chdir(work)
    fails(work, capsys, "demo --out run", "run holds a run on your images")


@pytest.mark.parametrize(
    ("command", "culprit"),
    [
        ("train photos", "--out"),
        ("train --out new", "a folder or zip of images"),
        ("train photos --out new --learning-rate 3", "--learning-rate"),
        ("train photos --out new --batch many", "--batch"),
        ("fit photos", "fit"),
        ("", "train"),
    ],
)
def test_misuse_of_the_options(command, culprit, work, capsys, monkeypatch):
    monkeypatch.chdir(work)
    before = everything(work)
    with pytest.raises(SystemExit) as stop:
        cli.main(command.split())
    assert stop.value.code == 2
    output, errors = capsys.readouterr()
    assert culprit.lower() in errors.lower()
    assert "Traceback" not in output + errors
    assert everything(work) == before


def test_the_exit_status_of_the_process(work):
    ganloc = str(Path(sys.executable).with_name("ganloc"))
    command = [ganloc, "train", "typo", "--out", "new"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("ganloc: ")
    assert done.stderr.count("\n") == 1


def test_an_interrupt_outside_training(capsys, monkeypatch):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(cli.COMMANDS, "demo", interrupted)
    with pytest.raises(SystemExit) as stop:
        cli.main(["demo"])
    assert stop.value.code == 130
    assert capsys.readouterr().err == "ganloc: stopped.\n"
