"""Text: what is written about and by medical devices, from exports to answers."""

from __future__ import annotations

from auscult.base.contracts import Domain

_HERE = "auscult.domains.text"
CHECKS = ("encodings", "unlabelled")

DOMAIN = Domain(
    name="text",
    summary="device reports, service logs and notes: classes, labels, spans, drafts",
    readers={
        "jsonl": f"{_HERE}.readers.jsonl:JsonlReader",
        "text-table": f"{_HERE}.readers.table:TextTableReader",
        "plain": f"{_HERE}.readers.plain:PlainReader",
    },
    tasks={
        "document-class": f"{_HERE}.tasks.document_class:DocumentClass",
    },
    models={
        "tfidf-linear": f"{_HERE}.models.tfidf_linear:TfidfLinear",
        "text-transformer": f"{_HERE}.models.text_transformer:TextTransformer",
    },
    checks={name: f"{_HERE}.checks:{name.replace('-', '_')}" for name in CHECKS},
    examples={
        "reports": f"{_HERE}.examples:write_reports_example",
        "narratives": f"{_HERE}.examples:write_narratives_example",
    },
)
