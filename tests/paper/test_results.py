"""Rows that are worked out once, and the file that keeps them."""

import json

import pytest

from ganloc.errors import UserError
from ganloc.paper.results import Results, read_rows

COMMAND = "ganloc reproduce table3"


def results(tmp_path):
    return Results(tmp_path / "docs" / "table3.json", ("set", "seed"), COMMAND)


def test_rows_are_found_by_their_identity_also_by_the_next_process(tmp_path):
    first = results(tmp_path)
    assert first.find(set="bird", seed=0) is None
    first.add({"set": "bird", "seed": 0, "loc": 57.0})
    first.add({"set": "bird", "seed": 1, "loc": 58.0})
    again = results(tmp_path)
    assert again.find(set="bird", seed=0)["loc"] == 57.0
    assert again.find(set="bird", seed=1)["loc"] == 58.0
    assert again.find(set="cat", seed=0) is None


def test_a_row_of_the_same_identity_takes_the_place_of_the_old_one(tmp_path):
    kept = results(tmp_path)
    for loc in (1.0, 2.0):
        kept.add({"set": "bird", "seed": 0, "loc": loc})
    assert [row["loc"] for row in results(tmp_path).rows] == [2.0]


def test_the_file_says_how_where_and_when_it_was_made(tmp_path):
    kept = results(tmp_path)
    kept.add({"set": "bird", "seed": 0})
    found = json.loads(kept.path.read_text())
    assert list(found) == ["command", "date", "machine", "versions", "rows"]
    assert found["command"] == COMMAND
    assert set(found["versions"]) == {"python", "torch", "numpy"}
    assert found["rows"][0]["date"] == found["date"]
    assert [path.name for path in kept.path.parent.iterdir()] == ["table3.json"]


def test_rows_of_another_process_are_kept(tmp_path):
    one, other = results(tmp_path), results(tmp_path)
    one.add({"set": "bird", "seed": 0})
    other.add({"set": "cat", "seed": 0})
    assert [row["set"] for row in results(tmp_path).rows] == ["bird", "cat"]


@pytest.mark.parametrize("text", ["", "[]", '{"rows": [1]}', '{"rows"', '{"lines": []}'])
def test_another_file_is_left_alone(tmp_path, text):
    path = tmp_path / "docs" / "table3.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(UserError, match=r"table3\.json is not a file of results"):
        results(tmp_path)
    assert path.read_text() == text
    with pytest.raises(UserError):
        read_rows(path)
