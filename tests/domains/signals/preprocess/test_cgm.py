"""Segments, windows, the GlucoBench split, time in range and low-glucose alarms."""

from __future__ import annotations

import io
import math
import os
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auscult.base.errors import DataError, ShapeError, UsageError
from auscult.domains.signals.preprocess.cgm import (
    cgm_segments,
    forecast_windows,
    hypo_alarms,
    time_in_range,
)
from auscult.engine.split_in_time import SplitProtocol, split_ranges

# From config/*.yaml of GlucoBench: file, gap_threshold (min), min_drop_length, max_length_input,
# length_segment, dropped row or subject. Then the persistence floor that was measured before on these files,
# and from the benchmark's logs (output/linreg_*.txt) the readings per role (train, valid, test, ood) with
# seed 13. Its log for Colas was made from another export of the same study: no sizes are compared there.
SETS = {
    "broll": ("iglu_example_data_5_subject.csv", 45, 240, 192, 240, None, 11.37, (7661, 1296, 2017, 2812)),
    "colas": ("Colas2019_processed.zip", 45, 192, 144, 72, None, 6.32, None),
    "dubosson": ("Dubosson2018_processed.csv", 30, 240, 192, 144, "009", 15.40, (4738, 2016, 2057, 1056)),
    "hall": ("Hall2018_processed_akhil.csv", 30, 192, 144, 192, 57309, 7.55, (63355, 12166, 16278, 9649)),
}


def _segments(name: str) -> tuple[list[int], list[np.ndarray]]:
    """Subject number and readings of each segment of a real set, subjects in the benchmark's order."""
    root = os.environ.get("AUSCULT_DATA")
    file, gap_min, min_points, _, _, dropped, *_ = SETS[name]
    path = Path(root or "", "signals", "glucobench", file)
    if not root or not path.exists():
        pytest.skip("AUSCULT_DATA does not hold signals/glucobench")
    raw = path.read_bytes()
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            raw = archive.read(archive.namelist()[0])
    table = pl.read_csv(io.BytesIO(raw), infer_schema_length=0, null_values=["NA"]).with_row_index("row")
    table = table.filter(pl.col("row") != dropped if isinstance(dropped, int) else pl.col("id") != (dropped or ""))
    table = table.drop_nulls().with_columns(
        pl.col("gl").cast(pl.Float64), pl.col("time").str.to_datetime().dt.epoch("s").alias("t")
    )
    names = sorted(table["id"].unique(), key=lambda i: (int(i), "") if i.isdigit() else (0, i))
    subjects, values = [], []
    for number, subject in enumerate(names):
        own = table.filter(pl.col("id") == subject)
        cut = cgm_segments(
            own["t"].to_numpy(),
            own["gl"].to_numpy(),
            interval_s=300,
            gap_threshold_s=60 * gap_min,
            min_points=min_points,
        )
        subjects += [number] * len(cut)
        values += [v for _, v in cut]
    return subjects, values


@pytest.mark.parametrize("name", sorted(SETS))
def test_persistence_equals_the_floor_measured_before(name: str) -> None:
    subjects, values = _segments(name)
    _, _, _, n_history, n_holdout, _, floor, sizes = SETS[name]
    lengths = [v.size for v in values]
    medians = []
    for seed in range(10, 20):
        split = split_ranges(subjects, lengths, protocol=SplitProtocol(n_history, n_holdout), seed=seed)
        rmse = []
        for segment, begin, end in split.test:
            inputs, targets, _ = forecast_windows(
                values[segment][begin:end], n_input=1, n_horizon=12, stride=6, first=n_history
            )
            rmse.append(np.sqrt(np.mean((targets - inputs) ** 2, axis=1)))
        medians.append(np.median(np.concatenate(rmse)))
        if seed == 13 and sizes:
            roles = (split.train, split.valid, split.test, split.ood)
            assert tuple(int((r[:, 2] - r[:, 1]).sum()) for r in roles) == sizes
    assert round(float(np.mean(medians)), 2) == floor


def test_segments_round_sort_interpolate_and_cut_at_gaps() -> None:
    # By hand: 5-min grid, 29 s early is rounded away, the missing 10-min reading is halfway, 31 min is a gap.
    time_s = np.array([900, 0, 271, 900 + 31 * 60, 900 + 36 * 60], dtype=float)
    glucose = np.array([140, 100, 110, 200, 190], dtype=float)
    first, second = cgm_segments(time_s, glucose, interval_s=300, gap_threshold_s=1800, min_points=2)
    assert first[0] == 0
    assert second[0] == 900 + 31 * 60
    np.testing.assert_allclose(first[1], [100, 110, 125, 140])
    np.testing.assert_allclose(second[1], [200, 190])
    assert time_s[0] == 900
    assert glucose[0] == 140


