"""Arguments of the wrong type, in a process without the type checks of these tests."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ganloc

CALLS = {
    "own.fit(images, resume='no', out='x')": "resume must be True or False, not 'no'.",
    "own.fit(images, pages='no')": "pages must be True or False, not 'no'.",
    "own.fit(images, out=3)": "out must be a path, not 3.",
    "own.fit(images, progress=3)": "progress must be a function of step and line, not 3.",
    "own.localize(images, refine='no')": "refine must be True or False, not 'no'.",
    "own.localize(images, refine=None)": "refine must be True or False, not None.",
    "own.localize(images, reading=3)": "reading must be a name such as 'lda', not 3.",
    "own.detect([images])": "detect takes an ImageSet, as of load_images, not a list: localize",
    "own.detect('photos/')": "detect takes an ImageSet, as of load_images, not 'photos/': ",
    "own.save(None)": "path must be a path, not None.",
    "ganloc.load(3)": "path must be a path, not 3.",
    "ganloc.load(['x'])": "path must be a path, not a list.",
    "load_images(None, 8)": "The data must be a path or tiny-imagenet:SET, cifar10:CATEGORY or em",
    "load_images(['a'], 8)": "The data must be a path or tiny-imagenet:SET, cifar10:CATEGORY or em",
    "load_images('embedded', '64')": "size must be a whole number, not '64'.",
    "load_images('embedded', 64.0)": "size must be a whole number, not 64.0.",
    "load_images('embedded', True)": "size must be a whole number, not True.",
    "load_images('.', 8, truth=3)": "truth must be a path, not 3.",
    "load_images('cifar10:bird', 8, archive=3)": "archive must be a path, not 3.",
    "len(load_images('embedded', numpy.int64(8), 'test'))": "500",
    "own.localize(images[0], refine=numpy.True_)[0].path": "0",
}
PROGRAM = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
import numpy
import ganloc
from ganloc.images.source import load_images
from PIL import Image
Image.new("RGB", (8, 8)).save("a.png")
images = numpy.random.default_rng(0).integers(0, 256, (2, 40, 40, 3), numpy.uint8)
few = {"iterations": 1, "student_iterations": 1, "discriminator_width": 2, "student_width": 2}
own = ganloc.Localizer(device="cpu", size=32, **few).fit(images)
said = {}
for call in json.load(sys.stdin):
    try:
        said[call] = str(eval(call))
    except TypeError as error:
        said[call] = str(error)
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(ganloc.__file__).parents[1]),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=tmp_path_factory.mktemp("work"),
        input=json.dumps([*CALLS]),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_type_is_named_with_its_argument(call, said):
    assert said[call].startswith(CALLS[call])
    assert len(said[call]) < 200
