"""Checks of how texts are written: their languages, where they were cut off, characters that nobody sees, balance."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np

from auscult.base.contracts import Finding, RecordBatch
from auscult.domains.text.check_words import SHOWN, texts_of
from auscult.domains.text.preprocess.language import UNKNOWN, languages

LOOKED_AT = 20_000
"""Records whose language is told."""
RARE_SHARE = 0.001
LIMITS = frozenset((255, 256, 500, 512, 1000, 1024, 2000, 2048, 4000, 4096, 8000, 8192, 32767, 65535))
"""Lengths at which databases and spreadsheets cut a text."""
LEAST_CUT = 3
FEW = 20
_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def text_languages(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Say which languages the first records have, and warn where there is more than one."""
    counts: Counter[str] = Counter()
    names: dict[str, list[str]] = {}
    for batch in batches:
        if sum(counts.values()) >= LOOKED_AT:
            break
        texts = texts_of(batch)
        for (record, _), found in zip(texts, languages([t for _, t in texts]).tolist(), strict=True):
            counts[found] += 1
            names.setdefault(found, []).append(record)
    told = {k: n for k, n in counts.items() if k != UNKNOWN and n >= max(2, RARE_SHARE * sum(counts.values()))}
    mixed = len(told) > 1
    most = max(told, key=lambda k: told[k], default="")
    return [
        Finding(
            "languages",
            "warning" if mixed and name != most else "info",
            f"records in the language or script '{name}'" + (", beside others" if mixed else ""),
            n,
            () if name == most else tuple(names[name][:SHOWN]),
        )
        for name, n in sorted(told.items())
    ]


def cut_off(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Records whose text is as long as databases cut, and ends in the middle: the rest of it is lost."""
    by_length: dict[int, list[str]] = {}
    for batch in batches:
        for record, text in texts_of(batch):
            if len(text) in LIMITS and (text[-1:].isalnum() or text[-1:] == ","):
                by_length.setdefault(len(text), []).append(record)
    return [
        Finding(
            "cut-off", "warning", f"records of exactly {n} characters that end without a mark", len(r), tuple(r[:SHOWN])
        )
        for n, r in sorted(by_length.items())
        if len(r) >= LEAST_CUT
    ]


def hidden_characters(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Records with zero-width characters or marks of direction, which a person does not see."""
    found = [record for batch in batches for record, text in texts_of(batch) if _HIDDEN.search(text)]
    if not found:
        return []
    text = (
        "records with zero-width characters or marks of direction; models of whole texts do not see them, "
        "for models of spans they are tokens"
    )
    return [Finding("hidden-characters", "info", text, len(found), tuple(found[:SHOWN]))]


def rare_labels(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Count the labels that fewer than twenty records have."""
    counts: np.ndarray | int = 0
    for batch in batches:
        label = np.asarray(batch.dense("label")) if batch.has("label") else np.zeros(0)
        if label.ndim != 2:
            return []
        counts = counts + (label > 0).sum(axis=0)
    rare = int((np.atleast_1d(counts) < FEW).sum()) if np.ndim(counts) else 0
    return [Finding("rare-labels", "warning", f"labels with fewer than {FEW} records", rare)] if rare else []
