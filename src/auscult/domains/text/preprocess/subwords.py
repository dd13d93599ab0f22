"""Texts → subwords by a tokenizer file (``tokenizer.json``), with where each stands in the text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.base.errors import RecipeError
from auscult.base.files import sha256_file
from auscult.domains.text.preprocess.codes import Corpus
from auscult.domains.text.preprocess.tokens import Tokens as Stretches

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


def tokenizer_for(path: Path, vocabulary: int) -> Any:
    """Open a tokenizer whose subwords fit into a vocabulary with 0 for none.

    Raises
    ------
    RecipeError
        If the file is no tokenizer, or has more subwords.
    """
    tokenizer = read_tokenizer(path)
    size = tokenizer.get_vocab_size()
    if size >= vocabulary:
        raise RecipeError(
            f"[task] vocabulary: expected more than the {size} subwords of the tokenizer, got {vocabulary}"
        )
    return tokenizer


def tokenizer_number(path: str, vocabulary: int) -> float:
    """Return a number that tells how words are numbered: by the content of a file, or by a hash to so many numbers.

    A file that a recipe names and that has not been located yet is 0.
    """
    if not path:
        return float(vocabulary)
    return float(int(sha256_file(Path(path))[:12], 16)) if Path(path).is_file() else 0.0


def marks_of(tokenizer: Any) -> list[int]:
    """Return the numbers of the marks that a tokenizer sets around a text, each plus one."""
    return [number + 1 for number in tokenizer.encode("").ids]


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


def subword_tokens(tokenizer: Any, texts: Sequence[str]) -> tuple[Stretches, Tokens]:
    """Return the subwords of texts where they stand, and each number plus one, (W,); without marks of begin and end.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        As ``read_tokenizer`` gives it.
    texts : sequence of N str
        Any texts.
    """
    corpus = Corpus.of(texts)
    encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    places = [np.array(e.offsets, dtype=np.int64).reshape(-1, 2) + corpus.begin[k] for k, e in enumerate(encoded)]
    rows = np.repeat(np.arange(len(texts)), [len(p) for p in places])
    numbers = [np.array(e.ids, dtype=np.int64) + 1 for e in encoded]
    whole = np.concatenate([*places, np.zeros((0, 2), np.int64)])
    there = whole[:, 1] > whole[:, 0]
    number = np.concatenate([*numbers, np.zeros(0, np.int64)])
    return Stretches(corpus, whole[there, 0], whole[there, 1], rows[there]), number[there]
