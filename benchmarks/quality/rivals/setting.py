"""What a rival is given beside the images."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class Setting:
    """The same for every rival; most need little of it.

    Attributes:
        set_name: of the images.
        seed: of all random numbers.
        device: of the networks.
        squeezenet: file of SqueezeNet's ImageNet weights, for the pretrained rivals.
        runs: folder in which trainings are kept; without it nothing is kept.
        shared: what rivals have trained or fitted already on this set, by name, for those that
            need the same. It stays the same object in settings with another seed.
    """

    set_name: str
    seed: int
    device: torch.device
    squeezenet: Path | None = None
    runs: Path | None = None
    shared: dict[tuple[Any, ...], Any] = field(default_factory=dict, repr=False, compare=False)
