"""The bar of a training: where it is, and what the last line of its log says."""

from io import StringIO

from rich.console import Console

from ganloc.report.progress_bar import training_progress


def test_the_bar_shows_steps_losses_and_speed():
    out = StringIO()
    line = {"iteration": 50, "discriminator_loss": 1.23456, "border_loss": 0.5,
            "images_per_second": 123.4, "seconds": 2.0}  # fmt: skip
    with training_progress(200, Console(file=out, width=100)) as progress:
        progress(50, line)
        progress(150, {"student_loss": 0.25, "images_per_second": 80.0})
        progress(100, line)
    shown = out.getvalue()
    assert "100/200" in shown
    assert "D 1.235  border 0.500" in shown
    assert "123 images/s" in shown
    assert "student" not in shown


def test_a_training_that_has_not_told_of_itself_is_at_0():
    out = StringIO()
    with training_progress(200, Console(file=out, width=100)):
        pass
    assert "0/200" in out.getvalue()
