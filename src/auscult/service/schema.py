"""JSON forms of the service: what a release says about itself, and the schema of its answers for OpenAPI."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from auscult.base.files import canonical
from auscult.engine.answers.base import listed, record_of
from auscult.engine.runtime import RecordAnswer, Release
from auscult.service.decoded import Form

TEXT: dict[str, Any] = {"type": "string"}
FREE: dict[str, Any] = {"type": "object"}


def answer_body(release: Release, records: Sequence[RecordAnswer]) -> bytes:
    """Write the answers to one request as JSON, NaN as null."""
    value = {"release": release.provenance, "records": [record_json(r) for r in records]}
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, TypeError):
        return canonical(value)


def record_json(answer: RecordAnswer) -> dict[str, Any]:
    """Return a record as ``predict`` gives it."""
    return {
        "record": answer.record,
        "status": answer.status,
        "reason": answer.reason,
        "answers": answer.answers,
        "explanation": answer.explanation,
    }


def about(release: Release) -> dict[str, Any]:
    """Say in short what a release is."""
    spec = release.spec
    return {**release.provenance, "summary": spec.summary, "kind": spec.kind, "labels": list(spec.labels)}


def details(release: Release, forms: Mapping[str, Form]) -> dict[str, Any]:
    """Say all that a client needs to know about a release."""
    return {
        **about(release),
        "domain": release.domain.name,
        "replaces": release.manifest.get("replaces"),
        "readers": list(release.domain.readers),
        "fields": {name: form.to_dict() for name, form in forms.items()},
        "answer_schema": answer_schema(release),
    }


def answer_schema(release: Release) -> dict[str, Any]:
    """JSON schema of one answer, with the place in the record where there may be one."""
    one: dict[str, Any] = dict(release.manifest["answer_schema"])
    place: dict[str, Any] = {"at": {"type": "integer"}}
    if release.spec.position_rate_hz is not None:
        place = {"at_s": {"type": "number", "description": "seconds from the start of the record"}}
    return {**one, "properties": {**place, **one.get("properties", {})}}


def response_schema(release: Release) -> dict[str, Any]:
    """JSON schema of the answer to a request."""
    record = record_of(
        record=TEXT,
        status={"enum": ["answered", "abstained", "refused", "note"]},
        reason={**TEXT, "description": "why not, or what was left out; empty where answered"},
        answers=listed(answer_schema(release)),
        explanation={"anyOf": [FREE, {"type": "null"}]},
    )
    intent = record_of(**dict.fromkeys(release.manifest["intent"], TEXT))
    provenance = record_of(name=TEXT, version=TEXT, content_hash=TEXT, intent=intent)
    return record_of(release=provenance, records=listed(record))
