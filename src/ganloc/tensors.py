"""Devices, weights that are drawn from a seed, and tensors in safetensors files."""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ganloc.errors import UserError
from ganloc.files import write_bytes
from ganloc.wording import option, shown

CHECKSUM = "checksum"  # a key of the metadata


class Damaged(ValueError):
    """The contents of a file are not those that were written. The message says why."""


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


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw the weights of new networks from a seed. Torch's generators are left as they were.

    >>> with seeded(1):
    ...     one = torch.rand(1)
    >>> with seeded(1):
    ...     torch.equal(torch.rand(1), one)
    True
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # leaves the GPU's generator alone
        yield


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


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file atomically (errors as in `ganloc.files.writing`).

    The metadata gets a checksum of itself and of the tensors, for `read_tensors`.
    """
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(path, save(ready, {**metadata, CHECKSUM: _checksum(ready, metadata)}))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file, on the CPU, and its metadata.

    Files of earlier versions have no checksum.

    Raises:
        Damaged: the contents are not those that were written, or not finite.
        BROKEN: the file cannot be read. `Damaged` is one of these.
    """
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = dict(file.metadata() or {})
    written = metadata.pop(CHECKSUM, None)
    if written is not None and written != _checksum(tensors, metadata):
        raise Damaged("its checksum is not that of its contents")
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise Damaged(f"{name} holds numbers that are not finite")
    return tensors, metadata


def reason_of(error: Exception) -> str:
    """A `BROKEN` error in a few words, for a message."""
    return str(error) if isinstance(error, Damaged) else type(error).__name__


def _checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """CRC-32 of names, types, shapes and bytes of tensors, and of the metadata."""
    value = zlib.crc32(repr(sorted(metadata.items())).encode())
    for name, tensor in sorted(tensors.items()):
        value = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), value)
        value = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, value)
    return f"{value:08x}"
