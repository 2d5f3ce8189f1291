"""suggest and finetune, from an unlabelled folder to boxes that hints taught."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from ganloc import Localizer, cli
from ganloc.model import HINTED, Model


@pytest.fixture
def run(tmp_path, work, short_hints):
    """A copy of the run, and trainings of a few steps."""
    shutil.copytree(work / "run", tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def drawn(tmp_path, work):
    """Hints for two of the three images."""
    truth = json.loads((work / "truth.json").read_text())
    truth["images"] = truth["images"][:2]
    truth["annotations"] = truth["annotations"][:2]
    (tmp_path / "hints.json").write_text(json.dumps(truth))
    return tmp_path / "hints.json"


def finetune(run, work, drawn, *options):
    cli.main(["finetune", str(run), str(work / "photos"), "--hints", str(drawn), *options])


def test_suggested_images_go_to_standard_output_and_their_boxes_to_a_file(
    tmp_path, run, work, capsys
):
    out = tmp_path / "two.json"
    cli.main(["suggest", str(run), str(work / "photos"), "--count", "2", "--out", str(out)])
    output, errors = capsys.readouterr()
    names = output.splitlines()
    assert len(names) == len(set(names)) == 2
    assert f"ganloc finetune {run} {work / 'photos'} --hints" in errors
    coco = json.loads(out.read_text())
    assert sorted(image["file_name"] for image in coco["images"]) == sorted(names)
    assert all(each["segmentation"] == [] for each in coco["annotations"])
    finetune(run, work, out)  # what an annotation tool gives back is taken
    assert Model.load(run / "model.safetensors").hinted.names == tuple(sorted(names))


def test_images_with_hints_are_not_suggested(run, work, drawn, capsys):
    cli.main(["suggest", str(run), str(work / "photos"), "--count", "3", "--hints", str(drawn)])
    assert set(capsys.readouterr().out.splitlines()) <= {"c.png"}


def test_hints_teach_a_run_and_leave_what_it_was(run, work, drawn, capsys):
    before = Localizer.load(run).localize(work / "photos")
    finetune(run, work, drawn)
    errors = capsys.readouterr().err
    assert "3 images, 2 of them with hints" in errors
    assert "Expected by 2 hints: " in errors
    after = Localizer.load(run)
    assert after.reading == HINTED
    assert after.model.hinted.names == ("a/wide.png", "b.png")
    again = after.localize(work / "photos", reading="student")
    assert [one.box for one in again] == [one.box for one in before]
    for options, said in (([], True), (["--reading", "student"], False)):
        at = [str(run), str(work / "photos"), "--out", str(run / "boxes.json")]
        cli.main(["localize", *at, *options])
        assert ("Expected by 2 hints: " in capsys.readouterr().err) is said
    finetune(run, work, drawn)  # hints of an earlier call are forgotten
    for one, other in zip(
        Model.load(run / "model.safetensors").hinted.student.parameters(),
        after.model.hinted.student.parameters(),
        strict=True,
    ):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_images_with_hints_are_not_scored(run, work, drawn, capsys):
    finetune(run, work, drawn)
    capsys.readouterr()
    at = [str(run), str(work / "photos"), "--truth", str(work / "truth.json"), "--json"]
    cli.main(["evaluate", *at])
    output, errors = capsys.readouterr()
    assert "2 images with hints are not scored." in errors
    found = json.loads(output)
    assert found["images"] == 1
    labels = {row["name"]: row["uses_labels"] for row in found["rows"]}
    assert labels["default"]
    assert not labels["label-free"]


def test_a_training_takes_hints(tmp_path, run, work, drawn):
    photos = work / "photos"
    recipe = Model.load(run / "model.safetensors").recipe
    settings = dataclasses.asdict(dataclasses.replace(recipe, iterations=2))
    one = Localizer("laptop", "cpu", **settings).fit(photos, hints=drawn)
    other = Localizer("laptop", "cpu", **settings).fit(photos, tmp_path / "new", hints=drawn)
    assert one.expected == other.expected
    assert one.expected.hints == 2
    kept = Localizer.load(tmp_path / "new").localize(photos)
    assert [found.box for found in kept] == [found.box for found in other.localize(photos)]


def test_training_on_forgets_hints_and_says_so(run, work, drawn, capsys):
    finetune(run, work, drawn)
    at = [str(work / "photos"), "--out", str(run), "--resume", "--device", "cpu"]
    cli.main(["train", *at])
    assert "what 2 hints taught" not in capsys.readouterr().err  # there was nothing left to do
    assert Localizer.load(run).reading == HINTED
    cli.main(["train", *at, "--iterations", "3"])
    assert "what 2 hints taught is gone: ganloc finetune" in capsys.readouterr().err
    assert Localizer.load(run).reading == "student"
    cli.main(["train", *at, "--hints", str(drawn)])
    assert "Expected by 2 hints" in capsys.readouterr().err
    assert Localizer.load(run).reading == HINTED


def test_a_run_without_hints_expects_nothing(run):
    assert Localizer.load(run).expected is None


@pytest.mark.parametrize("missing", ["hints.json", "run"])
def test_what_is_not_there(missing, tmp_path, run, work, drawn, capsys):
    files = {"run": run, "hints.json": drawn, missing: tmp_path / "nowhere"}
    with pytest.raises(SystemExit) as stop:
        finetune(files["run"], work, files["hints.json"])
    assert stop.value.code == 2
    assert "nowhere" in capsys.readouterr().err
    assert Model.load(run / "model.safetensors").hinted is None
