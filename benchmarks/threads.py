"""Trainings side by side: milliseconds an iteration by threads and how they wait, in one run.

    python benchmarks/threads.py [--size 64] [--seconds 6]

Each row trains the default preset's discriminator, then its student, in processes of their own, one
alone and two beside each other. ganloc asks for waiting with a little spinning.
"""

import argparse
import os
import subprocess
import sys
import time
from itertools import product

CASES = {
    "1 thread": {"OMP_NUM_THREADS": "1"},
    "a thread a core, spinning": {"OMP_WAIT_POLICY": "ACTIVE"},
    "a thread a core, OpenMP's default": {},
    "a thread a core, waiting": {"OMP_WAIT_POLICY": "PASSIVE"},
    "a thread a core, ganloc": {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "4000"},
}


def measure(size: int, seconds: float) -> None:
    """Print milliseconds an iteration of the discriminator and of the student."""
    import numpy as np
    import torch

    from ganloc.discriminator.train_discriminator import train_discriminator
    from ganloc.discriminator.train_state import new_train_state
    from ganloc.recipes import make_recipe
    from ganloc.student.train_student import new_student, train_student

    device, count = torch.device("cpu"), 200
    recipe = make_recipe("default", size=size, iterations=10**6)
    pixels = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)
    boxes = np.tile([0.2, 0.2, 0.8, 0.8], (count, 1))
    student = new_student(size, recipe.student_width, 0, device)
    for steps in (
        train_discriminator(new_train_state(recipe, device), pixels, recipe),
        train_student(student, pixels, boxes, 10**6, 0),
    ):
        next(steps)
        start, done = time.perf_counter(), 0
        while time.perf_counter() < start + seconds:
            next(steps)
            done += 1
        print(1000.0 * (time.perf_counter() - start) / done)


def run(own: dict[str, str], processes: int, size: int, seconds: float) -> list[float]:
    """Mean milliseconds of discriminator and student over processes that run together."""
    free = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_", "GOMP_"))}
    command = [sys.executable, __file__, "--size", str(size), "--seconds", str(seconds), "--child"]
    pipes = {"stdout": subprocess.PIPE, "env": free | own, "text": True}
    started = [subprocess.Popen(command, **pipes) for _ in range(processes)]
    found = [[float(line) for line in one.communicate()[0].split()] for one in started]
    return [sum(column) / processes for column in zip(*found, strict=True)]


def main() -> None:
    """Measure every case and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--child", action="store_true")
    given = parser.parse_args()
    if given.child:
        measure(given.size, given.seconds)
        return
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f}, {given.size} pixels; ms an iteration")
    print(f"{'':36}{'trainings':>10}{'discriminator':>15}{'student':>9}")
    for (name, own), processes in product(CASES.items(), (1, 2)):
        found = run(own, processes, given.size, given.seconds)
        print(f"{name:36}{processes:10}{found[0]:15.0f}{found[1]:9.0f}", flush=True)


if __name__ == "__main__":
    main()
