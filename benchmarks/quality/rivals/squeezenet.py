"""SqueezeNet 1.0 (Iandola et al., arXiv 1602.07360, Table 1) as Caffe trained it on ImageNet."""

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d, relu

from ganloc.errors import UserError
from ganloc.heatmap.features import Features
from ganloc.shapes import Float, UInt8

SIZE = 227  # pixels a side
MEAN = (104.0, 117.0, 123.0)  # blue, green, red, of 255
FIRES = tuple(f"fire{number}" for number in range(2, 10))
_POOLED = ("fire2", "fire5", "fire9")  # modules with a 3 × 3 max pooling of stride 2 before them
_CONVOLUTIONS = ("squeeze1x1", "expand1x1", "expand3x3")

Weights = dict[str, Tensor]


def load_weights(path: Path, device: torch.device) -> Weights:
    """Single-precision weights under Caffe's names, such as `fire2/squeeze1x1.weight`.

    Raises:
        UserError: no such file, or not SqueezeNet's.
    """
    try:
        weights = {name: tensor.float() for name, tensor in load_file(path, str(device)).items()}
    except (OSError, SafetensorError) as error:
        raise UserError(f"Cannot read {path} as a safetensors file: check --squeezenet.") from error
    layers = ["conv1", *(f"{fire}/{part}" for fire in FIRES for part in _CONVOLUTIONS)]
    for name in (f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")):
        if name not in weights:
            raise UserError(f"{path} has no {name}, so it is not SqueezeNet: check --squeezenet.")
    return weights


def as_input(
    pixels: UInt8[np.ndarray, "n size size 3"], device: torch.device
) -> Float[Tensor, "n 3 size size"]:
    """RGB pixels as the network takes them: blue, green, red, 0–255, less ImageNet's mean."""
    bgr = torch.from_numpy(np.ascontiguousarray(pixels[..., ::-1])).to(device).float()
    return (bgr - torch.tensor(MEAN, device=device)).permute(0, 3, 1, 2).contiguous()


def features(path: Path, device: torch.device, layer: str) -> Features:
    """A layer of the network as `ganloc.Localizer.fit` takes features. Errors as `load_weights`."""
    weights = load_weights(path, device)

    def network(images: Float[Tensor, "n 3 size size"]) -> Float[Tensor, "n channels h w"]:
        mean = torch.tensor(MEAN, device=images.device)[:, None, None]
        return feature_maps(weights, 255.0 * images.flip(1) - mean, layer)

    return Features(f"SqueezeNet {layer}", SIZE, network)


@torch.no_grad()
def feature_maps(
    weights: Weights, images: Float[Tensor, "n 3 size size"], layer: str
) -> Float[Tensor, "n channels h w"]:
    """What the fire module `layer` gives: for 227 pixels, 27 × 27 cells by fire8, 13 × 13 by fire9.

    Args:
        weights: of `load_weights`.
        images: of `as_input`.
        layer: one of `FIRES`.
    """
    maps = relu(conv2d(images, weights["conv1.weight"], weights["conv1.bias"], stride=2))
    for fire in FIRES[: FIRES.index(layer) + 1]:
        if fire in _POOLED:
            maps = max_pool2d(maps, 3, 2)
        squeezed = _convolved(weights, f"{fire}/squeeze1x1", maps)
        parts = [_convolved(weights, f"{fire}/expand{k}x{k}", squeezed, k // 2) for k in (1, 3)]
        maps = torch.cat(parts, dim=1)
    return maps


def _convolved(weights: Weights, name: str, maps: Tensor, padding: int = 0) -> Tensor:
    return relu(conv2d(maps, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=padding))
