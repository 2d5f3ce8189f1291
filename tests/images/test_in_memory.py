"""Images of a program: whatever they come as, they are what their files are, or are refused."""

import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from ganloc.errors import Notice, UserError
from ganloc.images.folder import load_folder
from ganloc.images.gather import crop_reader
from ganloc.images.in_memory import image_set_of, is_image_file

RANDOM = np.random.default_rng(0)
ARRAYS = [RANDOM.integers(0, 256, (40 + i, 50, 3), np.uint8) for i in range(3)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for index, pixels in enumerate(ARRAYS):
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


def paths(files):
    return sorted(files.iterdir())


FORMS = {
    "arrays": lambda _: ARRAYS,
    "a tuple": lambda _: tuple(ARRAYS),
    "a generator": lambda _: (own for own in ARRAYS),
    "floats": lambda _: [own / 255.0 for own in ARRAYS],
    "small floats": lambda _: [(own / 255.0).astype(np.float32) for own in ARRAYS],
    "Pillow": lambda _: [Image.fromarray(own) for own in ARRAYS],
    "opened files": lambda files: [Image.open(path) for path in paths(files)],
    "tensors": lambda _: [torch.from_numpy(own).permute(2, 0, 1) for own in ARRAYS],
    "tensors of floats": lambda _: [torch.tensor(own / 255.0).permute(2, 0, 1) for own in ARRAYS],
    "tensors with gradients": lambda _: [
        torch.tensor(own / 255.0, requires_grad=True).permute(2, 0, 1) for own in ARRAYS
    ],
    "not contiguous": lambda _: [own[:, ::-1][:, ::-1] for own in ARRAYS],
    "opaque": lambda _: [np.dstack([own, np.full(own.shape[:2], 255, np.uint8)]) for own in ARRAYS],
    "mixed": lambda _: [ARRAYS[0], Image.fromarray(ARRAYS[1]), ARRAYS[2] / 255.0],
    "an array of images": lambda _: np.array([*ARRAYS, None], object)[:3],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_what_its_files_are(form, files):
    images, expected = image_set_of(FORMS[form](files), 32), load_folder(files, 32)
    np.testing.assert_array_equal(images.pixels, expected.pixels)
    np.testing.assert_array_equal(images.sizes, expected.sizes)
    assert images.names == ("0", "1", "2")
    crops = np.array([[0.1, 0.2, 0.6, 0.5], [0.0, 0.0, 0.5, 0.5]])
    of_these, of_files = crop_reader(images), crop_reader(expected)
    assert of_these is not None
    assert of_files is not None
    chosen = np.array([2, 0])
    np.testing.assert_array_equal(of_these(chosen, crops), of_files(chosen, crops))


@pytest.mark.parametrize(
    "form",
    [list, lambda own: [str(path) for path in own], lambda own: np.array(list(map(str, own)))],
)
def test_paths_keep_their_order_and_name_their_images(form, files):
    turned = paths(files)[::-1]
    images = image_set_of(form(turned), 32)
    assert images.names == tuple(path.as_posix() for path in turned)
    np.testing.assert_array_equal(images.pixels, load_folder(files, 32).pixels[::-1])


@pytest.mark.parametrize(
    "own", [ARRAYS[0], Image.fromarray(ARRAYS[0]), [ARRAYS[0]], ARRAYS[0][None]]
)
def test_one_image_is_one(own):
    assert image_set_of(own, 32).names == ("0",)


def test_grey_has_no_channels_or_one():
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    forms = [
        grey,
        grey[..., None],
        torch.tensor(grey),
        torch.tensor(grey)[None],
        np.dstack([grey] * 3),
    ]
    pixels = image_set_of(forms, 8).pixels
    np.testing.assert_array_equal(pixels, np.broadcast_to(grey[None, :, :, None], (5, 8, 8, 3)))


def test_a_stack_is_its_images():
    stack = RANDOM.integers(0, 256, (5, 20, 30, 3), np.uint8)
    for own in (stack, torch.tensor(stack).permute(0, 3, 1, 2), stack / 255.0):
        images = image_set_of(own, 16)
        np.testing.assert_array_equal(images.pixels, image_set_of(list(stack), 16).pixels)
        assert images.sizes.tolist() == [[30, 20]] * 5


def test_what_is_transparent_is_mid_grey():
    clear = np.zeros((8, 8, 4), np.uint8)
    assert set(image_set_of(clear, 8).pixels.ravel().tolist()) == {128}


MODES = ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"]


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_8_bits_shows_what_it_shows(mode):
    red = Image.new("RGB", (8, 8), (255, 0, 0))
    own = red.convert("RGBA").convert(mode) if mode == "RGBa" else red.convert(mode, dither=0)
    pixel = image_set_of(own, 8).pixels[0, 4, 4].tolist()
    grey = {"1": 0, "L": 76, "LA": 76}.get(mode)
    assert np.abs(np.subtract(pixel, [255, 0, 0] if grey is None else [grey] * 3)).max() <= 2


def test_a_rotation_that_is_not_applied_is_told(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(ARRAYS[0]).save(tmp_path / "a.jpg", exif=exif)
    said = "1 of 2 Pillow images carry a rotation"
    with Image.open(tmp_path / "a.jpg") as turned, pytest.warns(Notice, match=said):
        images = image_set_of([turned, Image.fromarray(ARRAYS[0])], 32)
    assert images.sizes.tolist() == [[50, 40], [50, 40]]  # as the program sees it
    assert image_set_of([tmp_path / "a.jpg"], 32).sizes.tolist() == [[40, 50]]


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (None, "None"),
        (3, "3"),
        ({"a": ARRAYS[0]}, "a dict"),
        ({"a.png"}, "a set"),
        (b"\xff\xd8" * 9999, "a bytes"),
        (object(), "an object"),
        (len, "a builtin_function_or_method"),
        ([None], "Image 0 is None"),
        ([ARRAYS[0], (ARRAYS[1], 7)], "Image 1 is a tuple"),
        ([[0, 1], [1, 0]], "Image 0 is a list"),
        (range(3), "Image 0 is 0"),
    ],
)
def test_what_is_no_image_is_a_type_error_that_says_what_is_taken(given, what):
    with pytest.raises(TypeError, match=r"give the path of a folder.*arrays.*tensors") as error:
        image_set_of(given, 32)
    assert what in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ([], "no images in the list"),
        ((), "no images in the tuple"),
        (iter(()), "no images in the"),
        (np.zeros((0, 8, 8, 3), np.uint8), "no images in the ndarray"),
        ([ARRAYS[0].astype(np.uint16)], "Image 0 is 40 × 50 × 3 of uint16"),
        ([ARRAYS[0], ARRAYS[1].astype(int)], "Image 1 is 41 × 50 × 3 of int64"),
        (torch.zeros(3, 8, 8, dtype=torch.int64), "3 × 8 × 8 of int64"),
        (ARRAYS[0] > 3, "of bool"),
        (ARRAYS[0] * 1.0, "of float64 beyond 0–1"),
        (torch.randn(3, 8, 8), "of float32 beyond 0–1"),
        (np.full((8, 8), np.nan), "of float64 beyond 0–1"),
        (np.zeros((8, 8), complex), "of complex128"),
        (ARRAYS[0].transpose(2, 0, 1), r"channels last: transpose\(1, 2, 0\)"),
        (torch.from_numpy(ARRAYS[0]), r"channels first: permute\(2, 0, 1\)"),
        (np.zeros((8, 8, 5), np.uint8), "give height × width"),
        (np.zeros(5), "give height × width"),
        (np.zeros(()), "a single value"),
        (np.zeros((0, 8), np.uint8), "no pixels"),
        (Image.new("I;16", (8, 8)), "mode of image 0 is I;16"),
        (Image.new("F", (8, 8)), "mode of image 0 is F"),
        ([""], "Image 0 is an empty path"),
        (["x" * 5_000], "Image 0, 'x{50}'…, is not there"),
        (["a\0b.png"], "Image 0, 'a.x00b.png', is not there"),
        (["~$a.jpg"], r"Image 0, '~\$a.jpg', is not there"),
        (torch.zeros(3, 8, 8, device="meta"), "cannot become an array"),
        (torch.zeros(3, 8, 8).to_sparse(), "cannot become an array"),
        (np.ma.masked_equal(np.eye(8, dtype=np.uint8), 1), "has masked pixels"),
        ([np.ma.masked_greater(ARRAYS[0], 200)], "has masked pixels"),
        (["typo.png"], "Image 0, 'typo.png', is not there"),
        (["."], r"Image 0, '\.', is a folder"),
    ],
)
def test_what_cannot_be_used_is_one_short_sentence(given, what):
    with pytest.raises(UserError, match=what) as error:
        image_set_of(given, 32)
    assert len(str(error.value)) < 200
    assert "\n" not in str(error.value)


