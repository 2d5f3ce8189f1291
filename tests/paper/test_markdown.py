"""Rows as Markdown: which numbers stand where, and which marks."""

import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from ganloc.paper.cam_recipe import ReferenceRecipe
from ganloc.paper.markdown import baselines, cells, means, settings
from ganloc.recipes import Recipe

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))


def scored(loc, untrained, gain, **more):
    return {
        "loc": loc,
        "interval": [loc - 5.4, loc + 5.6],
        "peak": loc + 1,
        "untrained": untrained,
        "gain": gain,
        "max_box_acc": 70.0,
        "max_box_acc_v2": 50.0,
        **more,
    }


def trained(set_name, method, loc, gain):
    return {
        "set": set_name,
        "method": method,
        "paper": scored(loc, 40.0, gain),
        "ours": scored(loc + 2, 41.0, [1.0, 9.0]),
        "published": 58.0,
        "ms_ssim": 0.1234,
        "ms_ssim_deviation": 0.0049,
        "uniformity": 0.756,
        "uniformity_untrained": 0.1,
        "curve": [],
        "minutes": 3.04,
    }


ROWS = [
    {"set": "bird", "method": "centre", "uses_labels": False, "loc": 71.3, "interval": [64, 78]},
    {"set": "bird", "method": "fitted-box", "uses_labels": True, "loc": 70.0, "interval": [62, 77]},
    {"set": "bird", "method": "real", "ms_ssim": 0.05, "ms_ssim_deviation": 0.002},
    trained("bird", "sn-dcgan", 57.3, [0.5, 9.0]),
    {"set": "cat", "method": "centre", "uses_labels": False, "loc": 81.5, "interval": [76, 87]},
    trained("cat", "sn-dcgan", 75.5, [0.0, 9.0]),
    trained("bird", "dcgan", 50.0, [-1.0, 2.0]),
]

WORSE = trained("bird", "dragan", 52.0, [-9.0, -1.0])
REFERENCE = {
    "set": "cat",
    "method": "cam",
    "uses_labels": True,
    "paper": scored(60.0, 41.0, [1.0, 2.0]),
    "published": 80.4,
    "minutes": 12.0,
    "shared_by": 6,
}


def table(text):
    head, rule, *lines = [line[2:-2].split(" | ") for line in text.splitlines()]
    assert set("".join(rule)) <= set("-:| ")
    return [dict(zip(head, line, strict=True)) for line in lines]


def test_cells_stand_set_by_set_beside_the_published():
    lines = table(cells(ROWS))
    assert [(line["set"], line["method"]) for line in lines] == [
        ("bird", "sn-dcgan"),
        ("bird", "dcgan"),
        ("cat", "sn-dcgan"),
    ]
    first = lines[0]
    assert first["published†"] == "58.0"
    assert first["peak†"] == "58.3"
    assert first["last"] == "57.3 (52–63)"
    assert first["our reading"] == "59.3 (54–65)"
    assert first["MS-SSIM"] == "0.123 ± 0.005"
    assert (first["uniformity"], first["minutes"]) == ("0.76 (0.10)", "3.0")


def test_what_is_not_above_its_untrained_network_is_marked():
    lasts = [line["last"] for line in table(cells([*ROWS, WORSE, REFERENCE]))]
    assert lasts == [
        "57.3 (52–63)",
        "50.0° (45–56)",
        "52.0▾ (47–58)",
        "75.5° (70–81)",
        "60.0 (55–66)",
    ]


def test_the_reference_has_no_peak_and_one_training():
    line = table(cells([*ROWS, REFERENCE]))[-1]
    assert (line["method"], line["peak†"], line["minutes"]) == ("cam*", "", "12.0 for 6 sets")
    assert (line["our reading"], line["MS-SSIM"], line["uniformity"]) == ("", "", "")


def test_settings_tell_where_they_depart_from_the_paper():
    thin = asdict(Recipe(variant="dcgan", batch=32, augment=True, seed=4))
    reference = asdict(ReferenceRecipe())
    rows = [{"recipe": thin}, {"recipe": reference}, {"loc": 1.0}]
    assert settings(rows).splitlines() == [
        "- GANs, where they depart from the paper (whose value is in brackets): batch 32 (128).",
        "- CAM, where they depart from the paper (whose value is in brackets): nowhere.",
    ]
    assert settings([]) == ""


def test_a_row_of_before_a_setting_existed_has_its_default():
    old = {k: v for k, v in asdict(Recipe(batch=32)).items() if k != "border_weight"}
    (line,) = settings([{"recipe": old}]).splitlines()
    assert line.endswith("batch 32 (128).")


def test_baselines_have_a_line_a_set():
    lines = table(baselines(ROWS))
    assert [line["set"] for line in lines] == ["bird", "cat"]
    assert lines[0]["fitted-box*"] == "70.0 (62–77)"
    assert lines[1]["fitted-box*"] == ""
    assert lines[0]["MS-SSIM of real images"] == "0.050 ± 0.002"


def test_means_are_of_methods_that_every_set_has():
    lines = {line["mean of 2 sets"]: line for line in table(means(ROWS))}
    assert set(lines) == {"centre", "sn-dcgan"}
    assert lines["centre"]["last"] == "76.4"
    assert lines["sn-dcgan"]["last"] == "66.4"
    assert lines["sn-dcgan"]["peak†"] == "67.4"


def test_the_docs_show_the_results_as_they_are():
    import render_docs

    root = Path(__file__).parents[2]
    pages = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
    stale = [
        page.name for page in pages if render_docs.rendered(page.read_text()) != page.read_text()
    ]
    assert stale == [], "run: make tables"
    with pytest.raises(KeyError):
        render_docs.rendered("<!-- table none quick -->\n<!-- end -->")
