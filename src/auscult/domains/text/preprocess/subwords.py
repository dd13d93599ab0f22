"""Texts → subwords by a tokenizer file (``tokenizer.json``), with where each stands in the text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.base.errors import RecipeError

Tokens = npt.NDArray[np.int64]


def read_tokenizer(path: Path) -> Any:
    """Open a tokenizer; what it says about cutting and padding is not used.

    Raises
    ------
    RecipeError
        If the file is none.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise RecipeError(
            f"[task] tokenizer: expected a tokenizer.json of the tokenizers package, got {path.name}, which is none"
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def subwords(tokenizer: Any, texts: Sequence[str], length: int) -> Tokens:
    """Return the subwords of texts, each number plus one, padded with 0 on the right: (N, length).

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        As ``read_tokenizer`` gives it.
    texts : sequence of N str
        Any texts.
    length : int
        Subwords that are kept of a text, with the marks of its begin and end where the tokenizer sets some.
    """
    tokenizer.enable_truncation(length)
    tokens = np.zeros((len(texts), length), dtype=np.int64)
    for row, encoded in enumerate(tokenizer.encode_batch_fast(list(texts))):
        ids = encoded.ids
        tokens[row, : len(ids)] = np.asarray(ids) + 1
    tokenizer.no_truncation()
    return tokens
