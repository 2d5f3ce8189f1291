"""Pack the paper's six sets alone, small enough to carry to a machine with a GPU.

python benchmarks/paper/pack.py tiny-imagenet-200.zip six-sets.zip
"""

import argparse
import sys
import zipfile
from pathlib import Path

from ganloc.errors import UserError
from ganloc.files import writing
from ganloc.images.tiny_imagenet import PAPER_SETS, classes_of

VAL = "val/val_annotations.txt"


def pack(archive: Path, out: Path) -> None:
    """Copy train and val of the six sets' classes, stored as they are: JPEGs do not shrink."""
    wanted = set(classes_of(",".join(PAPER_SETS)))
    with zipfile.ZipFile(archive) as source, writing(out) as packed:
        annotations = next((name for name in source.namelist() if name.endswith(VAL)), None)
        if annotations is None:
            raise UserError(f"{archive} is not Tiny ImageNet: give tiny-imagenet-200.zip.")
        root = annotations.removesuffix(VAL)
        lines = source.read(annotations).decode("ascii").splitlines(keepends=True)
        kept = [line for line in lines if line.split("\t")[1] in wanted]
        val = {f"{root}val/images/{line.split(chr(9))[0]}" for line in kept}
        with zipfile.ZipFile(packed, "w") as target:
            target.writestr(annotations, "".join(kept))
            for name in source.namelist():
                folder, _, rest = name.removeprefix(root).partition("/")
                ours = folder == "train" and rest.split("/")[0] in wanted
                if name in val or (ours and not name.endswith("/")):
                    target.writestr(name, source.read(name))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Pack the six sets alone.")
    parser.add_argument("archive", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    try:
        pack(options.archive, options.out)
    except (UserError, OSError, zipfile.BadZipFile) as error:
        sys.exit(str(error))
    print(f"{options.out}: {options.out.stat().st_size / 2**20:.1f} MiB")
