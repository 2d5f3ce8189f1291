"""The script for lent GPUs, where nothing is installed beside the training core's needs."""

import subprocess
import sys
from pathlib import Path

from ganloc.images.tiny_imagenet import PAPER_SETS, SETS, load_tiny_imagenet
from ganloc.paper.results import read_rows
from tiny_archives import make_tiny_imagenet

PAPER = Path(__file__).parents[2] / "benchmarks" / "paper"
ABSENT = ("rich", "tyro", "jaxtyping", "beartype", "matplotlib")
ALONE = f"""
import runpy, sys
sys.modules.update(dict.fromkeys({ABSENT}))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(script, *arguments):
    command = [sys.executable, "-c", ALONE, str(PAPER / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_packed_and_run_in_chunks(tmp_path):
    classes = [class_id for name in (*PAPER_SETS, "bear") for class_id in SETS[name]]
    whole = make_tiny_imagenet(tmp_path / "whole.zip", classes, 4, 2)
    packed = tmp_path / "six.zip"
    assert run("pack.py", whole, packed).returncode == 0
    assert packed.stat().st_size < whole.stat().st_size
    for split in ("train", "test"):
        images = load_tiny_imagenet(packed, "bottle", split)
        assert images.names == load_tiny_imagenet(whole, "bottle", split).names
    options = ["--data", packed, "--budget", "smoke", "--sets", "bottle", "--device", "cpu"]
    options += ["--methods", "sn-dcgan", "sn-dcgan+aug"]
    options += ["--runs", tmp_path / "runs", "--results", tmp_path]
    late = run("chunk.py", *options, "--minutes", 1e-9)
    assert (late.returncode, late.stderr) == (3, "")
    done = run("chunk.py", *options)
    assert (done.returncode, done.stderr) == (0, "")
    methods = [row["method"] for row in read_rows(tmp_path / "table3.json")]
    assert methods[-2:] == ["sn-dcgan", "sn-dcgan+aug"]
    wrong = run("chunk.py", *options[:-2], "--sets", "tree")
    assert wrong.returncode == 2
    assert "Unknown Tiny ImageNet set 'tree'" in wrong.stdout
