"""Devices, and tensors in safetensors files."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ganloc.errors import UserError
from ganloc.files import write_bytes

# Errors of reading a file that is missing, broken or of another kind, and of loading its tensors.
BROKEN = (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError)


def choose_device(name: str | None) -> torch.device:
    """The device of that name; by default a GPU if there is one, else the CPU.

    Raises:
        UserError: the device does not exist.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=name)
        return torch.device(name)
    except (RuntimeError, AssertionError) as error:
        message = f"There is no device {name!r} here: leave out --device, or give cpu."
        raise UserError(message) from error


def add_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors with `prefix` before each name.

    >>> sorted(add_prefix("student/", {"weight": torch.zeros(1)}))
    ['student/weight']
    """
    return {prefix + name: tensor for name, tensor in tensors.items()}


def strip_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names start with `prefix`, which is removed from the names.

    >>> sorted(strip_prefix("a/", {"a/weight": torch.zeros(1), "b/weight": torch.zeros(1)}))
    ['weight']
    """
    found = {name: own for name, own in tensors.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): own for name, own in found.items()}


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file atomically (errors as in `ganloc.files.writing`)."""
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(path, save(ready, metadata=metadata))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file, on the CPU, and its metadata. Raises `BROKEN` errors."""
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tensors, file.metadata() or {}
