"""Safety rules: what each does to a device, what is not known, and files that are refused whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from auscult.base.errors import ReadError, RecipeError
from auscult.domains.recommend.preprocess.rules import DOWN, KEEP, REMOVE, Rules, read_rules

HEAD = """
[patient]
mri = { kind = "category", values = ["yes", "no"] }
size_mm = { kind = "number", low = 0, high = 40 }
allergy = { kind = "list", values = ["nickel", "latex"] }
[device]
mri = { kind = "category", values = ["safe", "unsafe"] }
size_mm = { kind = "number", low = 0, high = 40 }
material = { kind = "list", values = ["nickel", "latex", "titanium"] }
"""
MRI = """
[[rule]]
name = "mri"
kind = "compatibility"
patient = { mri = ["yes"] }
device = { mri = ["unsafe"] }
effect = "remove"
unknown = "remove"
says = "Unsafe in a scanner."
"""


def _rule(text: str) -> str:
    return f'[[rule]]\nname = "r"\nkind = "size"\neffect = "remove"\nsays = "It says why."\n{text}\n'


def _read(folder: Path, text: str) -> Rules:
    (folder / "rules.toml").write_text(text)
    return read_rules(str(folder / "rules.toml"))


@pytest.mark.parametrize(
    ("patient", "device", "expected"),
    [
        ({"mri": "yes"}, {"mri": "unsafe"}, REMOVE),
        ({"mri": "no"}, {"mri": "unsafe"}, KEEP),
        ({"mri": "yes"}, {"mri": "safe"}, KEEP),
        ({"mri": "yes"}, {}, REMOVE),  # not known, and the rule is to be on the safe side
        ({}, {"mri": "unsafe"}, REMOVE),
        ({}, {"mri": "safe"}, KEEP),
    ],
)
def test_a_rule_of_two_conditions(
    tmp_path: Path, patient: dict[str, str], device: dict[str, str], expected: int
) -> None:
    rules = _read(tmp_path, HEAD + MRI)
    assert rules.judge(patient, rules.table([device])).tolist() == [[expected]]


@pytest.mark.parametrize(
    ("relation", "patient", "device", "expected"),
    [
        ("apart", 20.0, 27.0, REMOVE), ("apart", 20.0, 13.0, REMOVE), ("apart", 20.0, 26.0, KEEP),
        ("above", 20.0, 27.0, REMOVE), ("above", 20.0, 10.0, KEEP),
        ("below", 20.0, 13.0, REMOVE), ("below", 20.0, 30.0, KEEP),
    ],
)  # fmt: skip
def test_sizes_are_compared(tmp_path: Path, relation: str, patient: float, device: float, expected: int) -> None:
    compare = f'compare = {{ patient = "size_mm", device = "size_mm", relation = "{relation}", by = 6 }}'
    rules = _read(tmp_path, HEAD + _rule(compare))
    assert rules.judge({"size_mm": patient}, rules.table([{"size_mm": device}])).tolist() == [[expected]]
    assert rules.judge({}, rules.table([{"size_mm": device}])).tolist() == [[DOWN]]


def test_a_common_material_is_an_allergy(tmp_path: Path) -> None:
    rules = _read(tmp_path, HEAD + _rule('compare = { patient = "allergy", device = "material", relation = "shared" }'))
    devices = rules.table([{"material": ("titanium", "nickel")}, {"material": ("titanium",)}, {}])
    assert rules.judge({"allergy": ("nickel",)}, devices).tolist() == [[REMOVE, KEEP, DOWN]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_rule('device = { mrt = ["unsafe"] }'), r"rules\.toml, rule 'r' \[device\].*unknown attribute 'mrt'|mrt"),
        (_rule('device = { mri = ["unsave"] }'), "did you mean 'unsafe'"),
        (
            _rule('device = { size_mm = ["3"] }'),
            "expected a category or a list, got the number 'size_mm'; use 'compare'",
        ),
        (_rule(""), "a rule without one removes everything"),
        (_rule('devices = { mri = ["unsafe"] }'), "did you mean 'device'"),
        (
            _rule('compare = { patient = "mri", device = "size_mm", relation = "apart" }'),
            "'apart' expected two numbers, got other attributes",
        ),
        (
            _rule('compare = { patient = "size_mm", device = "size_mm", relation = "shared" }'),
            "'shared' expected two lists or categories",
        ),
        (MRI + MRI, "expected each rule once, got 'mri' again"),
        ("[[rule", "expected a TOML file, got none that can be read"),
    ],
)
def test_a_file_is_checked_whole(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        _read(tmp_path, HEAD + text)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"rules none\.toml: expected a TOML file"):
        read_rules(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"siz": 3}, "did you mean 'size_mm'"),
        ({"size_mm": 99}, "size_mm of a patient: expected a number from 0 to 40, got another"),
        ({"size_mm": "nan"}, "expected a number from 0 to 40"),
        ({"size_mm": True}, "expected a number from 0 to 40"),
        ({"mri": "perhaps"}, "mri of a patient: expected one of yes, no, got another value"),
        ({"mri": ["yes", "no"]}, "expected one of yes, no"),
        ({"allergy": "nickel|dust"}, r"expected some, with \| between, of nickel, latex, got another value"),
    ],
)
def test_attributes_are_refused_without_their_value(tmp_path: Path, raw: dict[str, object], message: str) -> None:
    with pytest.raises(ReadError, match=message) as told:
        _read(tmp_path, HEAD).patients.read(raw)
    assert not {"99", "perhaps", "dust"} & set(str(told.value).replace(",", " ").split())


def test_marks_are_hundredths_and_what_is_unknown_is_nothing(tmp_path: Path) -> None:
    schema = _read(tmp_path, HEAD).patients
    known = schema.read({"mri": "no", "size_mm": "10", "allergy": "nickel|latex", "empty": ""})
    assert known == {"mri": "no", "size_mm": 10.0, "allergy": ("nickel", "latex")}
    assert schema.encode([known, {}]).tolist() == [[0, 100, 25, 100, 100, 100], [0] * 6]
    assert schema.columns("allergy") == slice(4, 6)
