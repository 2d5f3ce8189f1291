"""Arms that train for a few iterations with two channels, and one run of them."""

import arms
import pytest
from arms import Arm, trained_run
from sets import load_set

from ganloc.checkpoints.hooks import Cadence
from ganloc.images.tiny_imagenet import SETS
from tiny_archives import make_tiny_imagenet

TINY = {"generator_width": 2, "discriminator_width": 2, "latent": 4, "batch": 2}
OFTEN = Cadence(log=1, checkpoint=2, drawings=1)
PRETEXT = Arm({**TINY, "adversarial_weight": 0.0, "border_weight": 1.0}, 4, (0, 1), OFTEN)
BOTH = Arm({**TINY, "border_weight": 1.0}, 2, (0,), OFTEN)


@pytest.fixture(scope="session")
def butterflies_and_bottles(tmp_path_factory):
    """Tiny ImageNet with few images of a development set and of one of the paper's sets."""
    path = tmp_path_factory.mktemp("archive") / "tiny.zip"
    return make_tiny_imagenet(path, (*SETS["butterfly"], *SETS["bottle"]), train=3, val=2)


@pytest.fixture(scope="session")
def butterflies(butterflies_and_bottles):
    """Training and test images."""
    return load_set("butterfly", 64, butterflies_and_bottles, {})


@pytest.fixture(scope="module")
def tiny_arms(one_thread):
    """Two arms, with a checkpoint every two iterations."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(arms.ARMS, "adversarial")
        patch.setitem(arms.ARMS, "pretext", PRETEXT)
        patch.setitem(arms.ARMS, "both", BOTH)
        yield


@pytest.fixture(scope="module")
def finished_runs(tiny_arms, butterflies, tmp_path_factory):
    """A folder of runs that holds the arm `pretext` of seed 0, to be read alone."""
    runs = tmp_path_factory.mktemp("runs")
    trained_run(runs, "pretext", "butterfly", 0, butterflies[0])
    return runs
