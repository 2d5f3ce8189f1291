"""Learning from hints: a student that is taught the few boxes that a user drew.

Among all pseudo-boxes the hints would be drowned, so they teach students of their own. Some start
from the label-free student, others from random weights. Each learns two thirds of the hints and is
tried on the rest (cross-fitting). The mean mask of the label-free student and of those that began
with it labels all other images, unless hints speak clearly for others. The final student learns
these boxes and the hints.
"""

import copy
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.box.iou import best_iou
from ganloc.images.image_set import ImageSet, every_nth
from ganloc.recipes import Recipe
from ganloc.shapes import Float, Int, UInt8
from ganloc.student.evidence import evidence
from ganloc.student.hinted import Hinted
from ganloc.student.optimise import CountedSteps
from ganloc.student.score import PlattScaling, log_odds
from ganloc.student.train_student import THRESHOLD, new_student, padded, soft_masks, train_student
from ganloc.student.unet import UNet
from ganloc.threads import side_by_side

FOLDS = 3
FOLD_BATCH = 8  # hints are few
FINAL_STEPS, FINAL_RATE = 300, 2e-3
FINAL_BATCH, FINAL_HINTS = 16, 4  # images and hints of a step of the final student
MOST_TAUGHT = 500  # other images; the training is too short for more


@dataclass(frozen=True)
class Start:
    """How students begin, and how long they learn.

    Attributes:
        warm: whether from the label-free student; else from random weights.
        steps: training steps of each student.
        rate: peak learning rate.
    """

    warm: bool
    steps: int
    rate: float


LABEL_FREE = "label-free"
STARTS = {"warm": Start(True, 80, 2e-3), "scratch": Start(False, 100, 4e-3)}

# What may teach the final student: the mean mask of these, which count the same. It is the first
# row whose students exist, unless hints speak clearly for another. The label-free student alone as
# a further row changed nothing (docs/log.md).
TEACHERS = ((LABEL_FREE, "warm"), ("warm", "scratch"), ("warm",), ("scratch",))


@dataclass(frozen=True)
class _Source:
    """Students, their masks of hints that were not shown, and the log-odds of the masks' boxes."""

    students: list[UNet]
    on_hints: Float[np.ndarray, "n size size"]
    log_odds: Float[np.ndarray, " n"]

    def masks(self, pixels: UInt8[np.ndarray, "n size size 3"]) -> Float[np.ndarray, "n size size"]:
        """The mean mask of the students, of images without hints."""
        return np.mean([soft_masks(student, pixels) for student in self.students], axis=0)


def checksums(pixels: UInt8[np.ndarray, "n size size 3"]) -> list[int]:
    """CRC-32 of each image, which tells images with hints from others."""
    return [zlib.crc32(np.ascontiguousarray(image).tobytes()) for image in pixels]


def steps_of_hints(hints: int, warm: bool) -> int:
    """The training steps of `learn_hints` for so many hints, with a label-free student or none."""
    of_folds = sum(start.steps for start in _starts(warm).values())
    return min(FOLDS, hints) * of_folds + FINAL_STEPS


def _starts(warm: bool) -> dict[str, Start]:
    """The rows of `STARTS` that are possible with a label-free student, or without one."""
    return {name: start for name, start in STARTS.items() if warm or not start.warm}


def learn_hints(
    images: ImageSet,
    hints: ImageSet,
    label_free: UNet | None,
    recipe: Recipe,
    device: torch.device,
    after_step: Callable[[int, float], None],
) -> Hinted:
    """Train a student on hints, and on the other images by what the hints confirm.

    Args:
        images: the set.
        hints: images of it with the boxes that were drawn as truth; none means "no object". At
            least one has a box.
        label_free: the student of a training without hints, in evaluation mode; None without one.
        recipe: gives size, width and seed of the students.
        device: where to train.
        after_step: called after every training step with the number of steps and the loss.
    """
    truth = hints.truth_in_fractions()
    boxes, folds = padded(truth), _folds(len(hints), recipe.seed)
    counted = CountedSteps(after_step)
    begin = partial(_begin, label_free, recipe, device)
    sources = _cross_fitted(
        hints.pixels, boxes, folds, _starts(label_free is not None), begin, counted
    )
    if label_free is not None:
        sources[LABEL_FREE] = _Source([label_free], *_found(label_free, hints.pixels))
    teacher, ious = _most_believable(sources, truth)
    believed = [sources[name] for name in teacher]
    start = Start(label_free is not None, FINAL_STEPS, FINAL_RATE)
    student = begin(start, 0)
    _learn_with_teacher(student, images, hints, boxes, believed, start, recipe.seed, counted)
    return Hinted(
        _in_layout(student, torch.contiguous_format).requires_grad_(False),  # as files need it
        hints.names,
        tuple(checksums(hints.pixels)),
        teacher,
        tuple(ious.tolist()) if len(ious) > 1 else (),
        tuple(_ious(sources, (LABEL_FREE,), truth).tolist()),
        _scaling(believed, truth),
    )


def _begin(
    label_free: UNet | None, recipe: Recipe, device: torch.device, start: Start, fold: int
) -> UNet:
    """A student before its training, with weights in the layout that is fastest here."""
    if start.warm:
        assert label_free is not None
        student = copy.deepcopy(label_free).requires_grad_(True)
    else:
        student = new_student(recipe.size, recipe.student_width, recipe.seed + fold, device)
    return _in_layout(student, torch.channels_last)