def test_a_list_with_a_file_that_cannot_be_read_is_refused_so_that_it_stays_in_step(
    files, tmp_path
):
    (tmp_path / "torn.png").write_bytes(b"\x89PNG torn")
    with pytest.raises(UserError, match=r"1 of 4 images cannot be read \(.*torn\.png: "):
        image_set_of([*paths(files), tmp_path / "torn.png"], 32)


def test_a_file_whose_name_is_the_place_of_another_image_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(ARRAYS[0]).save("1", "PNG")
    with pytest.raises(UserError, match="Two images are called 1"):
        image_set_of(["1", ARRAYS[1]], 32)
    assert len(image_set_of(["1", "1"], 32)) == 2  # twice the same is no question


def test_which_files_are_images(files, tmp_path):
    (tmp_path / "notes.png").write_text("no image")
    assert is_image_file(paths(files)[0])
    assert not any(map(is_image_file, [tmp_path / "notes.png", tmp_path, tmp_path / "typo"]))


def test_an_error_of_the_program_s_own_generator_stays_its_own():
    def broken():
        yield ARRAYS[0]
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"), warnings.catch_warnings():
        image_set_of(broken(), 32)


def test_an_array_whose_mask_hides_nothing_is_an_array():
    own = np.ma.masked_greater(ARRAYS[0], 255)
    np.testing.assert_array_equal(image_set_of(own, 32).pixels, image_set_of(ARRAYS[0], 32).pixels)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_tensors_of_few_bits_are_what_they_hold(kind):
    own = torch.tensor([0.0, 0.25, 0.5, 1.0]).repeat(3, 4, 1)  # which 8 bits can hold
    pixels = image_set_of(own.to(kind), 4).pixels[0, 0, :, 0]
    assert pixels.tolist() == [0, 64, 128, 255]


