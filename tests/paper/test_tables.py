"""`ganloc reproduce` on small archives: what it works out, keeps and goes on with."""

import json
import signal
import time
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from ganloc import cli
from ganloc.errors import Stopped
from ganloc.evaluation import evaluate, untrained_model
from ganloc.images.tiny_imagenet import SETS, load_tiny_imagenet
from ganloc.metrics.max_box_acc import max_box_acc
from ganloc.metrics.rows import evaluate_boxes
from ganloc.model import Model
from ganloc.paper import tables
from ganloc.paper.budgets import BUDGETS, METHODS
from ganloc.paper.results import read_rows
from tiny_archives import make_tiny_imagenet

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = ("bottle", "bird")
BASELINES = {
    "colour-contrast",
    "colour-contrast-centre",
    "whole-image",
    "centre",
    "fitted-box",
    "real",
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    every = [class_id for name in tables.PAPER_SETS for class_id in SETS[name]]
    return make_tiny_imagenet(tmp_path_factory.mktemp("data") / "tiny.zip", every, 4, 3)


def reproduce(table, archive, folder, *options):
    where = ["--out", str(folder / "runs"), "--results", str(folder / "results")]
    cli.main(["reproduce", table, "--budget", "smoke", "--data", str(archive), *where,
              "--device", "cpu", *options])  # fmt: skip
    return read_rows(folder / "results" / f"{table}.json")


def identity(row):
    return tuple(row[key] for key in tables.KEYS)


@pytest.fixture(scope="module")
def variants(archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("variants")
    return folder, reproduce("variants", archive, folder, "--sets", *SMALL)


@pytest.fixture(scope="module")
def table3(archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("table3")
    return folder, reproduce("table3", archive, folder, "--sets", "bottle")


def test_variants_works_out_every_cell_and_baseline_once(variants):
    _, rows = variants
    wanted = {(s, m) for s in SMALL for m in (*METHODS["variants"], *BASELINES)}
    assert len(rows) == len(wanted)
    assert {(row["set"], row["method"]) for row in rows} == wanted
    assert {(row["budget"], row["seed"]) for row in rows} == {("smoke", 0)}


def test_a_cell_s_numbers_are_those_that_evaluate_gives(table3, archive):
    folder, rows = table3
    train, test = (load_tiny_imagenet(archive, "bottle", split, 32) for split in ("train", "test"))
    for method in ("dcgan+aug", "sn-dcgan"):
        row = next(row for row in rows if row["method"] == method)
        run = folder / "runs" / "table3-smoke" / "bottle" / f"{method}-0"
        model = Model.load(run / "model.safetensors")
        assert model.recipe.augment == (method == "dcgan+aug")
        expected = {row.name: row for row in evaluate(model, test, train)}
        untrained = untrained_model(model, train)
        for name, reader in (("border-distance", model), ("untrained-border-distance", untrained)):
            boxes = reader.detect(test, "border-distance").boxes
            expected[name] = evaluate_boxes(name, test.in_pixels(boxes), test.truth)
        for reading, name in (("paper", "plain-cam"), ("ours", "border-distance")):
            found = row[reading]
            assert found["loc"] == pytest.approx(expected[name].gt_known_loc, abs=0.01)
            assert found["interval"] == pytest.approx(expected[name].interval, abs=0.01)
            before = expected[f"untrained-{name}"]
            assert found["untrained"] == pytest.approx(before.gt_known_loc, abs=0.01)
            column = 1 + (reading == "ours")
            assert [line[0] for line in row["curve"]] == [2, 4]
            assert row["curve"][-1][column] == found["loc"]
            assert found["peak"] == max(line[column] for line in row["curve"])
            assert found["gain"][0] <= found["loc"] - found["untrained"] <= found["gain"][1]
        maps = model.detect(test, "plain-cam").heatmaps
        swept = max_box_acc(maps, test.truth, test.sizes)
        assert row["paper"]["max_box_acc"] == pytest.approx(swept.max_box_acc, abs=0.01)
        assert row["published"] == {"dcgan+aug": 36.4, "sn-dcgan": 38.0}[method]
        logged = json.loads((run / "log.jsonl").read_text().splitlines()[-1])
        assert row["minutes"] == pytest.approx(logged["seconds"] / 60, abs=0.005)


def test_uniformity_is_the_mean_correlation_of_the_paper_s_heatmaps(table3, archive):
    folder, rows = table3
    row = next(row for row in rows if row["method"] == "dcgan")
    train, test = (load_tiny_imagenet(archive, "bottle", split, 32) for split in ("train", "test"))
    model = Model.load(folder / "runs/table3-smoke/bottle/dcgan-0/model.safetensors")
    for key, each in (
        ("uniformity", model),
        ("uniformity_untrained", untrained_model(model, train)),
    ):
        maps = each.heatmaps(test, "plain-cam").reshape(len(test), -1)
        pairs = np.corrcoef(maps)[np.triu_indices(len(test), 1)]
        assert row[key] == pytest.approx(pairs.mean(), abs=1e-3)


def test_the_reference_is_one_supervised_row_a_set(table3):
    _, rows = table3
    row = next(row for row in rows if row["method"] == "cam")
    assert row["uses_labels"]
    assert row["published"] == 34.3
    assert 0.0 <= row["top1"] <= 100.0
    assert row["paper"]["peak"] == row["paper"]["loc"]


def written(folder):
    """When each file below `folder` was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_what_is_done_is_not_done_again(variants, archive):
    folder, rows = variants
    before = written(folder)
    assert reproduce("variants", archive, folder, "--sets", *SMALL) == rows
    assert written(folder) == before


def test_a_lost_row_is_evaluated_again_from_its_finished_run(variants, archive):
    folder, rows = variants
    path = folder / "results" / "variants.json"
    kept = [row for row in rows if (row["set"], row["method"]) != ("bird", "wgan-gp")]
    path.write_text(json.dumps({"rows": kept}))
    before = written(folder / "runs")
    again = reproduce("variants", archive, folder, "--sets", *SMALL)
    assert written(folder / "runs") == before
    lost = next(row for row in rows if row not in kept)
    assert {**again[-1], "milliseconds_alone": 0.0} == {**lost, "milliseconds_alone": 0.0}
    path.write_text(json.dumps({"rows": rows}))


def test_a_stopped_training_goes_on_and_gives_the_row_of_one_that_never_stopped(archive, tmp_path):
    def rows_in(folder, stop_at=None):
        @contextmanager
        def show(name, iterations):
            def progress(iteration, line):
                if iteration == stop_at:
                    signal.raise_signal(signal.SIGINT)

            yield progress

        place = tables.Place(folder / "runs", folder, archive, torch.device("cpu"))
        options = (place, show, ["bottle"], ["dcgan"], 51)
        list(tables.reproduce_table("variants", "smoke", *options))
        return {row["method"]: row for row in read_rows(folder / "variants.json")}

    with pytest.raises(Stopped) as stop:
        rows_in(tmp_path / "stopped", stop_at=50)
    assert stop.value.iteration == 50
    run = tmp_path / "stopped" / "runs" / "variants-smoke@51" / "bottle" / "dcgan-0"
    assert Model.load(run / "model.safetensors").info["iteration"] == 50
    rows, straight = (rows_in(tmp_path / name) for name in ("stopped", "straight"))
    assert rows.keys() == straight.keys() == BASELINES | {"dcgan"}
    for key in ("curve", "paper", "ours", "ms_ssim", "uniformity"):
        assert rows["dcgan"][key] == straight["dcgan"][key]


def test_a_training_stops_as_by_ctrl_c_once_its_time_is_up():
    seen = []
    tables.until(time.monotonic() + 60.0, lambda *both: seen.append(both))(1, {"loss": 0.5})
    with pytest.raises(KeyboardInterrupt):
        tables.until(time.monotonic() - 1.0, lambda *both: seen.append(both))(2, {})
    assert seen == [(1, {"loss": 0.5}), (2, {})]


def test_no_training_begins_once_time_is_up(archive, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        reproduce("variants", archive, tmp_path, "--sets", "bottle", "--minutes", "1e-9")
    assert stop.value.code == 130
    assert capsys.readouterr().err.endswith("Stopped and saved; the same command goes on.\n")
    assert not list((tmp_path / "runs").rglob("model.safetensors"))


def test_other_iterations_are_rows_of_their_own(archive, tmp_path):
    options = ["--sets", "bottle", "--methods", "sn-dcgan"]
    reproduce("table3", archive, tmp_path, *options)
    rows = reproduce("table3", archive, tmp_path, *options, "--iterations", "2")
    found = {row["budget"]: row["recipe"]["iterations"] for row in rows if "recipe" in row}
    assert found == {"smoke": 4, "smoke@2": 2}
    written = json.loads((tmp_path / "results" / "table3.json").read_text())
    assert written["command"] == "ganloc reproduce table3 --budget smoke --iterations 2"


def test_a_row_of_another_recipe_does_not_count(variants, archive):
    folder, rows = variants
    path = folder / "results" / "variants.json"
    old = [
        {**row, "recipe": {**row["recipe"], "batch": 7}} if "recipe" in row else row for row in rows
    ]
    path.write_text(json.dumps({"rows": old}))
    again = reproduce("variants", archive, folder, "--sets", *SMALL)
    assert sorted(map(identity, again)) == sorted(map(identity, rows))
    assert {row["recipe"]["batch"] for row in again if "recipe" in row} == {8}
    path.write_text(json.dumps({"rows": rows}))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--sets", "tree"], "Unknown Tiny ImageNet set 'tree'"),
        (["--methods", "wgan"], "variants has no method 'wgan'"),
        (["--iterations", "0"], "--iterations must be at least 1"),
        (["--minutes", "-1"], "--minutes must be above 0"),
    ],
)
def test_a_wrong_option_is_one_sentence(archive, tmp_path, capsys, options, sentence):
    with pytest.raises(SystemExit) as stop:
        reproduce("variants", archive, tmp_path, *options)
    assert stop.value.code == 2
    errors = capsys.readouterr().err
    assert sentence in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("table", ["table3", "variants"])
def test_the_budget_paper_is_the_paper_s(table):
    budget = BUDGETS[table]["paper"]
    for method in METHODS[table]:
        if method == "cam":
            assert budget.reference_recipe(0).iterations == 100_000
        else:
            recipe = budget.recipe(method, 1)
            assert (recipe.iterations, recipe.batch, recipe.seed) == (250_000, 128, 1)
            assert recipe.augment == method.endswith("+aug")
    kept = budget.kept(250_000)
    assert (len(kept), kept[0], kept[-1]) == (25, 10_000, 250_000)