def _in_layout(student: UNet, layout: torch.memory_format) -> UNet:
    for weights in student.parameters():
        if weights.ndim == 4:
            weights.data = weights.data.contiguous(memory_format=layout)
    return student


def _cross_fitted(
    pixels: UInt8[np.ndarray, "n size size 3"],
    boxes: Float[np.ndarray, "n k 4"],
    folds: Int[np.ndarray, " n"],
    starts: dict[str, Start],
    begin: Callable[[Start, int], UNet],
    counted: CountedSteps,
) -> dict[str, _Source]:
    """Train students of each start, one for each fold, on the hints of the other folds."""
    each = range(folds.max() + 1)
    tried = [folds == fold for fold in each]
    shown = [~own if folds.any() else own for own in tried]  # one hint is shown and tried
    students = {name: [begin(start, fold) for fold in each] for name, start in starts.items()}
    trainings = []
    for name, start in starts.items():
        for fold, own in enumerate(shown):
            taught = pixels[own], boxes[own], start.steps, fold, FOLD_BATCH, start.rate
            trainings.append(train_student(students[name][fold], *taught))
    counted.run(side_by_side(trainings))
    sources = {}
    for name, trained in students.items():
        masks, odds = np.zeros(pixels.shape[:3], np.float32), np.zeros(len(pixels))
        for own, student in zip(tried, trained, strict=True):
            masks[own], odds[own] = _found(student.requires_grad_(False), pixels[own])
        sources[name] = _Source(trained, masks, odds)
    return sources


def _found(
    student: UNet, pixels: UInt8[np.ndarray, "n size size 3"]
) -> tuple[Float[np.ndarray, "n size size"], Float[np.ndarray, " n"]]:
    """A student's masks, and the log-odds of their boxes."""
    masks = soft_masks(student, pixels)
    boxes = boxes_from_heatmaps(masks, student.size, THRESHOLD)
    return masks, log_odds(evidence(student, pixels, masks, boxes))


def _most_believable(
    sources: dict[str, _Source], truth: tuple[Float[np.ndarray, "_ 4"], ...]
) -> tuple[tuple[str, ...], Float[np.ndarray, " n"]]:
    """The row of `TEACHERS` that the hints speak for, and its IoUs on them.

    It is the first row that is possible, unless the best row's gain in mean IoU is above its
    standard error: few hints often favour what is worse.
    """
    possible = [names for names in TEACHERS if set(names) <= set(sources)]
    found = {names: _ious(sources, names, truth) for names in possible}
    best = max(possible, key=lambda names: found[names].mean())
    gain = found[best] - found[possible[0]]
    if len(gain) < 2 or gain.mean() <= gain.std(ddof=1) / len(gain) ** 0.5:
        best = possible[0]
    return best, found[best]


def _ious(
    sources: dict[str, _Source], names: tuple[str, ...], truth: tuple[Float[np.ndarray, "_ 4"], ...]
) -> Float[np.ndarray, " n"]:
    """IoU of the boxes of sources together, for each hint with a box."""
    if not set(names) <= set(sources):
        return np.empty(0)
    drawn = [index for index, boxes in enumerate(truth) if len(boxes)]
    masks = np.mean([sources[name].on_hints[drawn] for name in names], axis=0)
    boxes = boxes_from_heatmaps(masks, masks.shape[1], THRESHOLD)
    return best_iou(boxes, tuple(truth[index] for index in drawn))


def _scaling(believed: list[_Source], truth: tuple[Float[np.ndarray, "_ 4"], ...]) -> PlattScaling:
    """The scaling of scores by what the teacher found in the hints. One hint tells nothing."""
    if len(truth) < 2:
        return PlattScaling()
    masks = np.mean([source.on_hints for source in believed], axis=0)
    right = best_iou(boxes_from_heatmaps(masks, masks.shape[1], THRESHOLD), truth) > 0.5
    return PlattScaling.fit(np.mean([source.log_odds for source in believed], axis=0), right)


def _learn_with_teacher(
    student: UNet,
    images: ImageSet,
    hints: ImageSet,
    boxes: Float[np.ndarray, "n k 4"],
    believed: list[_Source],
    start: Start,
    seed: int,
    counted: CountedSteps,
) -> None:
    """Train the final student on the hints and on the teacher's boxes of all other images."""
    hinted = set(hints.names)
    others = [index for index, name in enumerate(images.names) if name not in hinted]
    if others:
        others = every_nth(np.array(others), MOST_TAUGHT)
    pixels = images.pixels[others]
    taught = np.zeros((len(others), boxes.shape[1], 4))
    if len(others):
        masks = np.mean([source.masks(pixels) for source in believed], axis=0)
        taught[:, 0] = boxes_from_heatmaps(masks, images.size, THRESHOLD)
    random = np.random.default_rng(seed)

    def draw(step: int) -> Int[np.ndarray, " batch"]:
        own = FINAL_HINTS if len(others) else FINAL_BATCH
        some = random.integers(len(hints), size=own)
        rest = random.integers(max(1, len(others)), size=FINAL_BATCH - own)
        return np.concatenate([some, len(hints) + rest])

    both = np.concatenate([hints.pixels, pixels]), np.concatenate([boxes, taught])
    counted.run(train_student(student, *both, start.steps, seed, FINAL_BATCH, start.rate, draw))


def _folds(count: int, seed: int) -> Int[np.ndarray, " n"]:
    """The fold of each hint, at most `FOLDS`, of nearly equal size."""
    return np.random.default_rng(seed).permutation(count) % FOLDS
