"""HL7 aECG: files made up here after the standard; expected values by hand: origin + digit * scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auscult.base.contracts import RecordBatch, SetAside
from auscult.base.errors import ReadError, ShapeError, UnitError
from auscult.domains.signals.readers.aecg import AecgReader

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="1.2.3"/><componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject>
<id root="1.2.3.4" extension="SBJ_007"/><subjectDemographicPerson><name>Ada Sample</name>
<administrativeGenderCode code="F"/><birthTime value="19530508"/></subjectDemographicPerson>
</trialSubject></subject></subjectAssignment></componentOf></timepointEvent></componentOf>
"""
SERIES = """<component><series><code code="RHYTHM"/>
<effectiveTime><low value="20021122091000.000"/></effectiveTime>
<author><seriesAuthor><manufacturedSeriesDevice><manufacturerModelName>Box 3</manufacturerModelName>
<softwareName>1.2</softwareName></manufacturedSeriesDevice></seriesAuthor></author>
<component><sequenceSet>{sequences}</sequenceSet></component>
<derivation><derivedSeries><component><sequenceSet>
<component><sequence><code code="MDC_ECG_LEAD_I"/></sequence>
</component></sequenceSet></component></derivedSeries></derivation>
</series></component>
"""
TIME = """<component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS">
<head value="20021122091000.000"/><increment value="{value}" unit="{unit}"/></value></sequence></component>
"""
LEAD = """<component><sequence><code code="MDC_ECG_LEAD_{lead}"/><value xsi:type="{kind}">
<origin value="{origin}" {unit}/><scale value="{scale}" {unit}/>
<digits>{digits}</digits></value></sequence></component>
"""


def time(value: str = "0.002", unit: str = "s") -> str:
    return TIME.format(value=value, unit=unit)


def lead(name: str, digits: str, *, scale: str = "5", origin: str = "0", unit: str = 'unit="uV"') -> str:
    return LEAD.format(lead=name, digits=digits, scale=scale, origin=origin, unit=unit, kind="SLIST_PQ")


def aecg(*sequences: str) -> str:
    return HEAD + "".join(SERIES.format(sequences=s) for s in sequences) + "</AnnotatedECG>\n"


TWO_LEADS = time() + lead("I", "1 2\n -3 4") + lead("AVF", "10 20 30 40", origin="100")


def read(folder: Path, text: str | bytes, name: str = "ecg.xml") -> list[RecordBatch | SetAside]:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    reader = AecgReader()
    (source,) = reader.detect([path])
    return list(reader.read(source))


def one(folder: Path, text: str | bytes, name: str = "ecg.xml") -> RecordBatch:
    (batch,) = read(folder, text, name)
    assert isinstance(batch, RecordBatch)
    return batch


def test_leads_are_in_millivolt_with_their_names_and_rate(tmp_path: Path) -> None:
    batch = one(tmp_path, aecg(TWO_LEADS))
    field = batch.field("ecg")
    assert (field.unit, field.rate_hz, field.channels) == ("mV", 500.0, ("I", "aVF"))
    want = np.array([[0.005, 0.15], [0.010, 0.20], [-0.015, 0.25], [0.020, 0.30]])
    np.testing.assert_allclose(batch.ragged("ecg")[0], want, rtol=1e-6)
    assert batch.record.tolist() == ["ecg"]


def test_person_is_reduced_to_id_sex_and_age_band(tmp_path: Path) -> None:
    batch = one(tmp_path, aecg(TWO_LEADS))
    assert batch.subject is not None
    assert batch.subject.tolist() == ["SBJ_007"]
    # born May 1953, recorded November 2002: 49 years
    want = {"sex": "F", "age_band": "40-64", "device_model": "Box 3", "firmware": "1.2"}
    assert {k: v.item() for k, v in batch.groups.items()} == want


@pytest.mark.parametrize(
    ("value", "unit", "rate_hz"),
    [
        ("0.004", "s", 250.0),
        ("4", "ms", 250.0),
        ("0.0027778", "s", 360.0),
        ("1000", "us", 1000.0),
        ("3", "ms", 1e3 / 3),
    ],
)
def test_rate_is_one_by_the_increment(tmp_path: Path, value: str, unit: str, rate_hz: float) -> None:
    batch = one(tmp_path, aecg(time(value, unit) + lead("II", "1 2")))
    assert batch.field("ecg").rate_hz == pytest.approx(rate_hz, rel=1e-12)


def test_several_series_become_several_records(tmp_path: Path) -> None:
    second = time("0.004") + lead("V1", "1000 2000", unit='unit="nV"', scale="1")
    first, other = read(tmp_path, aecg(TWO_LEADS, second))
    assert isinstance(first, RecordBatch)
    assert isinstance(other, RecordBatch)
    assert [b.record.item() for b in (first, other)] == ["ecg#1", "ecg#2"]
    assert other.field("ecg").rate_hz == 250.0
    np.testing.assert_allclose(other.ragged("ecg")[0][:, 0], [0.001, 0.002], rtol=1e-6)


