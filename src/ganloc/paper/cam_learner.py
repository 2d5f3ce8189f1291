"""Training of the CAM reference, a classifier: its state and its training loop."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim import SGD

from ganloc.errors import UserError
from ganloc.images.augment import cut_out
from ganloc.images.batches import batch_indices, to_tensor
from ganloc.images.image_set import ImageSet
from ganloc.paper.cam_recipe import MOMENTUM, ReferenceRecipe
from ganloc.paper.resnet import ResNet
from ganloc.shapes import Float, UInt8
from ganloc.tensors import BROKEN, read_tensors, seeded, write_tensors

SHIFT = 1 / 16  # largest translation along each axis, in sides of the image


@dataclass
class Learner:
    """The state of a training: network, optimiser, and number of iterations done.

    Batches and augmentation depend on the recipe's seed and the iteration alone.
    """

    network: ResNet
    optimiser: SGD
    iteration: int = 0


@dataclass(frozen=True)
class Progress:
    """The values of one iteration, as tensors on the device.

    Attributes:
        loss: mean cross-entropy of the batch before the update. Chance is ln(classes).
        accuracy: accuracy on the batch before the update, 0–100.
        rate: learning rate of the update.
    """

    loss: Float[Tensor, ""]
    accuracy: Float[Tensor, ""]
    rate: float


def new_learner(recipe: ReferenceRecipe, classes: int, device: torch.device) -> Learner:
    """A state with random weights, drawn from the recipe's seed. They are equal on every device."""
    with seeded(recipe.seed):
        network = ResNet(classes, recipe.width).to(device)
    optimiser = SGD(
        network.parameters(), recipe.rate, momentum=MOMENTUM, weight_decay=recipe.weight_decay
    )
    return Learner(network, optimiser)


def learn(learner: Learner, images: ImageSet, recipe: ReferenceRecipe) -> Iterator[Progress]:
    """Train until `recipe.iterations`, yielding after every iteration.

    The state may be saved between two yields. On a CPU, a resumed training gives bit for bit the
    weights of one that was never stopped.

    Args:
        learner: changed in place.
        images: with labels.
        recipe: of the learner.
    """
    assert images.labels is not None
    device = next(learner.network.parameters()).device
    labels = torch.from_numpy(images.labels.astype(np.int64)).to(device)
    learner.network.train()
    while learner.iteration < recipe.iterations:
        chosen = batch_indices(len(images), recipe.batch, recipe.seed, learner.iteration)
        shown = moved_and_mirrored(images.pixels[chosen], recipe.seed, learner.iteration)
        target = labels[torch.from_numpy(chosen).to(device)]
        rate = learner.optimiser.param_groups[0]["lr"] = recipe.rate_at(learner.iteration)
        logits = learner.network(to_tensor(shown, device))
        loss = cross_entropy(logits, target)
        learner.optimiser.zero_grad()
        loss.backward()
        learner.optimiser.step()
        learner.iteration += 1
        right = (logits.detach().argmax(dim=1) == target).float()
        yield Progress(loss.detach(), 100.0 * right.mean(), rate)


def moved_and_mirrored(
    pixels: UInt8[np.ndarray, "n size size 3"], seed: int, step: int
) -> UInt8[np.ndarray, "n size size 3"]:
    """Translate each image by up to `SHIFT` of its side, and mirror half of them.

    Padding is by reflection. The random numbers depend on seed and step alone.
    """
    count, size = pixels.shape[:2]
    reach = round(SHIFT * size)
    rng = np.random.default_rng((seed, step, 1))  # `batch_indices` uses (seed, epoch)
    top, left = rng.integers(0, 2 * reach + 1, (2, count, 1))
    return cut_out(pixels, top, left, reach, rng.random((count, 1)) < 0.5)


def save_learner(learner: Learner, path: Path) -> None:
    """Write `learner` to one safetensors file, atomically."""
    tensors = {f"network/{name}": value for name, value in learner.network.state_dict().items()}
    for name, parameter in learner.network.named_parameters():
        tensors[f"momentum/{name}"] = learner.optimiser.state[parameter]["momentum_buffer"]
    write_tensors(path, tensors, {"iteration": str(learner.iteration)})


def load_learner(
    path: Path, recipe: ReferenceRecipe, classes: int, device: torch.device
) -> Learner:
    """Load the state that `save_learner` wrote.

    Raises:
        UserError: the file is missing, broken, or of another recipe.
    """
    learner = new_learner(recipe, classes, device)
    try:
        tensors, metadata = read_tensors(path)
        learner.iteration = int(metadata["iteration"])
        network = learner.network
        network.load_state_dict({k: tensors[f"network/{k}"] for k in network.state_dict()})
        for name, parameter in network.named_parameters():
            momentum = tensors[f"momentum/{name}"].to(device)
            learner.optimiser.state[parameter]["momentum_buffer"] = momentum
    except BROKEN as error:
        raise UserError(
            f"Cannot go on from {path} ({type(error).__name__}): it is missing, broken or belongs "
            "to another recipe; train again into a new folder."
        ) from error
    return learner
