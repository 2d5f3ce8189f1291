"""Copies and flat images: what a set holds too little of to learn from."""

import hashlib

from ganloc.images.image_set import ImageSet

WORTH_TELLING = 0.05  # share of the set


def describe_sameness(images: ImageSet) -> str:
    """A line that counts images which are exact copies of others or of one flat colour.

    Images are compared as the network sees them. "" if such images are fewer than 5 %.

    >>> import numpy as np
    >>> images = ImageSet(np.zeros((30, 8, 8, 3), np.uint8), ("a",) * 30, np.full((30, 2), 8))
    >>> describe_sameness(images)
    'All 30 images are identical and of one flat colour: there is nothing to learn from.'
    """
    first: dict[bytes, str] = {}
    copies: list[str] = []
    flat: list[str] = []
    for name, pixels in zip(images.names, images.pixels, strict=True):
        digest = hashlib.blake2b(pixels.tobytes(), digest_size=16).digest()
        if first.setdefault(digest, name) is not name:
            copies.append(f"{name} of {first[digest]}")
        if (pixels == pixels[0, 0]).all():
            flat.append(name)
    count = len(images)
    if count > 1 and (len(first) == 1 or len(flat) == count):
        alike = "identical" if len(first) == 1 else ""
        plain = "of one flat colour each" if len(first) > 1 else "of one flat colour"
        said = " and ".join(filter(None, [alike, plain if len(flat) == count else ""]))
        return f"All {count} images are {said}: there is nothing to learn from."
    parts = {"are exact copies of others": copies, "are of one flat colour": flat}
    told = [
        f"{len(names)} of {count} images {what} (such as {names[0]})"
        for what, names in parts.items()
        if len(names) >= max(1, WORTH_TELLING * count)
    ]
    return f"{', and '.join(told)}: they teach nothing new." if told else ""
