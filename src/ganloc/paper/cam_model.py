"""The trained CAM reference: classification, CAMs and boxes."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganloc.box.detections import Detections
from ganloc.errors import UserError
from ganloc.heatmap.calibrate import CALIBRATION_IMAGES, calibrate
from ganloc.heatmap.readings import READINGS
from ganloc.images.batches import READ, batched, to_tensor
from ganloc.images.image_set import ImageSet, every_nth
from ganloc.paper.cam_learner import new_learner
from ganloc.paper.cam_recipe import ReferenceRecipe
from ganloc.paper.resnet import ResNet
from ganloc.shapes import Float, Int
from ganloc.tensors import BROKEN, read_tensors, write_tensors

FORMAT = "ganloc-reference-1"
READING = READINGS["plain-cam"]


@dataclass(frozen=True)
class ReferenceModel:
    """A frozen classification network.

    Attributes:
        network: in evaluation mode.
        recipe: of the training.
        classes: ids of the classes, in the order of the logits.
        info: `iteration` of the training, number of training `images`, and their `checksum`.
    """

    network: ResNet
    recipe: ReferenceRecipe
    classes: tuple[str, ...]
    info: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_training(
        cls, network: ResNet, recipe: ReferenceRecipe, images: ImageSet, iteration: int
    ) -> "ReferenceModel":
        """Make a model from a copy of `network`. `images` are the training images."""
        frozen = copy.deepcopy(network).eval().requires_grad_(False)
        origin = {"images": len(images), "checksum": images.checksum}
        return cls(frozen, recipe, images.classes, {"iteration": iteration, **origin})

    def to(self, device: torch.device) -> "ReferenceModel":
        """The same model on `device`."""
        return replace(self, network=copy.deepcopy(self.network).to(device))

    def labels(self, images: ImageSet) -> Int[np.ndarray, " n"]:
        """The true class of each image, as an index into the model's `classes`.

        Raises:
            UserError: the images have no classes, or a class that the model was not trained on.
        """
        own = known_labels(images)
        used = {images.classes[label] for label in np.unique(own)}
        if unknown := sorted(used - set(self.classes)):
            raise UserError(
                f"The reference was not trained on the class {unknown[0]}: "
                f"give images of its {len(self.classes)} classes, or train it on this one too."
            )
        index = {name: position for position, name in enumerate(self.classes)}
        return np.array([index.get(name, -1) for name in images.classes], dtype=np.int64)[own]

    def predict(self, images: ImageSet) -> Int[np.ndarray, " n"]:
        """The class of the highest logit of each image, as an index into `classes`."""
        averages = (maps.mean(dim=(2, 3)) for maps in self._feature_maps(images))
        found = [self.network.linear(average).argmax(dim=1) for average in averages]
        return torch.cat(found).cpu().numpy()

    def accuracy(self, images: ImageSet) -> float:
        """Top-1 accuracy, 0–100 (errors as in `labels`)."""
        return 100.0 * float(np.mean(self.predict(images) == self.labels(images)))

    def heatmaps(self, images: ImageSet, predicted: bool = False) -> Float[np.ndarray, "n h w"]:
        """The class activation map (CAM) of each image.

        M(x, y) = Σ_k w_k f_k(x, y) over the last maps f with the weights w of one class, without
        bias or ReLU, as for a discriminator.

        Args:
            images: of the recipe's size.
            predicted: read the predicted class. By default the true class is read.

        Raises:
            UserError: as in `labels`, if the true class is read.
        """
        labels = self.predict(images) if predicted else self.labels(images)
        weights = self.network.linear.weight[torch.from_numpy(labels)].split(READ)
        maps = self._feature_maps(images)
        parts = [torch.einsum("bkhw,bk->bhw", *both) for both in zip(maps, weights, strict=True)]
        return torch.cat(parts).cpu().numpy()

    def detect(self, images: ImageSet, predicted: bool = False) -> Detections:
        """Detections at the threshold of the reading `plain-cam` (arguments as in `heatmaps`)."""
        heatmaps = self.heatmaps(images, predicted)
        return Detections.from_heatmaps(heatmaps, images.size, READING.threshold)

    def _feature_maps(self, images: ImageSet) -> Iterator[Tensor]:
        device = self.network.linear.weight.device
        for part in batched(len(images)):
            yield self.network.feature_maps(to_tensor(images.pixels[part], device))

    def save(self, path: Path) -> None:
        """Write weights and settings to one safetensors file, atomically."""
        metadata = {
            "format": FORMAT,
            "recipe": self.recipe.to_json(),
            "classes": json.dumps(self.classes),
            "preprocessing": json.dumps({"colour": "RGB", "scale": 1 / 127.5, "offset": -1.0}),
            "info": json.dumps(self.info),
        }
        write_tensors(path, self.network.state_dict(), metadata)

    @classmethod
    def load(cls, path: Path) -> "ReferenceModel":
        """Load the model that `save` wrote.

        Raises:
            UserError: the file does not exist, is broken, or is not a reference of this version.
        """
        try:
            weights, metadata = read_tensors(path)
            if metadata["format"] != FORMAT:
                raise ValueError(metadata["format"])
            recipe = ReferenceRecipe.from_dict(json.loads(metadata["recipe"]))
            classes = tuple(json.loads(metadata["classes"]))
            network = ResNet(len(classes), recipe.width)
            network.load_state_dict(weights)
            info = json.loads(metadata["info"])
        except (*BROKEN, UserError) as error:
            raise UserError(
                f"{path} is not a whole reference model of this version of ganloc "
                f"({type(error).__name__}): train the reference again."
            ) from error
        return cls(network.eval().requires_grad_(False), recipe, classes, info)


def known_labels(images: ImageSet) -> Int[np.ndarray, " n"]:
    """The labels of a set.

    Raises:
        UserError: the set has no labels.
    """
    if images.labels is None:
        raise UserError(
            "The supervised reference needs the class of each image, and these have none: "
            "give a set of Tiny ImageNet."
        )
    return images.labels


def untrained_reference(
    recipe: ReferenceRecipe, images: ImageSet, device: torch.device
) -> ReferenceModel:
    """The reference before its first iteration, with batch norm calibrated on `images`.

    Args:
        recipe: of the reference.
        images: the reference's training images, which give the classes.
        device: of the model.
    """
    network = new_learner(recipe, len(images.classes), device).network
    calibrate(network, every_nth(images.pixels, CALIBRATION_IMAGES))
    return ReferenceModel.from_training(network, recipe, images, iteration=0)
