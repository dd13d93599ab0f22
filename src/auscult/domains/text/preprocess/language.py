"""The language of a text, by its script and its most frequent words; no list of a language beyond these is kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from auscult.domains.text.preprocess.codes import folded

UNKNOWN = "unknown"
FUNCTION_WORDS = {
    "en": "the of and to in was is that for with on as at by it be this not were which has had from are an been "
    "no there after a i as patient reported",
    "es": "de la que el en y los se del las por con una su para es al lo como más pero sus le ha fue no paciente",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an wurde patient",
    "fr": "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont patient",
    "it": "di e il la che in a per un del è non con una i si da le dei al come sono nel alla più stato paziente",
    "pt": "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao paciente",
}
"""Language (ISO 639-1) to its most frequent words, as any frequency list has them."""
_SCRIPTS = (
    ("ja", ((0x3040, 0x30FF),)),
    ("zh", ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))),
    ("ko", ((0xAC00, 0xD7AF), (0x1100, 0x11FF))),
    ("cyrillic", ((0x0400, 0x052F),)),
    ("arabic", ((0x0600, 0x06FF), (0x0750, 0x077F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFF))),
    ("hebrew", ((0x0590, 0x05FF),)),
    ("greek", ((0x0370, 0x03FF),)),
    ("thai", ((0x0E00, 0x0E7F),)),
    ("devanagari", ((0x0900, 0x097F),)),
)
"""Scripts that tell a language, or a few of them (Unicode 15, blocks)."""
OTHER_SCRIPT = 0.3
"""Share of the letters from which on another script than Latin is the text's."""
KANA = 0.05
LEAST_WORDS = 6
"""A Latin text of fewer words is too short to tell."""
LEAST_SHARE = 0.06
HEAD = 2000
"""Characters that are looked at."""
_WORD = re.compile(r"[^\W\d_]+")
_KNOWN: dict[str, tuple[str, ...]] = {}
for _name, _words in FUNCTION_WORDS.items():
    _KNOWN.update({word: (*_KNOWN.get(word, ()), _name) for word in _words.split()})


def languages(texts: Sequence[str]) -> npt.NDArray[np.str_]:
    """Return the language of each text: ISO 639-1, a script's name, or ``unknown``, (N,).

    Examples
    --------
    >>> languages(["The pump stopped and the alarm was not heard.", "泵停机了", "El paciente fue dado de alta por la"])
    array(['en', 'zh', 'es'], dtype='<U10')
    """
    return np.array([_language(t) for t in texts], dtype="U10")


def _language(text: str) -> str:
    head = text[:HEAD]
    if not head.isascii():
        script = _script(head)
        if script:
            return script
    words = _WORD.findall(folded(head))
    if len(words) < LEAST_WORDS:
        return UNKNOWN
    hits = Counter(name for word in words for name in _KNOWN.get(word, ()))
    best, count = max(hits.items(), key=lambda hit: (hit[1], hit[0]), default=(UNKNOWN, 0))
    return best if count >= LEAST_SHARE * len(words) else UNKNOWN


def _script(text: str) -> str:
    """Name of a script other than Latin that holds enough of the letters; empty where none does."""
    letters = np.array([ord(c) for c in text if c.isalpha()], dtype=np.int64)
    if not len(letters):
        return ""
    share = {name: sum(np.mean((letters >= a) & (letters <= b)) for a, b in blocks) for name, blocks in _SCRIPTS}
    if share["ja"] >= KANA and share["ja"] + share["zh"] >= OTHER_SCRIPT:
        return "ja"
    best = max(share, key=lambda name: share[name])
    return best if share[best] >= OTHER_SCRIPT else ""