def test_gap_equal_to_the_threshold_is_bridged_and_short_pieces_are_left_out() -> None:
    bridged = cgm_segments([0, 1800], [100, 160], interval_s=300, gap_threshold_s=1800, min_points=2)
    np.testing.assert_allclose(bridged[0][1], [100, 110, 120, 130, 140, 150, 160])
    assert cgm_segments([0, 1800], [100, 160], interval_s=300, gap_threshold_s=1799, min_points=2) == []
    assert cgm_segments([], [], interval_s=300, gap_threshold_s=1800, min_points=1) == []


def test_off_grid_readings_are_interpolated_between_their_true_times() -> None:
    # By hand: between 4 min (108) and 9 min (118) the grid point at 5 min is 110.
    ((_, values),) = cgm_segments(
        [0, 240, 540, 600], [100, 108, 118, 120], interval_s=300, gap_threshold_s=900, min_points=1
    )
    np.testing.assert_allclose(values, [100, 110, 120])


@pytest.mark.parametrize(
    ("time_s", "glucose", "error", "words"),
    [
        ([0, 300], [100], ShapeError, "expected one length, got 2 and 1"),
        (
            [0, 300],
            [100, np.nan],
            ShapeError,
            "glucose_mgdl: expected finite values, 1 of 2 are not",
        ),
        ([[0, 300]], [[1, 2]], ShapeError, r"time_s: expected axes \(T,\), got 2 axes"),
        ([0, 10], [100, 101], DataError, "expected one reading per 60 s, got two with the same time"),
    ],
)
def test_segments_refuse(time_s: list[float], glucose: list[float], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        cgm_segments(time_s, glucose, interval_s=300, gap_threshold_s=1800, min_points=1)


def test_segments_refuse_a_step_of_zero() -> None:
    with pytest.raises(UsageError, match="interval_s: expected above 0, got 0"):
        cgm_segments([0], [100], interval_s=0, gap_threshold_s=1800, min_points=1)


def test_windows_start_where_told_and_end_inside() -> None:
    inputs, targets, positions = forecast_windows(np.arange(20.0), n_input=3, n_horizon=4, stride=5, first=6)
    assert positions.tolist() == [6, 11, 16]
    assert inputs[1].tolist() == [8, 9, 10]
    assert targets[2].tolist() == [16, 17, 18, 19]
    empty = forecast_windows([1.0, 2.0], n_input=3, n_horizon=4, stride=5)
    assert [a.shape for a in empty] == [(0, 3), (0, 4), (0,)]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"stride": 0}, "stride: expected above 0, got 0"),
        ({"first": 2}, r"first: expected at least n_input \(3\), got 2"),
    ],
)
def test_windows_refuse(changed: dict[str, int], words: str) -> None:
    settings = {"n_input": 3, "n_horizon": 4, "stride": 5, **changed}
    with pytest.raises(UsageError, match=words):
        forecast_windows(np.arange(20.0), **settings)


def test_split_follows_each_branch_of_the_benchmark() -> None:
    # By hand from the rules, with 4 readings of history and 3 held out: 13, 10 and 9 are the limits.
    protocol = SplitProtocol(n_history=4, n_holdout=3, ood_fraction=0.0)
    subjects = ["a", "b", "c", "d", "d", "e", "e", "f", "f"]
    split = split_ranges(subjects, [13, 10, 9, 20, 12, 10, 9, 9, 9], protocol=protocol, seed=0)
    assert split.train.tolist() == [
        [0, 0, 7],
        [1, 0, 7],
        [2, 0, 9],
        [3, 0, 20],
        [5, 0, 7],
        [7, 0, 9],
    ]
    assert split.valid.tolist() == [[0, 3, 10], [4, 0, 9], [5, 3, 10]]
    assert split.test.tolist() == [[0, 6, 13], [1, 3, 10], [4, 5, 12], [6, 0, 9], [8, 0, 9]]
    assert split.ood.shape == (0, 3)


