"""The sets that rivals are scored on."""

from pathlib import Path

from reframed import reframed

from ganloc.errors import UserError
from ganloc.images.folder import load_folder
from ganloc.images.pictures import Pictures
from ganloc.images.tiny_imagenet import PAPER_SETS, classes_of, load_tiny_imagenet
from ganloc.images.truth import read_coco

TRUTH = "truth.coco.json"
REFRAMED = "+reframed"  # behind the name of a set of Tiny ImageNet


def refuse_exam(set_name: str, otherwise: str = "") -> None:
    """A UserError where a set of Tiny ImageNet shares a class with the paper's six.

    `otherwise` ends its sentence, such as ", or give --exam".
    """
    exam = classes_of(",".join(PAPER_SETS))
    if set(classes_of(set_name.removesuffix(REFRAMED))) & set(exam):
        raise UserError(
            f"{set_name} belongs to the paper's six sets, which are scored once a method is "
            f"frozen: choose a development set{otherwise}."
        )


def load_set(
    set_name: str, size: int, archive: Path | None, folders: dict[str, Path]
) -> tuple[Pictures | None, Pictures]:
    """Training and test pictures with truth; a folder has no split and gives no training pictures.

    Args:
        set_name: a folder's name, or a set of Tiny ImageNet, as it is or (`REFRAMED`) cut anew.
        size: side of the pictures, in pixels.
        archive: Tiny ImageNet's.
        folders: by name, each with its truth in it.

    Raises:
        UserError: something is missing or cannot be read.
    """
    if set_name in folders:
        folder = folders[set_name]
        return None, read_coco(folder / TRUTH, load_folder(folder, size))
    if archive is None:
        raise UserError(f"{set_name} needs --data tiny-imagenet-200.zip, or its folder.")
    plain = set_name.removesuffix(REFRAMED)
    train, test = (load_tiny_imagenet(archive, plain, s, size) for s in ("train", "test"))
    return (train, test) if plain == set_name else (reframed(train, seed=0), reframed(test, seed=1))
