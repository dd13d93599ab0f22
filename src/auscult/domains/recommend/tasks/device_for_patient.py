"""Task ``device-for-patient``: a patient, by attributes and by what was given before → devices, under safety rules.

The program scores every device of the catalogue, and new ones that come with a question; rules then remove devices or
rank them down, the same rules in evaluation and in use, and whatever the model. A patient is attributes and a history:
a release holds no identifier, so that a new patient is none to it, and one without a history is answered by attributes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array
from auscult.base.contracts import (
    Config,
    Field,
    Finding,
    Index,
    Items,
    ItemSet,
    LocalFile,
    Outputs,
    RecordBatch,
    Run,
    TaskSpec,
)
from auscult.base.errors import ReadError, RecipeError
from auscult.domains.recommend.preprocess.advice import Advice, Advised, list_of, told_of
from auscult.domains.recommend.preprocess.attributes import Attributes, from_json
from auscult.domains.recommend.preprocess.between import Uses, divided_lists, findings_between
from auscult.domains.recommend.preprocess.names import NAME_BYTES, Names, as_names, latest, padded, tenths_of, unpadded
from auscult.domains.recommend.preprocess.rules import KEEP, REMOVE, DeviceTable, Rules, read_rules

METRICS = ("ndcg_at_20", "recall_at_20", "map_at_20", "hit_rate_at_20", "mrr")
SIMULATED = Path(__file__).parents[1] / "simulate"
TENTHS = np.array([0, 0, 0, 0, 0, 0, 1, 1, 2, 2])
"""Role of each tenth of the patients, and of the devices, where a split is made by them: 0 train, 1 valid, 2 test."""


class DeviceForPatientConfig(Config):
    """Settings of the task."""

    catalogue: LocalFile = Setting(
        "", description="Table of devices, 'device' and attributes; empty: the simulated one."
    )
    rules: LocalFile = Setting("", description="Attributes and safety rules (TOML); empty: those of the simulation.")
    cold: Literal["none", "patient", "device", "both"] = Setting(
        "none", description="What the test knows nothing of, for [split] policy 'given' with the key 'part'."
    )
    new_devices: int = Setting(8, ge=0, description="New devices that one question may bring at the most.")
    history: int = Setting(12, ge=1, description="Latest devices of a patient that a network looks at.")


@dataclass(frozen=True, repr=False)
class Shelf:
    """The catalogue: names in rising order (V,), attributes, and marks (V, G)."""

    names: Names
    known: tuple[Attributes, ...]
    marks: Array
    table: DeviceTable

    def numbers(self, names: Names) -> Index:
        """Number of each name from 1, (N,); 0 where it is none of the catalogue."""
        at = np.minimum(np.searchsorted(self.names, names), len(self.names) - 1)
        return np.asarray(np.where(self.names[at] == names, at + 1, 0), dtype=np.int64)


class DeviceForPatient:
    """Devices for a patient."""

    Config: ClassVar[type[Config]] = DeviceForPatientConfig

    def __init__(self, config: DeviceForPatientConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            name="device-for-patient",
            kind="ranking",
            summary="devices for a patient, from attributes and use, under safety rules",
            labels=("device",),
            primary="ndcg_at_20",
            metrics=METRICS,
            floor="popularity",
            example="hospital",
            tags=("recommendation", "cold start", "contraindication", "MRI conditional", "recall"),
        )

    @cached_property
    def rules(self) -> Rules:
        """The rule file, read whole."""
        return read_rules(self._config.rules or str(SIMULATED / "hospital_rules.toml"))

    @cached_property
    def shelf(self) -> Shelf:
        """The catalogue."""
        return read_shelf(Path(self._config.catalogue or SIMULATED / "hospital_devices.csv"), self.rules)

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep what was given, and check the attributes of patients and new devices.

        Raises
        ------
        ReadError
            If the records are none of patients, or an attribute is none that the rule file declares.
        """
        if not (batch.has("item") and batch.has("tenth")):
            raise ReadError(f"expected patients and devices, got {', '.join(batch.columns) or 'nothing'}")
        empty = {"patient": "{}", "new_device": "[]"}
        texts = {
            Field(name, "text"): batch.dense(name) if batch.has(name) else np.full(len(batch), text)
            for name, text in empty.items()
        }
        kept = ("item", "tenth", "time", *empty)
        made = batch.with_columns(texts, drop=[n for n in batch.columns if n not in kept])
        for row in range(len(made)):
            self._patient(made, row)
            self._fresh(made, row)
        return made

    def cut(self, batch: RecordBatch) -> Items:
        """One item a device that was given: ``item``, ``index`` (N,), marks ``patient`` (N, F) and ``device`` (N, G).

        ``part`` (N,) is the role by patient, device or both, -1 for none; devices out of the catalogue are left out.
        """
        given = batch.ragged("item")
        record = np.repeat(np.arange(len(batch)), given.lengths)
        position = np.arange(len(record)) - given.offsets[record]
        names = np.array(given.values, dtype=f"S{NAME_BYTES}")
        number = self.shelf.numbers(names)
        rows = np.flatnonzero(number > 0)
        record, position, names, number = record[rows], position[rows], names[rows], number[rows]
        inputs = {
            "item": names,
            "index": number,
            "patient": self._patients(batch)[record],
            "device": self.shelf.marks[number - 1],
            "part": self._part(record, names, batch.dense("tenth")),
        }
        if batch.has("time"):
            inputs["time"] = np.array(batch.ragged("time").values)[rows]
        return Items(inputs, record, position, names)

    def ask(self, batch: RecordBatch, known: Items, asked: Items | None) -> Items:
        """One question a patient, about every device.

        ``history`` (N, L) names and ``taken`` (N, H) numbers of what was given, ``patient`` (N, F), ``candidate``
        (N, C, G) marks and ``index`` (N, C) numbers: the catalogue, then new devices with the number 0, then empty
        places with -1.
        """
        n = len(batch)
        candidate = np.zeros((n, len(self.shelf.names) + self._config.new_devices, self.shelf.marks.shape[1]), np.uint8)
        index = np.full(candidate.shape[:2], -1, dtype=np.int64)
        size = len(self.shelf.names)
        candidate[:, :size] = self.shelf.marks
        index[:, :size] = np.arange(1, size + 1)
        for row in range(n):
            fresh = self._fresh(batch, row)
            if fresh:
                candidate[row, size : size + len(fresh)] = self.rules.devices.encode(list(fresh.values()))
                index[row, size : size + len(fresh)] = 0
        inputs = {
            "history": padded(known.inputs["item"], known.record, n),
            "taken": latest(known.inputs["index"], known.record, n, self._config.history),
            "patient": self._patients(batch),
            "candidate": candidate,
            "index": index,
        }
        rows = np.arange(n, dtype=np.int64)
        target = None if asked is None else padded(asked.inputs["item"], asked.record, n)
        return Items(inputs, rows, np.zeros_like(rows), target)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One ranked list a patient, under the rules, with a note of what they did."""
        lists = [self._listed(batch, items, row, arrays) for row in range(len(items))]
        target = None if items.target is None else {"relevant": unpadded(items.target)}
        return Outputs({k: np.stack([row[k] for row in lists]) for k in lists[0]}, items.record, None, target)

    def audit(self, roles: Mapping[str, ItemSet]) -> list[Finding]:
        """Leaks in time, and what training does not hold."""
        return findings_between({role: Uses.of(some) for role, some in roles.items()})

    def divide(self, outputs: Outputs, roles: Mapping[str, ItemSet]) -> dict[str, dict[str, Outputs]]:
        """By the popularity of what was given, and by how much was known of the patient."""
        return divided_lists(outputs, Uses.of(roles["train"]), Uses.of(roles["valid"]))

    def explain(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
        """For each device of a list what raised its score, what rules did, and how varied the list is."""
        items = self.ask(batch, self.cut(batch), None)
        told = []
        for row in range(len(items)):
            listed = outputs.array("item")[row]
            told.append(told_of(self._advice(batch, items, row), listed[listed != b""], items, run))
        return told

    def summary(self, outputs: Outputs) -> dict[str, float]:
        """Rules broken in the lists, and what lists without rules would break; how much of the catalogue is listed."""
        item = outputs.array("item")
        return {
            "rule_violations": float(outputs.array("violations").sum()),
            "violations_a_list_without_rules": float(outputs.array("forbidden").mean()),
            "catalogue_coverage": len(np.setdiff1d(item, [b""])) / len(self.shelf.names),
            "diversity": float(outputs.array("diversity").mean()),
        }

    def _listed(self, batch: RecordBatch, items: Items, row: int, arrays: Mapping[str, Array]) -> Advised:
        made = list_of(self._advice(batch, items, row), {k: v[row] for k, v in arrays.items()})
        return {**made, "violations": np.array(self._violations(batch, int(items.record[row]), made["item"]))}

    def _violations(self, batch: RecordBatch, record: int, listed: Names) -> int:
        """How many devices of a list a rule forbids, judged anew by their names and attributes."""
        known = {bytes(n): a for n, a in zip(self.shelf.names, self.shelf.known, strict=True)}
        known |= {n.encode(): a for n, a in self._fresh(batch, record).items()}
        table = self.rules.table([known[bytes(n)] for n in listed[listed != b""]])
        effects = self.rules.judge(self._patient(batch, record), table)
        return int((effects.max(axis=0, initial=KEEP) == REMOVE).sum())

    def _advice(self, batch: RecordBatch, items: Items, row: int) -> Advice:
        """What is known about one question: its candidates, and what the rules say to each."""
        record = int(items.record[row])
        patient, fresh = self._patient(batch, record), self._fresh(batch, record)
        effects = self.rules.judge(patient, self.shelf.table)
        names, marks = self.shelf.names, self.shelf.marks
        if fresh:
            more = self.rules.judge(patient, self.rules.table(list(fresh.values())))
            effects = np.concatenate([effects, more], axis=1)
            names = np.concatenate([names, as_names(list(fresh))])
            marks = np.concatenate([marks, self.rules.devices.encode(list(fresh.values()))])
        given = np.array(batch.ragged("item")[record], dtype=f"S{NAME_BYTES}")
        return Advice(
            row=row,
            names=names,
            n_known=len(self.shelf.names),
            marks=marks,
            effects=effects,
            history=items.inputs["history"][row],
            n_foreign=int((self.shelf.numbers(given) == 0).sum()),
            rules=self.rules,
        )

    def _patients(self, batch: RecordBatch) -> Array:
        return self.rules.patients.encode([self._patient(batch, row) for row in range(len(batch))])

    def _patient(self, batch: RecordBatch, row: int) -> Attributes:
        return self.rules.patients.read(from_json(str(batch.dense("patient")[row])))

    def _fresh(self, batch: RecordBatch, row: int) -> dict[str, Attributes]:
        """New devices of a question by their names; one that the catalogue has is not new."""
        text = str(batch.dense("new_device")[row])
        if text == "[]":
            return {}
        raw = json.loads(text)
        names = [str(d["device"]) for d in raw]
        if len(set(names)) < len(names) or any(len(n.encode()) > NAME_BYTES for n in names):
            raise ReadError(
                f"new devices: expected names of at most {NAME_BYTES} bytes, each once, got one again or a longer one"
            )
        made: dict[str, Attributes] = {
            n: self.rules.devices.read(d, ignore=("device",)) for n, d in zip(names, raw, strict=True)
        }
        known = [n for n, at in zip(made, self.shelf.numbers(as_names(list(made))), strict=True) if at > 0]
        if known or len(made) > self._config.new_devices:
            got = "one of the catalogue" if known else str(len(made))
            raise ReadError(
                f"new devices: expected at most {self._config.new_devices}, none of the catalogue, got {got}"
            )
        return made

    def _part(self, record: Index, names: Names, tenth: Array) -> Array:
        """Role of each item by patient, device or both."""
        of_patient, of_device = TENTHS[tenth][record], _roles(names)
        both = np.where(of_patient == of_device, of_patient, -1)
        return {"none": 0 * both, "patient": of_patient, "device": of_device, "both": both}[self._config.cold]


def _roles(names: Names) -> Index:
    """Role of each name by its hash, (N,): 0 train, 1 validation, 2 test."""
    distinct, inverse = np.unique(names, return_inverse=True)
    return np.asarray(TENTHS[tenths_of(distinct)][inverse.ravel()])


def read_shelf(path: Path, rules: Rules) -> Shelf:
    """Read a catalogue of devices.

    Raises
    ------
    RecipeError
        If the table is broken, a device comes twice, or an attribute is none of the rule file.
    """
    rows = _parquet_rows(path) if path.read_bytes()[:4] == b"PAR1" else _csv_rows(path)
    names = [str(row.get("device", "")).strip() for row in rows]
    if not rows or "" in names or len(set(names)) < len(names) or max(len(n.encode()) for n in names) > NAME_BYTES:
        what = f"a column 'device' with names of at most {NAME_BYTES} bytes, each once"
        raise RecipeError(f"catalogue {path.name}: expected {what}, got another table")
    try:
        known = {n: rules.devices.read(row, ignore=("device",)) for n, row in zip(names, rows, strict=True)}
    except ReadError as error:
        raise RecipeError(f"catalogue {path.name}: {error}") from error
    ordered = sorted(known, key=str.encode)
    attributes = tuple(known[n] for n in ordered)
    return Shelf(as_names(ordered), attributes, rules.devices.encode(attributes), rules.table(attributes))


def _csv_rows(path: Path) -> list[dict[Any, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows: list[dict[Any, Any]] = list(csv.DictReader(stream, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise RecipeError(
            f"catalogue {path.name}: expected a CSV table in UTF-8, got a broken one; export it again"
        ) from error
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise RecipeError(
                f"catalogue {path.name}, row {number}: expected as many cells as the header has, got another number"
            )
    return rows


def _parquet_rows(path: Path) -> list[dict[Any, Any]]:
    """Rows of a Parquet table; an attribute with several values may be a list."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[dict[Any, Any]] = pq.read_table(path).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise RecipeError(f"catalogue {path.name}: expected a Parquet table, got a broken one") from error
    return [{**row, "device": "" if row.get("device") is None else str(row["device"])} for row in rows]
