"""`ganloc localize`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from ganloc.commands.common import (
    Data,
    File,
    Flag,
    MaxObjects,
    MinScore,
    Name,
    Photos,
    Trained,
    as_given,
    plain,
    say,
    say_pretrained,
)
from ganloc.errors import UserError

if TYPE_CHECKING:
    from ganloc.box.detections import Detections

Folder = Annotated[Path | None, as_given(Path, "DIR"), plain]
MOST_NAMED = 5  # of the least sure images
Refine = Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: on)")]


def localize(
    run: Trained,
    photos: Photos,
    out: Path,
    format: Name = None,
    category: Name = None,
    draw: Folder = None,
    heatmaps: File = None,
    reading: Name = None,
    plain_cam: Flag = False,
    refine: Refine = True,
    max_objects: MaxObjects = None,
    min_score: MinScore = 0.0,
    masks: Flag = False,
    mask_dir: Folder = None,
    pages: Flag = False,
    data: Data = None,
    device: Name = None,
) -> None:
    """Write the boxes of the objects in every image, by default one.

    Args:
        run: A run folder, or its model.safetensors.
        photos: A folder or zip of images, or the test images of tiny-imagenet:SET,
            cifar10:CATEGORY or embedded.
        out: The file to write; - is standard output.
        format: coco, coco-results (the list that pycocotools' loadRes reads) or csv; by default
            that of the suffix of --out, .json (coco) or .csv, and coco for - and devices.
        category: What the images show, such as bird, for COCO's category; by default "object".
        draw: A folder for every image with its box and the contour of its mask, and for contact
            sheets of all images, least sure first.
        heatmaps: A .npz file for the heatmaps of the whole images, for evaluate-heatmaps.
        reading: Heatmaps to cut into boxes, instead of the student's masks: lda (the
            discriminator's default), plain-cam (the paper's), or another row of READINGS.
        plain_cam: The same as --reading plain-cam.
        refine: Refine each box on a crop at the resolution of the file, if the file is larger than
            the network's images. --no-refine is faster, and less exact for small objects.
        max_objects: Objects to find in an image, at most, those with the highest scores; all for
            any number. By default one, the largest, but all if the run was trained with
            --several.
        min_score: Leave out objects with a lower score. Nothing may be left in an image.
        masks: Write the mask of each object into --out, as RLE in place of COCO's polygons.
        mask_dir: A folder for a PNG an image, of its size: 0 is background, 1, 2, … are its
            objects, the best first.
        pages: Take each page or frame of a file as an image, named FILE#1, FILE#2, …
        data: tiny-imagenet-200.zip for tiny-imagenet:SET, cifar-10-binary.tar.gz for
            cifar10:CATEGORY, or its folder.
        device: cpu, cuda, …; by default a GPU if there is one.
    """
    from ganloc.box.detections import check_objects
    from ganloc.box.formats import HOLDS_MASKS, NAMES_CATEGORY, WRITERS, format_for
    from ganloc.commands.outputs import check_drawings, check_outputs
    from ganloc.files import STANDARD_OUTPUT
    from ganloc.images.source import load_images
    from ganloc.localizer import Localizer
    from ganloc.model import HINTED, STUDENT
    from ganloc.outliers.outlier_model import describe_outliers
    from ganloc.report.export import draw_results, files_of_drawings, write_heatmaps
    from ganloc.report.mask_files import files_of_masks, write_masks

    check_objects(max_objects, min_score)
    kind = format_for(out, format)
    named = _category(category)
    if category is not None and kind not in NAMES_CATEGORY:
        say(f"--category {named} is not kept: {kind} has no place for the category's name.")
    if masks and kind not in HOLDS_MASKS:
        raise UserError(f"{kind} has no place for --masks: write COCO, or PNGs by --mask-dir.")
    folders = {"--draw": draw, "--mask-dir": mask_dir}
    check_outputs(out, heatmaps, folders, photos, [run] if data is None else [run, data])
    if plain_cam:
        if reading not in (None, "plain-cam"):
            raise UserError(f"--plain-cam is not the reading {reading}: leave out one of them.")
        reading = "plain-cam"
    localizer = Localizer.load(run, device)
    size, scale = localizer.recipe.size, localizer.scale
    images = load_images(photos, size, "test", data, scale=scale, pages=pages)
    if draw is not None:
        check_drawings("--draw", draw, photos, files_of_drawings(draw, images.names)[0])
    if mask_dir is not None:
        check_drawings("--mask-dir", mask_dir, photos, files_of_masks(mask_dir, images.names))
    found = localizer.detect(images, reading, refine, max_objects, min_score)
    WRITERS[kind](out, images, found, named, **({"masks": True} if masks else {}))
    if heatmaps is not None:
        write_heatmaps(heatmaps, reading or localizer.reading, images, found)
    if draw is not None:
        draw_results(draw, images, found)
    if mask_dir is not None:
        write_masks(mask_dir, images, found)
    # Hints measure the boxes. The verdict judged those of the training images.
    judged = localizer.expected or localizer.verdict
    if reading is None and judged is not None:
        say(judged.sentence())
    say_pretrained(localizer, reading)
    if (reading or localizer.reading) in (STUDENT, HINTED) and len(images) > MOST_NAMED:
        say(_least_sure(images.names, found))
    if found.outlier_scores is not None:
        say(describe_outliers(images.names, found.outlier_scores))
    if kind == "coco-results":
        say("image_id counts the images by name, as the ids of --format coco do.")
    where = "on standard output" if out == STANDARD_OUTPUT else f"in {out}"
    count = "1 box" if len(found) == 1 else f"{len(found)} boxes"
    if max_objects not in (None, 1) or len(found) != len(images):
        count += f" of {len(images)} images"
    drawn = [f"drawn in {draw}"] * (draw is not None) + [f"masks in {mask_dir}"] * bool(mask_dir)
    say(_nothing_found(images.names, found))
    say(", ".join([f"{count} {where}", *drawn]) + ".")


def _least_sure(names: Sequence[str], found: "Detections") -> str:
    """The images with the lowest scores, of those with an object."""
    counts, scores = found.counts.tolist(), found.best_scores.tolist()
    shown = (index for index, count in enumerate(counts) if count)
    order = sorted(shown, key=lambda index: scores[index])[:MOST_NAMED]
    named = ", ".join(f"{names[index]} ({scores[index]:.2f})" for index in order)
    return f"Least sure: {named}." if named else ""


def _nothing_found(names: Sequence[str], found: "Detections") -> str:
    """The images without an object."""
    empty = [name for name, count in zip(names, found.counts.tolist(), strict=True) if not count]
    some = ", ".join(empty[:MOST_NAMED]) + (", …" if len(empty) > MOST_NAMED else "")
    return f"Nothing was found in {len(empty)} of {len(names)} images: {some}." if empty else ""


def _category(name: str | None) -> str:
    """The category's name, "object" by default. Raises a UserError if it is no name."""
    from ganloc.box.formats import CATEGORY

    if name is None:
        return CATEGORY
    if not name.strip() or not name.isprintable():
        raise UserError(f"--category {name!r} is not a name: give one, such as bird.")
    return name.strip()
