"""What tests of training ask of a run folder."""

import json

import torch
from safetensors.torch import load_file


def logged(run):
    lines = run.log.read_text().splitlines() if run.log.exists() else []
    return [json.loads(line)["iteration"] for line in lines if line.endswith("}")]


def assert_same_weights(one, other):
    for path in ("checkpoint/latest.safetensors", "model.safetensors"):
        first, second = load_file(one.folder / path), load_file(other.folder / path)
        assert first.keys() == second.keys()
        assert {k for k in first if not torch.equal(first[k], second[k])} == set()
