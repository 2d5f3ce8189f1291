"""Arguments of the Python API: paths and flags as they were given."""

from pathlib import Path

import numpy as np
import pytest

from ganloc.arguments import as_flag, as_path, expanded, mode_of
from ganloc.errors import UserError


class OfBytes:
    def __fspath__(self):
        return b"runs"


@pytest.mark.parametrize("given", ["runs/a", Path("runs/a")])
def test_a_path_is_a_text_or_a_path(given):
    assert as_path("out", given) == Path("runs/a")


@pytest.mark.parametrize("given", [None, 3, 3.5, b"runs", ["runs"], Path, OfBytes(), True])
def test_what_is_no_path_is_a_type_error_that_names_the_argument(given):
    with pytest.raises(TypeError, match=r"^out must be a path, not .{1,40}\.$"):
        as_path("out", given)


@pytest.mark.parametrize("given", ["", "a\0b", "x" * 5_000])
def test_a_path_that_no_machine_has_is_refused_in_one_line(given):
    with pytest.raises(UserError, match=r"^out (is empty|is no path)") as error:
        as_path("out", given)
    assert "\0" not in str(error.value)
    assert len(str(error.value)) < 400
    assert mode_of(Path(given)) == 0 or not given


def test_a_tilde_is_the_user_s_folder_or_the_file_s_own_name(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert as_path("out", "~/runs") == tmp_path / "runs"
    for own in ("~$holiday.jpg", "~no such user/a.jpg", "a~"):
        assert expanded(own) == Path(own)


@pytest.mark.parametrize("given", [True, np.True_, False, np.False_])
def test_a_flag_is_true_or_false(given):
    assert as_flag("resume", given) is bool(given)


@pytest.mark.parametrize("given", ["no", "", 0, 1, None, np.int64(1), [True]])
def test_what_only_counts_as_true_or_false_is_a_type_error(given):
    with pytest.raises(TypeError, match=r"^resume must be True or False, not "):
        as_flag("resume", given)
