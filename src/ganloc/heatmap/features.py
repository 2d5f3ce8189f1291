"""Feature maps of a network that the user already has, such as DINOv2: *pre-trained*.

A network is anything that turns images into feature maps: a callable, or the name or folder of a
model that the package `transformers` can load. It sees images at its own size, which is often more
than the 64 pixels of ganloc's networks.
"""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganloc.errors import UserError
from ganloc.recipes import Recipe
from ganloc.shapes import Float, UInt8
from ganloc.wording import shown

SIZE = 224  # side of the images, in pixels, where a network does not say
CALLABLE = " (a callable)"  # ends the name of such features
FEWEST_CELLS = 3  # a side: a border and something inside
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation, if a model has none

# Images (n, 3, size, size), RGB, 0–1 → feature maps (n, channels, h, w).
FeatureMaps = Callable[[Tensor], Any]


@dataclass(frozen=True)
class Features:
    """A network that gives feature maps.

    Attributes:
        name: what the model file and messages call it.
        size: side of the images that it takes, in pixels.
        network: images (n, 3, size, size), RGB, 0–1 → feature maps (n, channels, h, w).
    """

    name: str
    size: int
    network: FeatureMaps

    @torch.no_grad()
    def maps(
        self, pixels: UInt8[np.ndarray, "n size size 3"], device: torch.device
    ) -> Float[Tensor, "n channels h w"]:
        """The feature maps of some images.

        Raises:
            UserError: they are no feature maps, have less than 3 × 3 cells, or are not finite.

        >>> from torch.nn.functional import avg_pool2d
        >>> features = Features("means", 8, lambda images: avg_pool2d(images, 2))
        >>> features.maps(np.full((1, 8, 8, 3), 255, np.uint8), torch.device("cpu")).shape
        torch.Size([1, 3, 4, 4])
        """
        moved = torch.from_numpy(np.ascontiguousarray(pixels)).to(device).permute(0, 3, 1, 2)
        found = self.network(moved.float() / 255.0)
        found = torch.from_numpy(found) if isinstance(found, np.ndarray) else found
        if not isinstance(found, Tensor):
            raise UserError(
                f"The features of {self.name} are {shown(found)}: they must be a tensor of "
                "images × channels × height × width."
            )
        shape = tuple(found.shape)
        if len(shape) != 4 or shape[0] != len(pixels) or min(shape[2:]) < FEWEST_CELLS:
            raise UserError(
                f"The features of {self.name} have the shape {shape} for {len(pixels)} images: "
                f"they must be images × channels × height × width, of at least {FEWEST_CELLS} × "
                f"{FEWEST_CELLS} cells."
            )
        found = found.float()
        if not found.isfinite().all():
            raise UserError(
                f"The features of {self.name} are not finite (NaN or infinity): check the network "
                "and the range of images that it takes; it is given 0–1."
            )
        return found


def features_of(given: Any, device: torch.device) -> Features:
    """Features as the user gives them: a callable, or the name or folder of a model.

    Args:
        given: a callable as in `Features.network`; a torch module in evaluation mode. Its
            attributes `size` and `__name__`, if it has them, are those of the features. Or what
            `load_features` takes.
        device: for a model that is loaded.

    Raises:
        TypeError: `given` is neither.
        UserError: the model cannot be loaded, or a grey image does not give feature maps.
    """
    if isinstance(given, str | Path):
        return load_features(os.fspath(given), device)
    if not callable(given):
        raise TypeError(
            "features must be the name or folder of a model, or a callable that turns images into "
            f"feature maps, not {shown(given)}."
        )
    name = getattr(given, "__name__", type(given).__name__)
    size = getattr(given, "size", SIZE)
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise UserError(
            f"The attribute size of {name} is {shown(size)}: it must be the side of the images in "
            "pixels, a whole number."
        )
    return _tried(Features(f"{name}{CALLABLE}", size, given), device)


def _tried(features: Features, device: torch.device) -> Features:
    """The same features, which give maps of a grey image. Errors come before the training."""
    size = features.size
    features.maps(np.full((2, size, size, 3), 128, np.uint8), device)
    return features


def with_features(
    recipe: Recipe, given: Any, device: torch.device
) -> tuple[Recipe, Features | None]:
    """A recipe that names the features, and the features; None where neither gives any.

    Args:
        recipe: its features count where none are given.
        given: as for `features_of`, or None.
        device: as there; errors too.
    """
    if given is None and not recipe.features:
        return recipe, None
    features = features_of(recipe.features if given is None else given, device)
    return replace(recipe, features=features.name), features


def load_features(name: str, device: torch.device) -> Features:
    """A model of `transformers` by its folder, or by its name on the Hugging Face hub.

    Its last hidden state is read. Vision transformers (DINOv2, DINOv3, ViT) give their patch
    tokens, convolutional networks (ConvNeXt, ResNet) their last maps.

    Raises:
        UserError: `transformers` is not installed, or it cannot load the model.
    """
    if name.endswith(CALLABLE):
        raise UserError(f"The features were {name}: give it by fit(features=...).")
    try:
        import transformers  # Optional: ganloc[features]. # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise UserError(
            f"Features of {name} need the package transformers: pip install 'ganloc[features]'."
        ) from error
    try:
        model: Any = transformers.AutoModel.from_pretrained(name)
        config, processor = model.config.to_dict(), _processor(transformers, name)
        network = _LastHiddenState(model.to(device).eval().requires_grad_(False), processor)
        return _tried(Features(name, _size(config, processor), network), device)
    except UserError:
        raise
    except Exception as error:  # of many kinds: of the network, of files, of missing packages
        raise UserError(
            f"Cannot use {shown(name)} by transformers ({_first_line(error)}): give the folder of "
            "an image model, or its name on the Hugging Face hub, for which the internet is needed "
            "once."
        ) from error


class _LastHiddenState:
    """The last hidden state of a model, as feature maps."""

    def __init__(self, model: Any, processor: dict[str, Any]):
        self._model = model
        self._mean, self._deviation = (
            torch.tensor(processor.get(key) or usual)[:, None, None]
            for key, usual in zip(("image_mean", "image_std"), IMAGENET, strict=True)
        )

    def __call__(self, images: Float[Tensor, "n 3 size size"]) -> Any:
        normalised = (images - self._mean.to(images)) / self._deviation.to(images)
        found = getattr(self._model(pixel_values=normalised), "last_hidden_state", None)
        return _as_maps(found) if isinstance(found, Tensor) and found.ndim == 3 else found


def _as_maps(tokens: Float[Tensor, "n tokens channels"]) -> Float[Tensor, "n channels side side"]:
    """Patch tokens as maps. Images are square, and all other tokens (class, register) come first.

    >>> _as_maps(torch.zeros(1, 5 + 16, 8)).shape
    torch.Size([1, 8, 4, 4])
    """
    side = math.isqrt(tokens.shape[1])
    patches = tokens[:, tokens.shape[1] - side**2 :]
    return patches.transpose(1, 2).unflatten(2, (side, side))


def _processor(transformers: Any, name: str) -> dict[str, Any]:
    """The settings of a model's image processor, {} if it has none."""
    try:
        return transformers.ImageProcessingMixin.get_image_processor_dict(name)[0]
    except OSError:
        return {}


def _size(config: dict[str, Any], processor: dict[str, Any]) -> int:
    """The side of the images that a model takes."""
    for given in (processor.get("crop_size"), processor.get("size"), config.get("image_size")):
        values = given if isinstance(given, dict) else {"height": given}
        side = values.get("height") or values.get("shortest_edge")
        if isinstance(side, int):
            return side
    return SIZE


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0][:150]