@pytest.mark.parametrize(
    "wrong",
    [
        ARRAYS[0] / 255 / 255,
        (ARRAYS[0] / 255).astype(np.uint8),
        [ARRAYS[0] // 255] * 2,
        torch.tensor(ARRAYS[0] // 255).permute(2, 0, 1),
    ],
)
def test_images_that_were_scaled_twice_are_told_of(wrong):
    with pytest.warns(Notice, match="No pixel of the images is above 1 of 255"):
        image_set_of(wrong, 8)


def test_black_images_and_dark_ones_are_not_told_of():
    image_set_of([np.zeros((8, 8, 3), np.uint8)], 8)  # warnings are errors here
    image_set_of([np.full((8, 8), 2, np.uint8)], 8)


@pytest.mark.parametrize("form", ["GIF", "TIFF", "PNG"])
def test_further_pages_of_pillow_images_are_told_of_and_the_shown_one_is_read(form, tmp_path):
    frames = [Image.new("L", (16, 16), value) for value in (10, 130, 250)]
    frames[0].save(tmp_path / "a", form, save_all=True, append_images=frames[1:])
    with Image.open(tmp_path / "a") as image:
        image.seek(1)
        with pytest.warns(Notice, match="2 further pages or frames of Pillow images"):
            images = image_set_of(image, 16)
        assert image.tell() == 1
    assert abs(int(images.pixels[0, 8, 8, 0]) - 130) <= 1
