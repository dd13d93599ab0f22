"""A record that a client decoded is taken in any known unit, and refused where something must be guessed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import InputError, ReadError, ShapeError, UnitError
from auscult.engine.runtime import RecordAnswer, Release
from auscult.service.decoded import Form, forms_of, from_decoded
from service.helpers import wave_body

WAVE = np.linspace(-1, 1, 30, dtype=np.float32)[:, None]


@pytest.fixture
def forms(release: Release, waves: list[Path]) -> Mapping[str, Form]:
    return forms_of(part for part in release.read_path(waves[0]) if isinstance(part, RecordBatch))


def test_forms_say_what_a_client_must_send(forms: Mapping[str, Form]) -> None:
    assert forms["wave"].to_dict() == {
        "axes": "TC",
        "unit": "mV",
        "dtype": "float32",
        "kind": "array",
        "needs": ["unit", "rate_hz", "channels"],
    }


def test_a_record_is_as_its_reader_gives_it(release: Release, waves: list[Path], forms: Mapping[str, Form]) -> None:
    (read,) = [p for p in release.read_path(waves[0]) if not isinstance(p, RecordAnswer)]
    sent = from_decoded(wave_body(np.ascontiguousarray(read.ragged("wave")[2]), "r002"), forms)
    assert list(sent.record) == ["r002"]
    assert sent.field("wave") == read.field("wave")
    np.testing.assert_array_equal(sent.ragged("wave")[0], read.ragged("wave")[2])
    assert sent.ragged("wave").values.dtype == read.ragged("wave").values.dtype


@pytest.mark.parametrize(("unit", "factor"), [("uV", 1e-3), ("V", 1e3), ("mV", 1.0)])
def test_units_are_converted(unit: str, factor: float, forms: Mapping[str, Form]) -> None:
    got = from_decoded(wave_body(WAVE, unit=unit), forms).ragged("wave")[0]
    np.testing.assert_allclose(got, WAVE * factor, rtol=1e-6)


def test_whole_numbers_of_a_converter_are_taken(forms: Mapping[str, Form]) -> None:
    got = from_decoded(wave_body(np.array([[-1500], [250]], dtype=np.int16), unit="uV"), forms)
    np.testing.assert_allclose(got.ragged("wave")[0], [[-1.5], [0.25]])
    assert got.ragged("wave").values.dtype == np.float32


def test_a_gap_is_said_to_be_one(forms: Mapping[str, Form]) -> None:
    gap = WAVE.copy()
    gap[3] = np.nan
    assert from_decoded(wave_body(gap), forms).field("wave").missing
    assert not from_decoded(wave_body(WAVE), forms).field("wave").missing


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (b"", ReadError, "expected a safetensors file, got something else"),
        (b"\xff" * 40, ReadError, "expected a safetensors file, got something else"),
        (wave_body(WAVE)[:-4], ReadError, "expected a safetensors file, got something else"),
        (save({"wave": WAVE}), ReadError, "the same names as there are tensors, got 0 for 1 tensors"),
        (save({"wave": WAVE}, metadata={"fields": "no json"}), ReadError, "metadata 'fields': the text: Invalid JSON"),
        (wave_body(WAVE, colour="red"), ReadError, "metadata 'fields': colour: Extra inputs are not permitted"),
        (wave_body(WAVE, rate_hz=-1), ReadError, "metadata 'fields': rate_hz: Input should be greater than 0"),
        (wave_body(WAVE, record="a\nb"), ReadError, "metadata 'record': expected 1 to 200 printable characters"),
        (wave_body(WAVE, unit=""), UnitError, "unknown unit ''"),
        (wave_body(WAVE, unit="furlong"), UnitError, "unknown unit 'furlong' in record body, field 'wave'"),
        (wave_body(WAVE, unit="kPa"), UnitError, "expected a unit of voltage, got 'kPa', a unit of pressure"),
        (wave_body(WAVE, rate_hz=None), UnitError, "wave: expected 'rate_hz' beside the unit, got none"),
        (wave_body(WAVE, channels=["a", "b"]), ShapeError, "wave: expected 1 names under 'channels'"),
        (wave_body(WAVE[:, 0]), ShapeError, r"wave: expected axes \(T, C\), got shape \(30,\)"),
        (wave_body(WAVE > 0), ShapeError, "wave: expected numbers that fit float32, got bool"),
        (wave_body(np.full((30, 1), np.inf)), ShapeError, "wave: expected finite numbers or NaN for a gap"),
        (wave_body(np.full((30, 1), 1e300), unit="mV"), ShapeError, "wave: expected finite numbers or NaN for a gap"),
    ],
)
def test_what_must_be_guessed_is_refused(
    body: bytes, error: type[InputError], words: str, forms: Mapping[str, Form]
) -> None:
    with pytest.raises(error, match=words):
        from_decoded(body, forms)


def test_an_unknown_field_names_the_known(forms: Mapping[str, Form]) -> None:
    body = save({"wav": WAVE}, metadata={"fields": json.dumps({"wav": {}})})
    with pytest.raises(ReadError, match="unknown field 'wav' in the record body; did you mean 'wave'"):
        from_decoded(body, forms)


def test_volumes_and_scalars_have_their_form() -> None:
    volume = Field("ct", "array", "DHW", "HU", spacing_mm=(1.0, 1.0, 1.0), ragged=True)
    age = Field("age", "scalar", unit="year")
    columns = {"ct": Ragged.of([np.zeros((2, 3, 4), np.float32)], ragged_axes=3), "age": np.array([40.0])}
    forms = forms_of([RecordBatch((volume, age), columns, np.array(["x"]))])
    said = {"ct": {"unit": "HU", "spacing_mm": [2, 1, 1]}, "age": {"unit": "year"}}
    arrays = {"ct": np.ones((4, 5, 6), np.float32), "age": np.array(63.0)}
    got = from_decoded(save(arrays, metadata={"fields": json.dumps(said)}), forms)
    assert got.ragged("ct")[0].shape == (4, 5, 6)
    assert got.field("ct").spacing_mm == (2.0, 1.0, 1.0)
    np.testing.assert_array_equal(got.dense("age"), [63.0])
    said["ct"].pop("spacing_mm")
    with pytest.raises(UnitError, match="ct: expected 'spacing_mm' with 3 lengths, got 0"):
        from_decoded(save(arrays, metadata={"fields": json.dumps(said)}), forms)


def test_whole_numbers_are_not_converted() -> None:
    count = Field("level", "array", "T", "mV", ragged=True)
    forms = forms_of([RecordBatch((count,), {"level": Ragged.of([np.zeros(3, np.int64)])}, np.array(["x"]))])
    body = save({"level": np.ones(2, np.int64)}, metadata={"fields": json.dumps({"level": {"unit": "uV"}})})
    with pytest.raises(UnitError, match="level: expected the unit 'mV' for whole numbers, got another"):
        from_decoded(body, forms)
