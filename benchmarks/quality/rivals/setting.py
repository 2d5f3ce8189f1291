"""What a rival is given beside the images."""

from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class Setting:
    """The same for every rival; most need little of it.

    Attributes:
        set_name: of the images.
        seed: of all chance.
        device: of the networks.
        squeezenet: file of SqueezeNet's ImageNet weights, for the pretrained rivals.
        runs: folder of trainings that are kept; without it nothing is kept.
        originals: the folder whose images these are, to look closer; None for a named set.
    """

    set_name: str
    seed: int
    device: torch.device
    squeezenet: Path | None = None
    runs: Path | None = None
    originals: Path | None = None
