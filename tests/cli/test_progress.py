"""The time that a solve still takes, and how it is told."""

import numpy as np
import pytest

from hyperlimit.cli._progress import TerminalReporter, remark
from hyperlimit.cli._time_left import TimeLeft


def told(residuals, seconds=2.0, tolerance=1e-8):
    left = TimeLeft(tolerance)
    for chunk, residual in enumerate(residuals):
        left.add(seconds * chunk, float(residual))
    return left.seconds


def test_a_straight_fall_is_read_off():
    # From 1e-2 to 1e-8 in tenths a chunk: six chunks more.
    assert told([1, 1e-1, 1e-2, 1e-3, 1e-4]) == pytest.approx(8, abs=1e-9)
    assert told(np.geomspace(1, 1e-3, 7)) == pytest.approx(20, abs=1e-9)


def test_jumps_do_not_move_it():
    """A fifth of the chunks a thousandfold above the line, the latest among them."""
    line = 10.0 ** (-np.arange(20) / 4)
    steady = told(line)
    line[4::5] *= 1e3
    assert told(line) == pytest.approx(steady, rel=0.1)


def test_a_change_of_pace_is_followed():
    slow_then_fast = np.concatenate(
        [np.geomspace(1, 0.1, 50), 10.0 ** -np.arange(1, 33)]
    )
    assert told(slow_then_fast[:-1], tolerance=1e-40) == pytest.approx(18, rel=0.05)


@pytest.mark.parametrize(
    "residuals", [[1, 0.1, 0.01], [1, 2, 4, 8, 16], [1.0] * 9, [np.nan, 0, np.inf, 1]]
)
def test_what_cannot_be_known_is_not_said(residuals):
    assert told(residuals) is None
    assert remark(1e-3, 1e-6, None) == "residual 1e-03 of 1e-06"


def test_what_has_converged_takes_no_time():
    assert told([1e-6, 1e-7, 1e-8, 1e-9, 1e-10]) == 0


def test_the_terminal_shows_iterations_residual_and_time(capfd):
    with TerminalReporter().solve("solving", 1e-6) as progress:
        for chunk in range(6):
            progress(10 * (chunk + 1), 10.0**-chunk)
    shown = capfd.readouterr().err
    assert "step 60" in shown
    assert "residual 1e-05 of 1e-06" in " ".join(shown.split())


def test_hours_are_readable():
    assert "1:02:03 left" in remark(1e-3, 1e-6, 3723.4)
