"""Rates and scaled samples; expected values by hand."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ReadError
from auscult.domains.signals.readers.headers import plausible_rate, scaled


@pytest.mark.parametrize(("rate_hz", "want"), [(1 / 0.0027778, 360.0), (128.2, 128.2), (1.0, 1.0)])
def test_rounding_of_a_period_is_undone(rate_hz: float, want: float) -> None:
    assert plausible_rate(rate_hz, "a") == want


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, float("nan"), float("inf"), 1e6])
def test_impossible_rate_is_refused(rate_hz: float) -> None:
    with pytest.raises(ReadError, match=r"a.dcm: expected a rate of 1 to 100000 Hz, got"):
        plausible_rate(rate_hz, "a.dcm")


def test_scaled_keeps_missing_values_and_leaves_the_input() -> None:
    digits = np.array([1.0, np.nan, -2.0])
    np.testing.assert_array_equal(scaled(digits, 0.5, 1.0, where="a"), np.array([1.5, np.nan, 0.0], np.float32))
    assert digits[0] == 1.0


@pytest.mark.parametrize(("scale", "digit"), [(0.0, 1.0), (float("nan"), 1.0), (1.0, float("inf")), (1.0, 1e12)])
def test_scaled_refuses_what_is_no_measurement(scale: float, digit: float) -> None:
    with pytest.raises(ReadError, match=r"a: expected .*export it again"):
        scaled(np.array([digit]), scale, 0.0, where="a")
