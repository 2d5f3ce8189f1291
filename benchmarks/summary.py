"""What docs/how-good.md compares on one page: the default preset, and what it has to beat."""

from collections.abc import Sequence
from dataclasses import dataclass

from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS, PAPER_SETS
from ganloc.paper.markdown import markdown
from ganloc.paper.results import ResultRow
from quality.render import hits_of, paired_gain

# In plain words → the stage of quality.json. "*": uses labels.
METHODS = {
    "ganloc, default": "student",
    "its discriminator alone": "trained-pretext-lda",
    "untrained network, same reading": "untrained-sn-dcgan-lda",
    "colour contrast × centre": "colour-contrast-centre",
    "one box fitted on labels *": "fitted-box",
    "centred box": "centre",
    "whole image": "whole-image",
    "small CNN, all box labels *": "supervised-cnn",
}
DEFAULT = "ganloc, default"


@dataclass(frozen=True)
class Group:
    """Sets whose mean is shown.

    Attributes:
        title: in plain words.
        note: what the reader must know of them.
        sets: names in quality.json.
        default: the stage that ganloc's default preset ends with on these sets.
    """

    title: str
    note: str
    sets: tuple[str, ...]
    default: str = "student"


DEVELOPMENT = Group("Development sets", "mean of 6; choices made here", (*DEVELOPMENT_SETS,))
EXAM = Group("Exam: the paper's sets", "mean of 6; no choices made here", (*PAPER_SETS,))
BUTTERFLIES = Group(
    "Butterflies", "414 larger photos; crop size chosen here", ("butterflies",), "student-refined"
)
GROUPS = (DEVELOPMENT, EXAM, BUTTERFLIES)
REFRAMED = tuple(
    Group(
        f"{group.title}, re-framed", "mean of 6", tuple(f"{name}+reframed" for name in group.sets)
    )
    for group in (DEVELOPMENT, EXAM)
)


def default_gains(rows: Sequence[ResultRow], threshold: float) -> str:
    """A line a method, a column a group of sets: what the default gains over it, in pairs.

    Empty where a method was not measured on all sets of the group, or its rows hold no hits.
    """
    groups = (*GROUPS, *REFRAMED)
    stages = {*METHODS.values(), *(group.default for group in groups)}
    hits = {stage: hits_of(rows, stage, threshold) for stage in stages}

    def gain(stage: str, group: Group) -> str:
        own, others = hits[group.default], hits[stage]
        both = own.keys() & others.keys() >= set(group.sets)
        return paired_gain(own, others, group.sets) if both else ""

    lines = [
        [label.replace(" *", "*"), *(gain(stage, group) for group in groups)]
        for label, stage in METHODS.items()
        if label != DEFAULT
    ]
    known = any(cell for line in lines for cell in line[1:])
    heads = [f"gain at IoU > {threshold} over", *(group.title for group in groups)]
    return markdown(heads, lines) if known else ""
