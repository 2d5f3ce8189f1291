"""The embedded data set: drawn images of one kind of object, with true boxes.

The object is a five-petalled rosette with rings, at a random place and angle, with random stretch
and colours. Its longer side is 30–70 % of the image's side. Backgrounds (slopes, clouds, bands)
have the same distribution of colours, so no colour identifies the object over the whole set. Within
one image the object stands out by colour: colour contrast alone finds most objects.
"""

from dataclasses import dataclass

import numpy as np

from ganloc.images.image_set import ImageSet
from ganloc.shapes import Bool, Float, UInt8

SUPERSAMPLING = 3
SIDE = (0.3, 0.7)  # longer side of the object, in sides of the image
PETALS = 5
RINGS = 3.0
DEPTH = 0.22  # of the gaps between petals, in radii


def draw_images(count: int, size: int, seed: int) -> ImageSet:
    """Draw `count` images of `size` × `size` pixels. Equal arguments give equal images.

    The truth is one box an image: the exact extent of the object's outline.
    """
    streams = np.random.default_rng(seed).spawn(count)
    drawn = [_draw(stream, size) for stream in streams]
    return ImageSet(
        pixels=np.stack([pixels for pixels, _ in drawn]),
        names=tuple(f"{seed}-{index:05d}.png" for index in range(count)),
        sizes=np.full((count, 2), size),
        truth=tuple(box[None] for _, box in drawn),
    )


def _draw(
    rng: np.random.Generator, size: int
) -> tuple[UInt8[np.ndarray, "size size 3"], Float[np.ndarray, "4"]]:
    fine = size * SUPERSAMPLING
    grid = (np.arange(fine) + 0.5) / fine
    x, y = np.meshgrid(grid, grid)
    rosette = Rosette.draw(rng)
    scale = rng.uniform(*SIDE) / rosette.extent.max()
    corner = rng.uniform(0.0, 1.0 - scale * rosette.extent)
    inside, rings = rosette.at(x, y, corner, scale)
    petal, ring = random_colour(rng), random_colour(rng)
    image = background(rng, x, y)
    image = np.where(inside[..., None], np.where(rings[..., None], ring, petal), image)
    image = image.reshape(size, SUPERSAMPLING, size, SUPERSAMPLING, 3).mean(axis=(1, 3))
    box = np.concatenate([corner, corner + scale * rosette.extent])
    return with_noise(rng, image), box * size


@dataclass(frozen=True)
class Rosette:
    """A rosette with rings, turned and stretched, that is not placed yet.

    Attributes:
        rotation: of the outline.
        stretch: of its second axis, 0–1, before it is turned.
        depth: by which the outline moves in and out, in radii.
        low, extent: corner and sides of the outline's box around its centre.
    """

    rotation: Float[np.ndarray, "2 2"]
    stretch: float
    depth: float
    low: Float[np.ndarray, "2"]
    extent: Float[np.ndarray, "2"]

    @classmethod
    def draw(cls, rng: np.random.Generator, depth: float = DEPTH) -> "Rosette":
        """A random rosette. Without depth it is an ellipse with rings."""
        stretch, angle = rng.uniform(0.6, 1.0), rng.uniform(0.0, 2.0 * np.pi)
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        theta = np.linspace(0.0, 2.0 * np.pi, 720, endpoint=False)
        radius = _radius(theta, depth)
        outline = rotation @ np.stack([radius * np.cos(theta), stretch * radius * np.sin(theta)])
        low = outline.min(axis=1)
        return cls(rotation, stretch, depth, low, outline.max(axis=1) - low)

    def at(
        self,
        x: Float[np.ndarray, "h w"],
        y: Float[np.ndarray, "h w"],
        corner: Float[np.ndarray, "2"],
        scale: float,
    ) -> tuple[Bool[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
        """Which points are inside the outline, and which of them on a ring of the second colour.

        Args:
            x, y: the points.
            corner: upper left of the rosette's box.
            scale: the box's sides in those of `extent`.
        """
        origin = corner - scale * self.low
        offsets = np.stack([x - origin[0], y - origin[1]])
        u, v = np.tensordot(self.rotation.T, offsets, axes=1) / scale
        v = v / self.stretch
        reach = np.hypot(u, v) / _radius(np.arctan2(v, u), self.depth)
        return reach < 1.0, np.floor(reach * 2.0 * RINGS) % 2 == 1


def _radius(theta: np.ndarray, depth: float) -> np.ndarray:
    return (1.0 - depth) + depth * np.cos(PETALS * theta)


def background(
    rng: np.random.Generator, x: Float[np.ndarray, "h w"], y: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w 3"]:
    """Random colours blended along a slope, in clouds or in wide bands."""
    kind = rng.integers(3)
    direction = rng.uniform(0.0, 2.0 * np.pi)
    along = np.cos(direction) * (x - 0.5) + np.sin(direction) * (y - 0.5)
    if kind == 0:
        blend = 0.5 + along
    elif kind == 1:
        blend = 0.5 + _clouds(rng, x, y)
    else:
        bands = rng.uniform(1.0, 2.5)
        blend = 0.5 + 0.8 * np.sin(2.0 * np.pi * bands * along + rng.uniform(0.0, 2.0 * np.pi))
    blend = blend.clip(0.0, 1.0)[..., None]
    image = (1.0 - blend) * random_colour(rng) + blend * random_colour(rng)
    veil = (0.5 + _clouds(rng, x, y)).clip(0.0, 1.0)[..., None] * rng.uniform(0.0, 0.6)
    return (1.0 - veil) * image + veil * random_colour(rng)


def _clouds(
    rng: np.random.Generator, x: Float[np.ndarray, "h w"], y: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w"]:
    """A smooth random field with a mean of about 0, mostly within ±0.5."""
    field = np.zeros_like(x)
    for _ in range(4):
        frequency = rng.normal(0.0, 1.2, 2)
        phase = rng.uniform(0.0, 2.0 * np.pi)
        field += np.cos(2.0 * np.pi * (frequency[0] * x + frequency[1] * y) + phase)
    return field / 4.0


def random_colour(rng: np.random.Generator) -> Float[np.ndarray, "3"]:
    """A random RGB colour, 0–1. Object and background share this distribution."""
    return rng.uniform(0.05, 0.95, 3)


def with_noise(
    rng: np.random.Generator, image: Float[np.ndarray, "h w 3"]
) -> UInt8[np.ndarray, "h w 3"]:
    """An image (0–1) with a camera's noise, 0–255."""
    image += rng.normal(0.0, 0.02, image.shape)
    return (image.clip(0.0, 1.0) * 255.0).round().astype(np.uint8)
