"""The closed list of answer kinds, one file each."""

from __future__ import annotations

from auscult.base.contracts import TaskSpec
from auscult.base.errors import UsageError, unknown
from auscult.base.registry import resolve
from auscult.engine.answers.base import AnswerKind

KINDS = {
    "class": "auscult.engine.answers.one_class:ClassKind",
    "labels": "auscult.engine.answers.labels:LabelsKind",
    "value": "auscult.engine.answers.value:ValueKind",
    "events": "auscult.engine.answers.events:EventsKind",
    "spans": "auscult.engine.answers.spans:SpansKind",
    "mask": "auscult.engine.answers.mask:MaskKind",
    "boxes": "auscult.engine.answers.boxes:BoxesKind",
    "ranking": "auscult.engine.answers.ranking:RankingKind",
    "sample": "auscult.engine.answers.sample:SampleKind",
}


def kind_of(spec: TaskSpec) -> AnswerKind:
    """Return the answer kind of a task.

    Raises
    ------
    UsageError
        If the list has no such kind.
    """
    if spec.kind not in KINDS:
        raise UsageError(unknown("answer kind", spec.kind, KINDS, where=f"task '{spec.name}'"))
    kind: AnswerKind = resolve(KINDS[spec.kind])()
    return kind
