"""Files of models and checkpoints of which a single bit is wrong, or a number."""

import itertools
import json
import struct

import pytest
import torch
from safetensors.torch import save_file

from ganloc import Localizer
from ganloc.discriminator.train_state import load_train_state, new_train_state, save_train_state
from ganloc.errors import UserError
from ganloc.method import fit
from ganloc.model import Model
from ganloc.tensors import read_tensors, write_tensors
from run_folders import CPU, IMAGES, tiny

RECIPE = tiny(iterations=1, student_iterations=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    fit(IMAGES, RECIPE, CPU).save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("state") / "latest.safetensors"
    save_train_state(new_train_state(RECIPE, CPU), path)
    return path.read_bytes()


def header_length(data):
    return 8 + struct.unpack("<Q", data[:8])[0]


def flipped(data, place, bit=0):
    return data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.999])
@pytest.mark.parametrize("bit", [0, 6])
def test_a_flipped_bit_of_the_weights_is_found(share, bit, model, checkpoint, tmp_path):
    for data, load, said in (
        (model, Model.load, r"is damaged \(.*(checksum|finite).*\): copy it again, or train again"),
        (model, Localizer.load, "is damaged"),
        (checkpoint, lambda path: load_train_state(path, RECIPE, CPU), r"\(.*(checksum|finite)"),
    ):
        start = header_length(data)
        place = start + int(share * (len(data) - start))
        (tmp_path / "m").write_bytes(flipped(data, place, bit))
        with pytest.raises(UserError, match=said) as error:
            load(tmp_path / "m")
        assert str(tmp_path / "m") in str(error.value)


def test_a_changed_setting_is_found(model, tmp_path):
    """A recipe that is valid but not the one that was written."""
    changed = model.replace(b'\\"beta1\\": 0.9', b'\\"beta1\\": 0.8')
    assert changed != model
    (tmp_path / "m").write_bytes(changed)
    with pytest.raises(UserError, match="damaged"):
        Model.load(tmp_path / "m")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("of", ["linear.weight", "student/", "statistics/"])
def test_numbers_that_are_not_finite_are_refused(value, of, model, tmp_path):
    (tmp_path / "whole").write_bytes(model)
    tensors, metadata = read_tensors(tmp_path / "whole")
    name = next(name for name, own in tensors.items() if of in name and own.is_floating_point())
    tensors[name].view(-1)[-1] = value
    write_tensors(tmp_path / "m", tensors, metadata)  # with the checksum of what is there
    with pytest.raises(UserError, match=rf"m is damaged \({name} holds .* not finite\)"):
        Model.load(tmp_path / "m")


def test_a_model_from_before_there_was_a_checksum_is_read(model, tmp_path):
    (tmp_path / "whole").write_bytes(model)
    tensors, metadata = read_tensors(tmp_path / "whole")
    assert "checksum" not in metadata
    save_file(tensors, tmp_path / "old", metadata)
    assert Model.load(tmp_path / "old").recipe == RECIPE
    tensors["linear.weight"][0, 0] = torch.nan
    save_file(tensors, tmp_path / "old", metadata)
    with pytest.raises(UserError, match="not finite"):
        Model.load(tmp_path / "old")


def test_the_checksum_is_that_of_names_types_shapes_bytes_and_metadata(tmp_path):
    one = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor(3), "c": torch.zeros(0, 2)}
    found = set()
    for tensors, metadata in (
        (one, {}),
        (one, {"x": "y"}),
        ({**one, "a": torch.tensor([2.0, 1.0])}, {}),
        ({**one, "a": torch.tensor([[1.0, 2.0]])}, {}),
        ({**one, "a": torch.tensor([1.0, 2.0]).view(torch.int32)}, {}),
        ({"b": one["a"], "a": one["b"], "c": one["c"]}, {}),
    ):
        write_tensors(tmp_path / "t", tensors, metadata)
        read, written = read_tensors(tmp_path / "t")
        assert written == metadata
        assert all(torch.equal(own, tensors[name]) for name, own in read.items())
        data = (tmp_path / "t").read_bytes()
        found.add(json.loads(data[8 : header_length(data)])["__metadata__"]["checksum"])
    assert len(found) == 6


@pytest.mark.parametrize("cut", [0, 7, 100, -1])
def test_a_file_that_was_cut_off(cut, model, tmp_path):
    (tmp_path / "m").write_bytes(model[:cut])
    with pytest.raises(UserError, match="m is not a whole model"):
        Model.load(tmp_path / "m")


@pytest.mark.parametrize("key", ["recipe", "statistics", "info", "preprocessing", "signals"])
@pytest.mark.parametrize("value", ["", "null", "3", "[]", '"x"', "[" * 3_000])
def test_metadata_that_mean_nothing_are_refused_without_a_checksum_too(key, value, model, tmp_path):
    (tmp_path / "whole").write_bytes(model)
    tensors, metadata = read_tensors(tmp_path / "whole")
    save_file(tensors, tmp_path / "old", {**metadata, key: value})
    with pytest.raises(UserError, match="old is not a whole model") as error:
        Model.load(tmp_path / "old")
    assert len(str(error.value)) < 400


def test_two_tensors_that_changed_places_are_found(model, tmp_path):
    (tmp_path / "whole").write_bytes(model)
    tensors, _ = read_tensors(tmp_path / "whole")
    one, other = next(
        (one, other)
        for one, other in itertools.combinations(tensors, 2)
        if tensors[one].shape == tensors[other].shape
        and not torch.equal(tensors[one], tensors[other])
    )
    length = header_length(model)
    head = json.loads(model[8:length])
    head[one], head[other] = head[other], head[one]
    text = json.dumps(head).encode()
    (tmp_path / "m").write_bytes(struct.pack("<Q", len(text)) + text + model[length:])
    with pytest.raises(UserError, match=r"m is damaged \(its checksum"):
        Model.load(tmp_path / "m")
