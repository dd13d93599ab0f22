"""Checks of what texts say: phrases that give a label away, templates, identifiers that were left in.

No finding repeats a word of a record; it says how many and which.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from auscult.base.contracts import Finding, RecordBatch
from auscult.domains.text.preprocess.codes import Corpus, folded
from auscult.domains.text.preprocess.sketch import shingles

SHOWN = 20
LEAST_RECORDS = 20
"""A phrase of fewer records says nothing."""
PURE, SHARE = 0.99, 0.5
"""A phrase gives a class away where this share of its records is of the class, and it stands in this share of it."""
TEMPLATE = 0.05
OPENING_WORDS = 8
IDENTIFIERS = {
    "an e-mail address": re.compile(r"[\w.+-]@[\w-]+\.[a-zA-Z]{2,}"),
    "a telephone number": re.compile(r"(?<![\d-])(?:\+?1[ .-]?)?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\d-])"),
    "a social security number": re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"),
    "a record number of a patient": re.compile(r"\b(?:mrn|patient id|medical record (?:no|number))\W{0,3}\d{4,}", re.I),
    "a date of birth": re.compile(r"\b(?:dob|date of birth|born on)\W{0,3}\d", re.I),
    "a name after a title": re.compile(r"\b(?:Mr|Mrs|Ms|Dr)\.? [A-Z][a-z]{2,}\b"),
}
"""Marks of persons that a pattern can find; a name without a title needs a model of spans."""


def identifiers(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Records with something that looks like a person's identifier; only what a pattern can tell."""
    names: dict[str, list[str]] = {what: [] for what in IDENTIFIERS}
    for batch in batches:
        for record, text in texts_of(batch):
            for what, pattern in IDENTIFIERS.items():
                if pattern.search(text):
                    names[what].append(record)
    return [
        Finding(
            "identifiers", "warning", f"records with what looks like {what}; take it out before sharing", len(r), r_
        )
        for what, r in names.items()
        if r and (r_ := tuple(r[:SHOWN]))
    ]


def label_phrases(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Classes that a run of three words gives away: it stands in most of their records and in no other.

    Such a phrase is a heading, a code or a template of the export more often than medicine, and a model that learns it
    fails on texts from elsewhere.
    """
    found: list[tuple[np.ndarray, np.ndarray]] = []
    labels: list[int] = []
    records: list[str] = []
    for batch in batches:
        if not (batch.has("label") and batch.has("text")) or batch.field("label").kind != "ids":
            return []  # a file may have a column of this name
        if np.asarray(batch.dense("label")).ndim != 1:
            return []
        text, hashes = shingles([t for _, t in texts_of(batch)])
        found.append((text + len(labels), hashes))
        labels += np.asarray(batch.dense("label")).tolist()
        records += batch.record.tolist()
    label = np.array(labels)
    if not found or len(np.unique(label[label >= 0])) < 2:
        return []
    given = _given_away(np.concatenate([t for t, _ in found]), np.concatenate([h for _, h in found]), label)
    return [
        Finding(
            "label-phrases",
            "warning",
            f"records of class {k} with three words in a row that {PURE:.0%} of the time mean this class; "
            "'predict --explain' shows what a release makes of them",
            len(rows),
            tuple(records[r] for r in rows[:SHOWN]),
        )
        for k, rows in given.items()
    ]


def _given_away(text: np.ndarray, hashes: np.ndarray, label: np.ndarray) -> dict[int, list[int]]:
    """Records of each class that hold its most frequent pure phrase, where that is in half of the class at least."""
    pair = np.unique(np.stack([hashes, text.astype(np.uint64)]), axis=1)
    phrase, row = pair[0], pair[1].astype(np.int64)
    kept = label[row] >= 0
    phrase, row = phrase[kept], row[kept]
    unique, number, count = np.unique(phrase, return_inverse=True, return_counts=True)
    given: dict[int, list[int]] = {}
    for k in np.unique(label[label >= 0]).tolist():
        size = int((label == k).sum())
        inside = np.bincount(number[label[row] == k], minlength=len(unique))
        pure = (inside >= max(LEAST_RECORDS, SHARE * size)) & (inside >= PURE * count)
        if pure.any() and size < 0.9 * (label >= 0).sum():
            best = int(np.argmax(np.where(pure, inside, 0)))
            given[k] = row[(number == best) & (label[row] == k)].tolist()
    return given


def templates(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Records that begin with the same eight words as many others, numbers aside."""
    openings: Counter[int] = Counter()
    rows: list[tuple[str, int]] = []
    for batch in batches:
        texts = [(record, re.sub(r"\d+", "0", folded(text[:400]))) for record, text in texts_of(batch)]
        for (record, _), key in zip(texts, _openings([t for _, t in texts]), strict=True):
            if key:
                openings[key] += 1
                rows.append((record, key))
    many = {key for key, n in openings.items() if n >= max(LEAST_RECORDS, TEMPLATE * len(rows))}
    same = [record for record, key in rows if key in many]
    if not same:
        return []
    text = (
        f"records that begin with one of {len(many)} openings of eight words; a split by group keeps a template whole"
    )
    return [Finding("templates", "info", text, len(same), tuple(same[:SHOWN]))]


def _openings(texts: Sequence[str]) -> list[int]:
    """Hash of the first eight words of each text; 0 where it has fewer."""
    corpus = Corpus.of(texts)
    begin, end, text = corpus.words
    first = np.searchsorted(text, np.arange(len(texts)))
    last = first + OPENING_WORDS - 1
    whole = np.flatnonzero(
        (last < len(text)) & (text[np.minimum(last, max(len(text) - 1, 0))] == np.arange(len(texts)))
    )
    keys = np.zeros(len(texts), dtype=np.uint64)
    keys[whole] = corpus.hashes(begin[first[whole]], end[last[whole]])
    return keys.tolist()


def texts_of(batch: RecordBatch) -> list[tuple[str, str]]:
    """Name and text of each record; of a batch as it was read, all of its columns together."""
    columns = ["text"] if batch.has("text") else [f.name for f in batch.fields if f.kind == "text"]
    if not columns:
        return []
    cells = zip(*(batch.dense(c) for c in columns), strict=True)
    return [(str(r), "\n".join(map(str, c))) for r, c in zip(batch.record, cells, strict=True)]
