"""`ganloc train`."""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import quote

from ganloc.checkpoints.run import Run, check_new
from ganloc.checkpoints.verdict import verdict_of
from ganloc.commands.common import Data, Photos, console, load, refuse_inside, say
from ganloc.localizer import advice_on_few, check_enough, choose_device
from ganloc.recipes import DEFAULT_PRESET, make_recipe
from ganloc.report.progress_bar import training_progress
from ganloc.training import Stopped, train_run


@dataclass(frozen=True)
class Settings:
    """What may replace a preset's settings."""

    variant: str | None = None
    """With --preset laptop or paper, which GAN: gan, dcgan, sn-dcgan, dragan, wgan, wgan-gp or
    sn-wgan-gp."""
    size: int | None = None
    """Side in pixels to which images are squeezed: 32, 64, 128 or 256."""
    iterations: int | None = None
    """Training steps (of a GAN: generator updates)."""
    batch: int | None = None
    """Images a step."""
    generator_width: int | None = None
    """Channels per step of the generator's ladder (the paper's is 64)."""
    discriminator_width: int | None = None
    """Channels of the discriminator's first convolution (the paper's is 64)."""
    generator_rate: float | None = None
    """Adam's learning rate for the generator."""
    discriminator_rate: float | None = None
    """Adam's learning rate for the discriminator."""
    beta1: float | None = None
    """Adam's β₁."""
    logit_scale: float | None = None
    """The discriminator's output times this goes into the losses."""
    penalty_weight: float | None = None
    """Weight of the gradient penalty (dragan, wgan-gp, sn-wgan-gp)."""
    dragan_noise: str | None = None
    """Around dragan's real images: gaussian or uniform-scaled."""
    latent: int | None = None
    """Length of z."""
    adversarial_weight: float | None = None
    """Weight of the adversarial game (0: none is played)."""
    border_weight: float | None = None
    """Weight of the border pretext task: to tell the inside of images from their border."""
    mirror: bool | None = None
    """Show each real image mirrored half of the time."""
    augment: bool | None = None
    """Move each real image a little and change its light and colours at random."""
    select: bool | None = None
    """Keep the checkpoint that looks best without labels, not the last one."""
    patience: int | None = None
    """End after so many checkpoints without a better one (0: never; needs --select True)."""
    student_iterations: int | None = None
    """Of each round in which a student learns from the boxes found so far (0: no student)."""
    student_rounds: int | None = None
    """Rounds of it: the first learns from the seeds, each further one from the one before."""
    student_width: int | None = None
    """Channels of the student's finest maps."""
    pseudo_boxes: str | None = None
    """What its first boxes are found by: both, discriminator or colour."""
    seed: int | None = None
    """Of weights, z and the order of the images."""


AS_PRESET = Settings()


def train(
    photos: Photos,
    out: Path,
    preset: str | None = None,
    settings: Settings = AS_PRESET,
    resume: bool = False,
    data: Data = None,
    device: str | None = None,
) -> None:
    """Learn from images of one kind of thing what to look for.

    Args:
        photos: A folder or zip of images, tiny-imagenet:SET, cifar10:CATEGORY, or embedded.
        out: A new folder for the run.
        preset: border (the default: the border pretext task alone, minutes), laptop (the paper's GAN, thin)
            or paper (as published, for a GPU).
        settings: Any setting in place of the preset's.
        resume: Go on with the run in --out.
        data: tiny-imagenet-200.zip for tiny-imagenet:SET, cifar-10-binary.tar.gz for
            cifar10:CATEGORY, or its folder.
        device: cpu, cuda, …
    """
    place = choose_device(device)
    refuse_inside(photos, out, "--out")
    if resume:
        run = Run.open(out)
        images = load(photos, run.recipe().size, data)
        given = asdict(settings)
        changes = asdict(make_recipe(preset, **given)) if preset else given
        recipe = run.resume({**changes, "iterations": settings.iterations}, images)
    else:
        recipe = make_recipe(preset or DEFAULT_PRESET, **asdict(settings))
        check_new(out)
        images = load(photos, recipe.size, data)
        check_enough(images, photos)
        if advice := advice_on_few(images):
            say(advice)
        run = Run.create(out, recipe, photos, images)
    console.print(f"{len(images)} images, {recipe.summary} at {recipe.size} pixels, on {place}.")
    places = f" --data {quote(str(data))}" if data else ""
    places += f" --device {quote(device)}" if device else ""
    folder, origin = quote(str(out)), quote(photos)
    try:
        with training_progress(recipe.steps, console) as progress:
            model = train_run(run, images.unlabelled(), recipe, place, resume, progress)
    except Stopped as stop:
        again = f"ganloc train {origin} --out {folder} --resume{places}"
        later = "; the student will start again" if stop.student else ""
        say(f"Stopped and saved after iteration {stop.iteration}{later}. Go on with:\n  {again}")
        sys.exit(130)
    verdict = verdict_of(model)
    if verdict is not None:
        say(verdict.sentence())
    say(f"Done. Next:  ganloc localize {folder} {origin} --out boxes.json --draw drawn{places}")
