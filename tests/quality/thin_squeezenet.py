"""SqueezeNet's layout with a channel or two a layer."""

import torch
from safetensors.torch import save_file


def thin_weights():
    """Random weights under Caffe's names: two channels from conv1 and from each fire module."""
    random = torch.Generator().manual_seed(0)
    shapes = {"conv1": (2, 3, 7, 7)}
    for number in range(2, 10):
        shapes |= {
            f"fire{number}/squeeze1x1": (2, 2, 1, 1),
            f"fire{number}/expand1x1": (1, 2, 1, 1),
            f"fire{number}/expand3x3": (1, 2, 3, 3),
        }
    weights = {}
    for name, shape in shapes.items():
        weights[f"{name}.weight"] = torch.randn(shape, generator=random).abs() * 0.2
        weights[f"{name}.bias"] = torch.randn(shape[0], generator=random) * 0.1
    return weights


def write_thin(path):
    save_file({name: value.half() for name, value in thin_weights().items()}, path)
    return path