def test_one_bad_series_is_set_aside(tmp_path: Path) -> None:
    batch, aside = read(tmp_path, aecg(time() + lead("I", "1 x"), TWO_LEADS))
    assert isinstance(batch, RecordBatch)
    assert isinstance(aside, SetAside)
    assert batch.record.item() == "ecg#2"
    assert aside.reason.startswith(
        "ecg.xml, sequence set 1, MDC_ECG_LEAD_I: expected numbers as digits, got other text"
    )
    assert aside.row == 1


def test_namespace_prefix_and_encoding_do_not_matter(tmp_path: Path) -> None:
    text = (
        aecg(TWO_LEADS)
        .replace("<", "<h:")
        .replace("<h:/", "</h:")
        .replace("<h:?", "<?")
        .replace('xmlns="', 'xmlns:h="')
    )
    assert one(tmp_path, text).record.item() == "ecg"
    utf16 = aecg(TWO_LEADS).replace("UTF-8", "UTF-16").encode("utf-16")
    assert one(tmp_path, utf16, "export.bin").record.item() == "export"


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("", "MDC_ECG_LEAD_I: expected a unit on the origin, got none"),
        ('unit="mmHg"', "MDC_ECG_LEAD_I, origin: expected a unit of voltage, got 'mmHg'"),
        ('unit="furlong"', "unknown unit 'furlong' in ecg.xml, sequence set 1, MDC_ECG_LEAD_I, origin"),
    ],
)
def test_lead_without_a_voltage_is_refused(tmp_path: Path, unit: str, words: str) -> None:
    with pytest.raises(UnitError, match=words):
        read(tmp_path, aecg(time() + lead("I", "1 2", unit=unit)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (aecg(lead("I", "1 2")), "expected a time sequence with an increment, got none"),
        (aecg(time("0") + lead("I", "1 2")), "expected an increment above 0, got 0 s"),
        (aecg(time("1e-9") + lead("I", "1 2")), r"expected a rate of 1 to 100000 Hz, got 1e\+09 Hz"),
        (aecg(time("soon") + lead("I", "1 2")), "expected a number as value of increment, got none"),
        (aecg(time() + lead("I", "1 2") + lead("II", "1")), "leads of one length, got lengths from 1 to 2"),
        (aecg(time() + lead("I", "")), "expected leads with samples, got empty ones"),
        (aecg(time()), "expected leads of one length, got none"),
        (aecg(time() + lead("I", "1", scale="0")), "expected a scale other than 0"),
        (aecg(time() + lead("I", "1e300")), r"expected values below 1e\+09 in size"),
        (aecg(), "expected a series with a sequence set, got none"),
        (
            "<RestingECG/>",
            "expected the root element AnnotatedECG, got RestingECG; export the recording as HL7 aECG",
        ),
        (b"\xff\xd8\xff\xe0", "expected XML, got JPEG"),
        (b"", "expected XML, got empty file"),
        (aecg(TWO_LEADS)[:700], "expected well-formed XML, got an error in line .*cut off or damaged"),
        ('<?xml version="1.0" encoding="klingon"?><a/>', "ecg.xml: "),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(ReadError, match=words) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith("ecg.xml")
    assert "Ada" not in str(caught.value)


def test_document_type_is_refused_before_its_entities_grow(tmp_path: Path) -> None:
    grow = "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 12))
    start = f'<?xml version="1.0"?><!DOCTYPE AnnotatedECG [<!ENTITY l0 "ha">{grow}]>'
    bomb = f"{start}<AnnotatedECG>&l11;</AnnotatedECG>"
    with pytest.raises(ReadError, match=r"ecg.xml: expected XML without a document type declaration, got one"):
        read(tmp_path, bomb)


def test_other_files_are_not_claimed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("AnnotatedECG")
    assert list(AecgReader().detect([tmp_path / "a.txt", tmp_path / "gone.edf"])) == []


def test_damaged_files_raise_input_errors_only(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    whole = aecg(TWO_LEADS, TWO_LEADS).encode()
    body = len(HEAD)
    for trial in range(300):
        data = bytearray(whole[: rng.integers(1, len(whole))] if trial % 3 == 0 else whole)
        for at in rng.integers(min(body, len(data) - 1), len(data), size=2):
            data[at] = rng.integers(32, 127)
        try:
            assert read(tmp_path, bytes(data))
        except (ReadError, UnitError, ShapeError) as error:
            assert str(tmp_path) not in str(error)  # noqa: PT017
