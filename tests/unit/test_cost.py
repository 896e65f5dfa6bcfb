"""What the figures of a profile are turned into."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgeq.errors import UsageError
from edgeq.report.cost import Pace, pace, per_mac, share
from edgeq.target import Speed, Target, load_target

M4 = load_target("cortex-m4")
HOST = load_target("host")
BOARD = replace(M4, counter="cycles", clock_hz=80_000_000)


@pytest.mark.parametrize(
    ("target", "clock", "cpi", "expected", "ms"),
    [
        (replace(M4, speed=Speed(100, 1.25, "x")), None, None, Pace(12.5, 100, 1.25), 12.5),
        (M4, 50.0, 2.0, Pace(40.0, 50.0, 2.0), 40.0),
        (replace(M4, speed=None), 50.0, 2.0, Pace(40.0, 50.0, 2.0), 40.0),
        (replace(M4, speed=None), 50.0, None, Pace(None, 50.0, None), None),
        (replace(M4, speed=None), None, None, Pace(None, None, None), None),
        (BOARD, None, None, Pace(12.5, 80.0, None), 12.5),
        (BOARD, 160.0, None, Pace(6.25, 160.0, None), 6.25),
        (replace(BOARD, clock_hz=0), None, None, Pace(None, None, None), None),
        (HOST, None, None, Pace(1.0, None, None), 1.0),
    ],
)
def test_pace(target: Target, clock: float | None, cpi: float | None, expected: Pace, ms: float | None) -> None:
    """Milliseconds of a million units."""
    found = pace(target, clock, cpi)
    assert found == expected
    assert found.ms(1_000_000) == ms


@pytest.mark.parametrize(
    ("target", "clock", "cpi", "message"),
    [
        (M4, 0.0, None, "--clock 0 is not a positive number"),
        (M4, None, -1.5, "--cpi -1.5 is not a positive number"),
        (M4, float("nan"), None, "--clock nan is not a positive number"),
        (M4, float("inf"), None, "--clock inf is not a positive number"),
        (BOARD, None, 1.5, "--cpi says nothing: cycles are counted on cortex-m4"),
        (HOST, 100.0, None, "--clock and --cpi say nothing: time is measured on host"),
        (HOST, None, 1.0, "--clock and --cpi say nothing: time is measured on host"),
    ],
)
def test_numbers_that_say_nothing(target: Target, clock: float | None, cpi: float | None, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        pace(target, clock, cpi)
    assert caught.value.message == message


def test_shares() -> None:
    assert per_mac(300, 200) == 1.5 and per_mac(300, 0) is None
    assert share(25, 100) == 25.0 and share(0, 0) == 0.0