def test_split_keeps_out_the_subjects_of_the_legacy_generator() -> None:
    # numpy.random.seed(10); numpy.random.choice(5, 1, replace=False) gives 2.
    split = split_ranges(range(5), [30] * 5, protocol=SplitProtocol(4, 3), seed=10)
    assert split.ood.tolist() == [[2, 0, 30]]


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(5, 60), min_size=1, max_size=12),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_no_target_has_two_roles(lengths: list[int], seed: int, data: st.DataObject) -> None:
    subjects = data.draw(st.lists(st.integers(0, 3), min_size=len(lengths), max_size=len(lengths)))
    split = split_ranges(sorted(subjects), lengths, protocol=SplitProtocol(6, 4), seed=seed)
    seen = [np.zeros(n, dtype=int) for n in lengths]
    for ranges, history in ((split.train, 0), (split.valid, 6), (split.test, 6), (split.ood, 0)):
        for segment, begin, end in ranges:
            seen[segment][begin + history : end] += 1
    assert max(int(s.max()) for s in seen) == 1


def test_split_refuses_nothing() -> None:
    with pytest.raises(ShapeError, match=r"with S of at least 1, got \(0,\) and \(0,\)"):
        split_ranges([], [], protocol=SplitProtocol(4, 3), seed=0)


def test_time_in_range_counts_both_limits_as_in() -> None:
    assert time_in_range([69.9, 70, 120, 180, 180.1]) == (0.2, 0.6, 0.2)
    with pytest.raises(DataError, match="expected at least one reading, got none"):
        time_in_range([])


def _falling() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Readings that fall below 70 at position 10 for 4 readings, and persistence forecasts of 3 readings."""
    glucose = np.array([120.0] * 8 + [90, 75] + [60] * 4 + [120] * 10)
    positions = np.arange(1, glucose.size)
    return glucose, np.repeat(glucose[positions - 1][:, None], 3, axis=1), positions


def test_alarm_before_the_fall_has_its_lead_time() -> None:
    glucose, forecasts, positions = _falling()
    alarms = hypo_alarms(glucose, forecasts, positions, interval_s=300, alarm_mgdl=95)
    # By hand: the reading at 8 (90) alarms, the fall is at 10: 2 steps of 5 min.
    assert alarms.onsets.tolist() == [10]
    assert alarms.lead_min.tolist() == [10.0]
    assert alarms.episodes.tolist() == [[9, 10]]
    assert alarms.false_alarm.tolist() == [False]
    assert alarms.detected_fraction == 1.0
    assert alarms.false_alarms_per_day == 0.0


def test_missed_event_and_false_alarm_are_counted() -> None:
    glucose, forecasts, positions = _falling()
    forecasts = forecasts.copy()
    forecasts[17] = 65.0
    alarms = hypo_alarms(glucose, forecasts, positions, interval_s=300)
    # By hand: persistence never alarms before the fall; one false alarm in 23 readings of 5 min.
    assert alarms.detected_fraction == 0.0
    assert math.isnan(alarms.lead_min[0])
    assert alarms.false_alarm.tolist() == [True]
    assert alarms.false_alarms_per_day == pytest.approx(86400 / (23 * 300))


def test_event_needs_15_minutes_and_ends_after_15_minutes() -> None:
    high, low = [100.0], [60.0]
    glucose = np.array(high * 4 + low * 2 + high * 3 + low * 3 + high * 2 + low * 3 + high * 3 + low * 3 + high * 2)
    positions = np.arange(1, glucose.size)
    alarms = hypo_alarms(glucose, np.full((positions.size, 2), 100.0), positions, interval_s=300)
    # By hand: 2 low readings are no event, 2 readings of recovery end none, 3 do.
    assert alarms.onsets.tolist() == [9, 20]
    nothing = hypo_alarms(np.full(9, 100.0), np.full((8, 2), 100.0), np.arange(1, 9), interval_s=300)
    assert nothing.onsets.size == 0
    assert math.isnan(nothing.detected_fraction)
    assert nothing.episodes.shape == (0, 2)


@pytest.mark.parametrize(
    ("shape", "positions", "words"),
    [
        ((3, 2), [1, 2], r"expected \(N, n_horizon\) and \(N,\)"),
        ((3, 2), [1, 3, 5], "rising by 1, from 1 to 8 at most; cut the windows with stride 1"),
    ],
)
def test_alarms_refuse(shape: tuple[int, int], positions: list[int], words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        hypo_alarms(np.full(9, 100.0), np.full(shape, 100.0), positions, interval_s=300)
