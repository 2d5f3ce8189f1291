"""`ganloc suggest`."""

from shlex import quote

from ganloc.commands.common import Data, File, Flag, Name, Photos, Trained, options_again, say


def suggest(
    run: Trained,
    photos: Photos,
    count: int = 10,
    out: File = None,
    hints: File = None,
    pages: Flag = False,
    data: Data = None,
    device: Name = None,
) -> None:
    """Name the images in which a box that you draw helps most.

    Args:
        run: A run folder, or its model.safetensors.
        photos: The images of the training: a folder or zip, tiny-imagenet:SET, or embedded.
        count: How many images to name.
        out: A COCO file for these images with the boxes that the run finds, to correct in an
            annotation tool and give to finetune --hints.
        hints: A COCO file of boxes that you drew before. These images are not named again, and
            those like them come last.
        pages: Take each page or frame of a file as an image, named FILE#1, FILE#2, …
        data: tiny-imagenet-200.zip for tiny-imagenet:SET, or its folder.
        device: cpu, cuda, …; by default a GPU if there is one.
    """
    from ganloc.box.formats import write_coco
    from ganloc.commands.outputs import check_outputs
    from ganloc.images.hints import read_hints
    from ganloc.images.source import load_images
    from ganloc.localizer import Localizer

    if out is not None:
        check_outputs(out, None, {}, photos, [run] if data is None else [run, data])
    localizer = Localizer.load(run, device)
    size, scale = localizer.recipe.size, localizer.scale
    images = load_images(photos, size, "train", data, scale=scale, pages=pages)
    known = None if hints is None else read_hints(hints, images)
    names = localizer.suggest(images, count, known)
    chosen = images.subset([images.names.index(name) for name in names])
    for name in chosen.names:
        print(name)
    if out is not None:
        write_coco(out, chosen, localizer.detect(chosen), polygons=False)
        say(
            f"{len(chosen)} boxes to correct in {out}. Then:  ganloc finetune {quote(str(run))} "
            f"{quote(photos)} --hints CORRECTED{options_again(pages, data)}"
        )
