"""Devices, and tensors in safetensors files."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ganloc.errors import UserError
from ganloc.files import write_bytes
from ganloc.wording import option, shown

# Errors of reading a file that is missing, broken or of another kind, and of loading its tensors.
BROKEN = (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError)


def choose_device(name: str | torch.device | None) -> torch.device:
    """The device of that name; by default a GPU if there is one, else the CPU.

    Raises:
        UserError: the device does not exist, or cannot be used in this process.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.ones(1, device=name).item()  # some devices, such as meta, exist but hold no values
        return torch.device(name)
    except (RuntimeError, AssertionError, TypeError, ValueError) as error:
        if "forked subprocess" in str(error):
            raise UserError(
                "A forked process cannot use the GPU: start it by multiprocessing's spawn method, "
                f"or give {option('device', 'cpu')}."
            ) from error
        named = shown(str(name) if isinstance(name, torch.device) else name)
        raise UserError(
            f"There is no device {named} here: leave out {option('device')}, or give cpu."
        ) from error


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
