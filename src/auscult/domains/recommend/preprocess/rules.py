"""Safety rules as data: which device must not be proposed to which patient, or only after all others, and why.

A rule file is TOML: the attributes of patients and devices, and rules over them. It is read whole: a rule that names an
attribute or a value that is not declared is an error, before anything is learned or answered.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field as Setting
from pydantic import model_validator

from auscult.base.contracts import Config
from auscult.base.errors import RecipeError, unknown
from auscult.base.recipe import validated
from auscult.domains.recommend.preprocess.attributes import Attributes, AttributeSpec, Schema

Ints = npt.NDArray[np.int8]
NO, UNKNOWN, YES = 0, 1, 2
"""States of a condition, so that the lowest of several is that of all of them together."""
KEEP, DOWN, REMOVE = 0, 1, 2
EFFECTS = {"remove": REMOVE, "down": DOWN, "pass": KEEP}


class Compare(Config):
    """A comparison of an attribute of the patient with one of the device."""

    patient: str = Setting(description="Attribute of the patient.")
    device: str = Setting(description="Attribute of the device.")
    relation: Literal["apart", "above", "below", "shared"] = Setting(
        description="The rule applies where the numbers are more than 'by' apart, where the device's is more than 'by' "
        "above or below the patient's, or where the two have a value in common."
    )
    by: float = Setting(0.0, ge=0, description="How far, in the unit of the attributes.")


class Rule(Config):
    """One rule: where all of its conditions hold, the device is removed or ranked down."""

    name: str = Setting(pattern=r"^[a-z0-9][a-z0-9-]*$", description="Name, as an answer says it.")
    kind: Literal["contraindication", "compatibility", "size", "allergy", "recall"] = Setting(description="What it is.")
    patient: Mapping[str, tuple[str, ...]] = Setting(
        default_factory=dict, description="Attribute of the patient: the values at which the rule applies."
    )
    device: Mapping[str, tuple[str, ...]] = Setting(
        default_factory=dict, description="Attribute of the device: the values at which the rule applies."
    )
    compare: Compare | None = Setting(None, description="A comparison of patient and device.")
    effect: Literal["remove", "down"] = Setting(description="Remove the device, or rank it below all others.")
    unknown: Literal["remove", "down", "pass"] = Setting(
        "down", description="What to do where an attribute that the rule needs is not known."
    )
    says: str = Setting(min_length=5, description="Why, in a sentence for people.")

    @model_validator(mode="after")
    def _says_something(self) -> Rule:
        if not self.patient and not self.device and self.compare is None:
            raise ValueError("expected a condition on patient, device or both; a rule without one removes everything")
        return self


class RuleFile(Config):
    """Attributes and rules of one file."""

    patient: Mapping[str, AttributeSpec] = Setting(description="Attributes of patients.")
    device: Mapping[str, AttributeSpec] = Setting(description="Attributes of devices.")
    rule: tuple[Rule, ...] = Setting((), description="The rules, in the order in which they are told.")


@dataclass(frozen=True, repr=False)
class DeviceTable:
    """Devices made ready to be judged.

    Parameters
    ----------
    known : tuple of mapping
        Attributes of each device.
    states : (rules, V) int8
        Whether the conditions on the device alone hold.
    """

    known: tuple[Attributes, ...]
    states: Ints


@dataclass(frozen=True)
class Rules:
    """A rule file that was read whole."""

    patients: Schema
    devices: Schema
    rules: tuple[Rule, ...]

    def table(self, devices: Sequence[Attributes]) -> DeviceTable:
        """Judge once what does not depend on a patient."""
        states = np.array([[_holds(d, rule.device) for d in devices] for rule in self.rules], dtype=np.int8)
        return DeviceTable(tuple(devices), states.reshape(len(self.rules), len(devices)))

    def judge(self, patient: Attributes, devices: DeviceTable) -> Ints:
        """What each rule does to each device for a patient, (rules, V): 0 keep, 1 rank down, 2 remove."""
        made = np.zeros(devices.states.shape, dtype=np.int8)
        for k, rule in enumerate(self.rules):
            state = np.minimum(devices.states[k], _holds(patient, rule.patient))
            if rule.compare is not None:
                open_ = np.flatnonzero(state != NO)
                state[open_] = np.minimum(
                    state[open_], [_compares(rule.compare, patient, devices.known[i]) for i in open_]
                )
            made[k] = np.array([KEEP, EFFECTS[rule.unknown], EFFECTS[rule.effect]])[state]
        return made


def _holds(known: Attributes, wanted: Mapping[str, Sequence[str]]) -> int:
    """Whether all conditions hold: no where one does not, unknown where one is unknown and none fails."""
    state = YES
    for name, values in wanted.items():
        value = known.get(name)
        if value is None:
            state = min(state, UNKNOWN)
            continue
        texts = (value,) if isinstance(value, str) else value
        if not set(texts) & set(values):  # type: ignore[arg-type]
            return NO
    return state


def _compares(c: Compare, patient: Attributes, device: Attributes) -> int:
    a, b = patient.get(c.patient), device.get(c.device)
    if a is None or b is None:
        return UNKNOWN
    if c.relation == "shared":
        first, second = ({v} if isinstance(v, str) else set(v) for v in (a, b))  # type: ignore[arg-type]
        return YES if first & second else NO
    gap = float(b) - float(a)  # type: ignore[arg-type]
    size = {"apart": abs(gap), "above": gap, "below": -gap}[c.relation]
    return YES if size > c.by else NO


def read_rules(path: str) -> Rules:
    """Read a rule file and check it whole.

    Raises
    ------
    RecipeError
        Naming the rule, what it refers to, and what there is.
    """
    where = f"rules {Path(path).name}"
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{where}: expected a TOML file, got none that can be read: {error}") from error
    made = validated(RuleFile, table, where=where)
    names = [r.name for r in made.rule]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise RecipeError(f"{where}: expected each rule once, got '{twice}' again")
    for rule in made.rule:
        _require_known(rule, made, f"{where}, rule '{rule.name}'")
    return Rules(Schema("patient", made.patient), Schema("device", made.device), made.rule)


def _require_known(rule: Rule, file: RuleFile, where: str) -> None:
    for of, wanted, specs in (("patient", rule.patient, file.patient), ("device", rule.device, file.device)):
        for name, values in wanted.items():
            spec = _spec(of, name, specs, where)
            if spec.kind == "number":
                raise RecipeError(f"{where}: expected a category or a list, got the number '{name}'; use 'compare'")
            for value in values:
                if value not in spec.values:
                    raise RecipeError(unknown("value", value, spec.values, where=f"{where} {of}.{name}"))
    if rule.compare is not None:
        ends = [_spec("patient", rule.compare.patient, file.patient, where)]
        ends.append(_spec("device", rule.compare.device, file.device, where))
        if any((end.kind == "number") != (rule.compare.relation != "shared") for end in ends):
            form = "two lists or categories" if rule.compare.relation == "shared" else "two numbers"
            raise RecipeError(f"{where}: '{rule.compare.relation}' expected {form}, got other attributes")


def _spec(of: str, name: str, specs: Mapping[str, AttributeSpec], where: str) -> Any:
    if name not in specs:
        raise RecipeError(unknown("attribute", name, specs, where=f"{where} [{of}]"))
    return specs[name]
