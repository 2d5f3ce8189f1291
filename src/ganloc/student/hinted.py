"""What hints led to: a student, and what is known of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ganloc.student.score import PlattScaling
from ganloc.student.unet import UNet


@dataclass(frozen=True)
class Hinted:
    """What hints led to.

    Attributes:
        student: the final student, in evaluation mode.
        names: of the images with hints.
        checksums: CRC-32 of their pixels. Nothing is scored on them, whatever their name.
        teacher: a row of `TEACHERS` (learn_hints.py): what taught it, apart from the hints.
        ious: for each hint with a box, the IoU of the teacher's box when the hint was not shown to
            it. Empty if there was but one.
        label_free_ious: for each hint with a box, that of the label-free student's box. Empty
            without such a student.
        scaling: of the scores, by the boxes that were found in hints that were not shown.
    """

    student: UNet
    names: tuple[str, ...]
    checksums: tuple[int, ...]
    teacher: tuple[str, ...]
    ious: tuple[float, ...]
    label_free_ious: tuple[float, ...]
    scaling: PlattScaling

    def to_dict(self) -> dict[str, Any]:
        """All but the student, as JSON can hold it."""
        kept = {name: value for name, value in vars(self).items() if name != "student"}
        return {**kept, "scaling": asdict(self.scaling)}

    @classmethod
    def from_dict(cls, student: UNet, given: Mapping[str, Any]) -> "Hinted":
        """The inverse of `to_dict`. Raises KeyError or TypeError for anything else."""
        kept = ("names", "checksums", "teacher", "ious", "label_free_ious")
        scaling = PlattScaling(**given["scaling"])
        return cls(student=student, scaling=scaling, **{name: tuple(given[name]) for name in kept})
