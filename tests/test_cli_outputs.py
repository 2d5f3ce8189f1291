"""Where `ganloc localize` writes, and what it refuses to write over before it computes anything."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli_runs import localize
from ganloc import cli
from ganloc.localizer import Localizer

MAIN = [sys.executable, "-c", "from ganloc.cli import main; main()"]


@pytest.fixture
def place(tmp_path, work, monkeypatch):
    """A folder with own copies of the images, as a folder and a zip, and of the run."""
    shutil.copytree(work / "photos", tmp_path / "photos")
    shutil.copytree(work / "run", tmp_path / "run")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.write(tmp_path / "photos" / "b.png", "b.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def everything(folder):
    """Every path below a folder with its content or the end of its link."""
    return {
        path.relative_to(folder): str(path.readlink())
        if path.is_symlink()
        else (path.read_bytes() if path.is_file() else path.stat().st_mode)
        for path in folder.rglob("*")
    }


def refused(place, capsys, monkeypatch, *options, photos="photos"):
    """The message of a refusal, which comes before the model is loaded and changes nothing."""
    monkeypatch.setattr(Localizer, "load", lambda *_: pytest.fail("computed"))
    before = everything(place)
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        cli.main(["localize", "run", photos, *options])
    output, errors = capsys.readouterr()
    assert stop.value.code == 2
    assert output == ""
    assert errors.startswith("ganloc: ")
    assert errors.count("\n") == 1
    assert everything(place) == before
    return errors


def link(place, kind, target):
    """Another name for a file: a symbolic link, a link to a link, or a hard link."""
    path = place / "other.json"
    if kind == "hard":
        os.link(target, path)
    else:
        (place / "first").symlink_to(target)
        path.symlink_to("first" if kind == "chain" else target)
    return "other.json"


@pytest.mark.parametrize("kind", ["itself", "dots", "symbolic", "chain", "hard"])
@pytest.mark.parametrize(
    "target", ["photos/b.png", "photos.zip", "run/model.safetensors", "run/recipe.json"]
)
def test_inputs_are_not_overwritten(target, kind, place, capsys, monkeypatch):
    photos = target if target == "photos.zip" else "photos"
    name = {"itself": target, "dots": f"run/../{target}"}.get(kind)
    name = name or link(place, kind, place / target)
    for options in (["--out", name, "--format", "csv"], ["--out", "b.csv", "--heatmaps", name]):
        said = refused(place, capsys, monkeypatch, *options, photos=photos)
        assert name in said


@pytest.mark.parametrize("name", ["torn.png", "phone.HEIC", "scan.jp2", "bomb.png"])
def test_images_that_cannot_be_read_are_not_overwritten(name, place, capsys, monkeypatch):
    if name == "bomb.png":
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        shutil.copy("photos/b.png", name)
    else:
        (place / name).write_bytes(b"\x89PNG torn")
    said = refused(place, capsys, monkeypatch, "--out", name, "--format", "csv")
    assert f"{name} is an image" in said


def test_an_image_is_known_by_its_content(place, capsys, monkeypatch):
    shutil.copy("photos/b.png", "boxes.json")
    assert "boxes.json is an image" in refused(place, capsys, monkeypatch, "--out", "boxes.json")


def test_earlier_outputs_are_replaced_wherever_they_lie(place):
    for out in ("boxes.json", "photos/boxes.json", "run/boxes.json"):
        for _ in range(2):
            localize_here("--out", out, "--heatmaps", out.replace(".json", ".npz"))
        assert len(json.loads(Path(out).read_text())["images"]) == 3


def localize_here(*options):
    cli.main(["localize", "run", "photos", *options])


@pytest.mark.parametrize(
    "options",
    [
        ["--out", "a.json", "--heatmaps", "a.json"],
        ["--out", "a.json", "--heatmaps", "./x/../a.json"],
        ["--out", "a.json", "--heatmaps", "A.JSON"],  # one file on many disks
        ["--out", "-", "--heatmaps", "-"],
        ["--out", "-", "--heatmaps", "/dev/stdout"],
        ["--out", "a.json", "--heatmaps", "link.npz"],
        ["--out", "drawn", "--format", "csv", "--draw", "drawn"],
        ["--out", "drawn/b.png.png", "--format", "csv", "--draw", "drawn"],
        ["--out", "a.csv", "--heatmaps", "drawn/contact-sheet.PNG", "--draw", "drawn"],
        ["--out", "a.csv", "--draw", "a.csv/drawn"],
        ["--out", "a.csv", "--heatmaps", "a.csv/maps.npz"],
    ],
)
def test_two_outputs_in_one_place_are_refused(options, place, capsys, monkeypatch):
    Path("link.npz").symlink_to("a.json")
    said = refused(place, capsys, monkeypatch, *options)
    assert "are in one place" in said
    assert "--out" in said or "--heatmaps" in said


def test_outputs_that_may_share_a_place(place):
    localize_here("--out", "all/boxes.json", "--heatmaps", "all/maps.npz", "--draw", "all")
    localize_here("--out", os.devnull, "--heatmaps", os.devnull)
    assert {path.name for path in Path("all").iterdir()} >= {
        "boxes.json",
        "maps.npz",
        "b.png.png",
        "contact-sheet.png",
    }
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize(
    ("options", "culprit"),
    [
        (["--out", "photos"], "photos"),
        (["--out", "new.json/"], "new.json"),
        (["--out", "photos/b.png/a.json"], "photos/b.png/a.json"),
        (["--out", "n" * 251 + ".json"], "name too long"),
        (["--out", "new/" + "n" * 251 + ".json"], "name too long"),
        (["--out", "a.json", "--heatmaps", "photos"], "photos"),
        (["--out", "a.json", "--heatmaps", "run/recipe.json/m.npz"], "m.npz"),
        (["--out", "a.json", "--draw", "run/recipe.json"], "run/recipe.json"),
        (["--out", "a.json", "--draw", "-"], "--draw takes a folder"),
        (["--out", "a.json", "--draw", "photos/drawn"], "photos/drawn"),
        (["--out", "a.json", "--draw", "linked/drawn"], "linked/drawn"),
        (["--out", "a.json", "--draw", "more/drawn"], "more/drawn"),
        (["--out", "a.json.gz"], "not be compressed"),
        (["--out", "a.json.gz", "--format", "coco"], "not be compressed"),
        (["--out", "a.json", "--category", ""], "--category"),
        (["--out", "a.json", "--category", "a\nb"], "--category"),
    ],
)
def test_what_cannot_be_written_is_told_first(options, culprit, place, capsys, monkeypatch):
    Path("new.json").mkdir()
    Path("more").mkdir()
    Path("linked").symlink_to("photos")
    Path("photos/linked").symlink_to("../more")
    assert culprit.lower() in refused(place, capsys, monkeypatch, *options).lower()


def test_drawings_do_not_go_through_links_into_the_images(place, capsys):
    Path("drawn").mkdir()
    Path("drawn/b.png.png").symlink_to("../photos/b.png")
    before = everything(place)
    with pytest.raises(SystemExit):
        localize_here("--out", "boxes.json", "--draw", "drawn")
    assert "lies inside photos" in capsys.readouterr().err
    assert everything(place) == before


@pytest.mark.parametrize("out", ["-", "/dev/stdout"])
@pytest.mark.parametrize("format", ["coco", "coco-results", "csv"])
def test_standard_output_holds_the_file_and_nothing_else(format, out, place, capfd):
    localize_here("--out", "boxes.txt", "--format", format)
    capfd.readouterr()
    localize_here("--out", out, "--format", format)
    output, errors = capfd.readouterr()
    assert output == Path("boxes.txt").read_text()
    assert "3 boxes" in errors


def test_standard_output_is_coco_unless_told_otherwise(place, capfd):
    localize_here("--out", "-", "--category", "bird")
    coco = json.loads(capfd.readouterr().out)
    assert coco["categories"][0]["name"] == "bird"
    assert not Path("-").exists()


@pytest.mark.parametrize("format", ["csv", "coco-results"])
def test_a_category_that_a_format_has_no_place_for_is_told_of(format, place, capsys):
    localize_here("--out", "a.txt", "--format", format, "--category", "bird")
    assert f"--category bird is not kept: {format} has no place" in capsys.readouterr().err
    localize_here("--out", "a.txt", "--format", format)
    assert "--category" not in capsys.readouterr().err


def test_the_results_say_which_ids_they_use(place, capsys):
    localize_here("--out", "a.json", "--format", "coco-results")
    assert "as the ids of --format coco" in capsys.readouterr().err
    localize_here("--out", "b.json")
    assert "image_id" not in capsys.readouterr().err
    results, coco = (json.loads(Path(name).read_text()) for name in ("a.json", "b.json"))
    keys = ("image_id", "category_id", "bbox", "score")
    assert results == [{key: each[key] for key in keys} for each in coco["annotations"]]


def test_json_is_read_by_a_reader_that_refuses_nan(work, tmp_path):
    for name, options in (("a.json", []), ("b.json", ["--format", "coco-results"])):
        localize(work, tmp_path / name, *options)
        json.loads((tmp_path / name).read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize("number", ["SIGTERM", "SIGKILL", "SIGINT"])
def test_a_killed_localize_leaves_no_temporary_file(number, place):
    """Killed at any moment: while it loads, computes or draws."""
    random = np.random.default_rng(0)
    for index in range(40):
        pixels = random.integers(0, 256, (60, 80, 3), np.uint8)
        Image.fromarray(pixels).save(f"photos/{index}.png")
    command = [*MAIN, "localize", "run", "photos", "--out", "out/boxes.json",
               "--heatmaps", "out/maps.npz", "--draw", "out/drawn"]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        until = time.monotonic() + 60
        while time.monotonic() < until and not list(place.glob("out/drawn/*")):
            time.sleep(0.005)
        process.send_signal(getattr(signal, number))
        process.wait(30)
    assert process.returncode != 0
    names = [path.name for path in place.rglob("*")]
    assert "boxes.json" in names
    assert not [name for name in names if name.endswith(".tmp")]
    for drawing in place.glob("out/drawn/*.png"):
        Image.open(drawing).load()  # whole


def test_localize_in_the_middle_of_a_pipeline(place):
    command = [*MAIN, "localize", "run", "photos", "--out", "-", "--format", "csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0].startswith("name,x0,y0")
    assert len(done.stdout.splitlines()) == 4
