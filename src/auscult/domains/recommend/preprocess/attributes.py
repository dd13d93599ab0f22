"""Attributes of patients and devices: which there are, what values they have, and how a network sees them.

A number is seen on a scale of 0 to 100 beside a mark that it is known; a category or a list as marks of 0 or 100. An
attribute that is not known is all 0, so that a new patient with half of the attributes is no error.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field as Setting
from pydantic import model_validator

from auscult.base.contracts import Config
from auscult.base.errors import ReadError, unknown

FULL = 100
Bytes = npt.NDArray[np.uint8]
Attributes = Mapping[str, float | str | tuple[str, ...]]
Kind = Literal["number", "category", "list"]


class AttributeSpec(Config):
    """One attribute."""

    kind: Kind = Setting(description="A number, one of some values, or several of them.")
    low: float = Setting(0.0, description="Lowest plausible number; a lower one is refused.")
    high: float = Setting(1.0, description="Highest plausible number; a higher one is refused.")
    values: tuple[str, ...] = Setting((), description="Values of a category or a list.")

    @model_validator(mode="after")
    def _whole(self) -> AttributeSpec:
        if self.kind == "number" and self.high <= self.low:
            raise ValueError("expected high above low")
        if self.kind != "number" and (not self.values or len(set(self.values)) < len(self.values)):
            raise ValueError("expected values, each once")
        return self


@dataclass(frozen=True)
class Schema:
    """The attributes of patients or of devices, in order."""

    of: str
    specs: Mapping[str, AttributeSpec]

    @property
    def width(self) -> int:
        """How many marks all attributes have."""
        return sum(2 if s.kind == "number" else len(s.values) for s in self.specs.values())

    def read(self, raw: Mapping[str, Any], *, ignore: Sequence[str] = ()) -> dict[str, float | str | tuple[str, ...]]:
        """Check raw values and return those that are known.

        A blank text and a list without a text say nothing, and not that there is none: where a rule is to know that a
        patient has no allergy, ``values`` has a word for it.

        Raises
        ------
        ReadError
            If an attribute is none of the schema, or its value is not one that it can have; never says the value.
        """
        made: dict[str, float | str | tuple[str, ...]] = {}
        for name, value in raw.items():
            if name in ignore or _is_blank(value):
                continue
            if name not in self.specs:
                raise ReadError(unknown("attribute", name[:40], self.specs, where=f"attributes of a {self.of}"))
            made[name] = self._value(name, value)
        return made

    def _value(self, name: str, value: Any) -> float | str | tuple[str, ...]:
        spec = self.specs[name]
        if spec.kind == "number":
            return self._number(name, value)
        texts = value.split("|") if isinstance(value, str) else value
        several = isinstance(texts, (list, tuple)) and all(isinstance(t, str) for t in texts)
        texts = [t.strip() for t in texts] if several else texts
        if not several or not set(texts) - {""} <= set(spec.values) or (spec.kind == "category" and len(texts) != 1):
            many = "one" if spec.kind == "category" else "some, with | between,"
            raise ReadError(f"{name} of a {self.of}: expected {many} of {', '.join(spec.values)}, got another value")
        return str(texts[0]) if spec.kind == "category" else tuple(t for t in texts if t)

    def _number(self, name: str, value: Any) -> float:
        spec = self.specs[name]
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if isinstance(value, bool) or not spec.low <= number <= spec.high:
            raise ReadError(f"{name} of a {self.of}: expected a number from {spec.low:g} to {spec.high:g}, got another")
        return number

    def encode(self, each: Sequence[Attributes]) -> Bytes:
        """Marks of some patients or devices, (N, F), from 0 to 100."""
        rows = np.zeros((len(each), self.width), dtype=np.uint8)
        at = 0
        for name, spec in self.specs.items():
            for row, known in enumerate(each):
                value = known.get(name)
                if value is None:
                    continue
                if spec.kind == "number":
                    rows[row, at] = round(FULL * (float(value) - spec.low) / (spec.high - spec.low))  # type: ignore[arg-type]
                    rows[row, at + 1] = FULL
                else:
                    for text in (value,) if isinstance(value, str) else value:  # type: ignore[union-attr]
                        rows[row, at + spec.values.index(text)] = FULL
            at += 2 if spec.kind == "number" else len(spec.values)
        return rows

    def columns(self, name: str) -> slice:
        """Which marks an attribute has."""
        at = 0
        for other, spec in self.specs.items():
            width = 2 if spec.kind == "number" else len(spec.values)
            if other == name:
                return slice(at, at + width)
            at += width
        raise ReadError(unknown("attribute", name, self.specs, where=f"attributes of a {self.of}"))


def _is_blank(value: Any) -> bool:
    """Whether a raw value says nothing."""
    texts = value.split("|") if isinstance(value, str) else value
    return value is None or (isinstance(texts, (list, tuple)) and not any(str(t).strip() for t in texts))


def from_json(text: str) -> dict[str, Any]:
    """Read attributes as a reader keeps them: one JSON object; empty where there is none."""
    made: dict[str, Any] = json.loads(text) if text else {}
    return made
