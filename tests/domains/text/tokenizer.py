"""A tokenizer of whole words, as a file: small, and made here."""

from __future__ import annotations

from pathlib import Path

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "pump", "stopped", "screen", "broke", "leak")


def write_tokenizer(path: Path) -> Path:
    """Write a tokenizer that sets a mark at the begin and the end of a text."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    made = Tokenizer(models.WordLevel({word: k for k, word in enumerate(WORDS)}, "[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made.enable_padding(length=32)
    made.enable_truncation(3)
    made.save(str(path))
    return path
