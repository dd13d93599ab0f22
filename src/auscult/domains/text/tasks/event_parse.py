"""Task ``event-parse``: a narrative of a device event → a structured record with the place that supports each field.

The answer is the sex of the patient, or that the text does not say. The whole record, as JSON with the place of each
value in the text, is what ``--explain`` gives. Sex and type of event are judged; the other fields are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatch
from typing import Any, ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array, Column
from auscult.base.contracts import Config, Field, Items, Outputs, RecordBatch, Run, TaskSpec
from auscult.base.errors import ReadError
from auscult.domains.text.preprocess.event_fields import event_type, stated_fields
from auscult.domains.text.preprocess.patient_sex import sex_evidence, sex_features
from auscult.domains.text.preprocess.profile import profiles
from auscult.domains.text.tasks.common import TEXT, TEXT_FIELD, text_key

SEX_LABELS = ("F", "M", "unknown")
EVENT_TYPES = ("malfunction", "injury", "death")
NOT_SCORED = ("age", "date", "device", "problem", "outcome")
"""Fields that no public set has a truth for."""
_LABEL, _EVENT = Field("label", "ids"), Field("event", "ids")


class EventParseConfig(Config):
    """Settings of the task."""

    text: str = Setting("text", description="Column with the narrative; a file of plain text has it under 'text'.")
    sex: str = Setting("sex", description="Column with the sex of the patient, for training and figures.")
    sex_values: tuple[str, str, str] = Setting(SEX_LABELS, description="What it holds for female, male and neither.")
    event: str = Setting("event", description="Column with the type of the event.")
    event_values: tuple[str, str, str] = Setting(
        EVENT_TYPES, description="What it holds for a malfunction, an injury and a death; others are not judged."
    )
    test_names: str = Setting(
        "", description="Pattern of the names of records that are the test; gives the group key 'role' where stated."
    )


class EventParse:
    """Narratives and what they state."""

    Config: ClassVar[type[Config]] = EventParseConfig

    def __init__(self, config: EventParseConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            name="event-parse",
            kind="class",
            summary="structured record of a device event; sex of the patient, or that the text does not say",
            labels=SEX_LABELS,
            primary="macro_f1",
            metrics=("accuracy", "macro_f1", "ece", "brier"),
            floor="pronoun-rule",
            example="event-narratives",
            tags=("information extraction", "adverse event", "device report", "parsing", "MAUDE"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep the narrative, and the sex and the type of event where they are stated.

        Raises
        ------
        ReadError
            If there is no narrative, or one without a word.
        """
        c = self._config
        name = c.text if batch.has(c.text) else "text"
        if not batch.has(name) or batch.field(name).kind != "text":
            raise ReadError(
                f"expected the narrative in '{c.text}' (or in a column 'text'), "
                f"got {', '.join(batch.columns) or 'nothing'}; name the column in [task] text"
            )
        texts = [str(t) for t in batch.dense(name)]
        empty = sum(not any(ch.isalnum() for ch in t) for t in texts)
        if empty:
            raise ReadError(
                f"text: expected at least one word, got none in {empty} of {len(texts)} texts; leave the record out"
            )
        groups = {**batch.groups, "text": np.array([text_key(t) for t in texts])}
        if c.test_names:
            role = ["test" if fnmatch(str(r), c.test_names) else "train" for r in batch.record]
            groups["role"] = np.array(role, dtype=np.str_)
        made: dict[Field, Column] = {TEXT_FIELD: np.array(texts, dtype=TEXT)}
        for column, values, field in ((c.sex, c.sex_values, _LABEL), (c.event, c.event_values, _EVENT)):
            if batch.has(column):
                number = {value: k for k, value in enumerate(values)}
                made[field] = np.array([number.get(str(v).strip(), -1) for v in batch.dense(column)], dtype=np.int64)
        return replace(batch.with_columns(made, drop=[f.name for f in batch.fields]), groups=groups)

    def cut(self, batch: RecordBatch) -> Items:
        """One item a narrative: ``evidence`` (N, 10) and ``profile`` (N, 9); the target is the sex."""
        items = self.cut_new(batch)
        if not batch.has("label"):
            return items
        label = np.asarray(batch.dense("label"))
        rows = np.flatnonzero(label >= 0)
        return Items({k: v[rows] for k, v in items.inputs.items()}, rows, np.zeros_like(rows), label[rows])

    def cut_new(self, batch: RecordBatch) -> Items:
        """One item a narrative, whatever somebody wrote beside it."""
        texts = [str(t) for t in batch.dense("text")]
        rows = np.arange(len(texts), dtype=np.int64)
        return Items({"evidence": sex_features(texts), "profile": profiles(texts)}, rows, np.zeros_like(rows))

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a narrative."""
        target = None if items.target is None else {"label": items.target}
        return Outputs({"probability": arrays["probability"]}, items.record, None, target)

    def further(
        self, batch: RecordBatch, predict: Callable[[RecordBatch], Outputs]
    ) -> Mapping[str, tuple[TaskSpec, Outputs]]:
        """Judge the type of event too, on the records that have one."""
        if not batch.has("event"):
            return {}
        truth = np.asarray(batch.dense("event"))
        rows = np.flatnonzero(truth >= 0)
        answer = [EVENT_TYPES.index(event_type(str(batch.dense("text")[r]))[0]) for r in rows]
        probability = np.full((len(rows), len(EVENT_TYPES)), 0.05)
        probability[np.arange(len(rows)), answer] = 0.9
        spec = replace(self.spec, labels=EVENT_TYPES, metrics=("accuracy", "macro_f1"))
        made: dict[str, Column] = {"probability": probability, "label": np.array(answer, dtype=np.int64)}
        return {"event_type": (spec, Outputs(made, rows, None, {"label": truth[rows]}))}

    def explain(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
        """Return the structured record of each narrative, with the places that support it."""
        answered = outputs.arrays.get("label")
        sex = (
            dict(zip(outputs.record.tolist(), np.asarray(answered).tolist(), strict=True))
            if answered is not None
            else {}
        )
        return [
            {"record": parsed(str(text), SEX_LABELS[sex.get(row, 2)])} for row, text in enumerate(batch.dense("text"))
        ]


def parsed(text: str, sex: str) -> dict[str, Any]:
    """Return a narrative as a structured record; a field that the text does not state is null, or an empty list.

    Parameters
    ----------
    text : str
        The narrative.
    sex : str
        ``F``, ``M`` or ``unknown``, as it was answered.

    Returns
    -------
    dict
        ``value`` and ``at`` (first character, and the one after the last) of each field, lists of them where a text
        may state several; ``not_scored`` names the fields that were never judged against a truth.
    """
    places = [[e.begin, e.end] for e in sex_evidence(text) if e.sex == sex and e.kind != "other-pronoun"]
    kind, at = event_type(text)
    record: dict[str, Any] = {
        "sex": {"value": sex, "at": places[:5]} if sex != "unknown" else None,
        "event_type": {"value": kind, "at": [] if at is None else [list(at)]},
        "age": None,
        **{name: [] for name in NOT_SCORED[1:]},
        "not_scored": list(NOT_SCORED),
    }
    for stated in stated_fields(text):
        value = {"value": stated.value, "at": [[stated.begin, stated.end]]}
        if stated.field == "age":
            record["age"] = record["age"] or value
            continue
        known = next((v for v in record[stated.field] if v["value"] == stated.value), None)
        if known is None:
            record[stated.field].append(value)
        elif len(known["at"]) < 5:
            known["at"].append([stated.begin, stated.end])
    return record
