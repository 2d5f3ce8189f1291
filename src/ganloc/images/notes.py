"""What the user is told of how a set was read."""

from collections.abc import Sequence

from ganloc.images.decode import About
from ganloc.images.pages import split_page
from ganloc.images.scale import Range, Scale, beyond, is_gap
from ganloc.wording import either

_NAMED = 5  # files named in a line


def reading_notes(
    names: Sequence[str], about: Sequence[About], used: Scale | None, given: Scale | None
) -> tuple[str, ...]:
    """Sentences on deep images, further pages and doubtful colours; none for ordinary sets.

    Args:
        names: of the images.
        about: what is known of each.
        used: the scale of the deep images.
        given: that of a model, of which `used` was made.
    """
    lines = []
    for kind in ("integers", "floats"):
        own, known = (None if scale is None else scale.of(kind) for scale in (used, given))
        if own is not None:
            lines += _of_scale(kind, names, about, own, known)
    several = {
        name: one.pages - 1
        for name, one in zip(names, about, strict=True)
        if one.pages > 1 and split_page(name) is None
    }
    if several:
        lines.append(
            f"{sum(several.values())} further pages or frames of {_files(several)} were not looked "
            f"at: {either('--pages', 'pages=True')} takes each as an image."
        )
    unused = [name for name, one in zip(names, about, strict=True) if one.unused]
    if unused:
        lines.append(
            f"{_files(unused)} with further channels, which were not looked at: save the channels "
            "as images of their own, or three of them as RGB."
        )
    unmarked = [name for name, one in zip(names, about, strict=True) if one.unmarked_cmyk]
    if unmarked:
        lines.append(
            f"{_files(unmarked)} in CMYK without Adobe's marker, which tells whether 0 is ink: "
            "read as Adobe writes them, so their colours may be inverted. Save them as RGB."
        )
    return tuple(lines)


def other_scale(own: Scale | None, trained: Scale | None) -> str:
    """A sentence if images were loaded on another scale than those of a training; else ""."""
    for kind in ("integers", "floats"):
        mine, theirs = (None if one is None else one.of(kind) for one in (own, trained))
        if mine and theirs and (mine.low, mine.high) != (theirs.low, theirs.high):
            return (
                f"The images were loaded with {mine.sentence}, those of the training with "
                f"{theirs.sentence}: load them with load_images(…, scale=localizer.scale)."
            )
    return ""


def _of_scale(
    kind: str, names: Sequence[str], about: Sequence[About], own: Range, known: Range | None
) -> list[str]:
    deep = [
        (name, one.digest)
        for name, one in zip(names, about, strict=True)
        if one.digest and one.digest.kind == kind
    ]
    if not deep:
        return []
    as_trained = "" if known is None else ", as in the training"
    what = "floats" if kind == "floats" else "integers of more than 8 bits"
    lines = [f"{len(deep)} of {len(names)} images hold {what}: {own.sentence}{as_trained}."]
    gaps = [name for name, digest in deep if is_gap(digest, own)]
    if gaps:
        numbers = "".join(f", {number:g}" for number in own.missing)
        lines.append(f"Missing values (NaN, no-data{numbers}) are mid-grey in {_files(gaps)}.")
    cut = [name for name, digest in deep if beyond(digest, own)]
    if cut:
        lines.append(
            f"Values beyond {own.low:g} to {own.high:g} are cut off, as black or white, in "
            f"{_files(cut)}."
        )
    return lines


def _files(names: Sequence[str] | dict[str, int]) -> str:
    shown = ", ".join(list(names)[:_NAMED]) + (", …" if len(names) > _NAMED else "")
    return f"{len(names)} file{'s' if len(names) > 1 else ''} ({shown})"
