"""Cues: words and phrases that carry what a device report is about, and whether they are denied.

English only. Each cue is looked for as whole words; it counts as denied where a word of denial stands shortly before it
in the same sentence (Chapman et al. 2001, J Biomed Inform 34:301, NegEx, with a shorter list).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from auscult.domains.text.preprocess.codes import lowered

CUES = {
    "death": r"died|dies|death|deceased|expired(?! (?:date|product|device|test|strip|lot|unit))|demise|passed away"
    r"|fatal(?:ity|ities)?|succumbed",
    "autopsy": r"autops(?:y|ies)|obituary|coroner|medical examiner|death certificate",
    "resuscitation": r"resuscitat\w*|cpr|code blue|coded|cardiac arrest|asystole|life support",
    "surgery": r"surger(?:y|ies)|surgical(?:ly)?|operat(?:ed|ion)|revis(?:ed|ion)|explant\w*|re-?operat\w*|excis\w+",
    "hospital": r"hospitali[sz]\w*|admitted|emergency room|er visit|icu|paramedics?|ambulance|emergency",
    "treated": r"treat(?:ed|ment)|antibiotics?|transfus\w*|stitches|sutur\w+|intervention|medication|glucagon",
    "harm": r"injur(?:y|ies|ed)|burn(?:s|ed)?|bleed\w*|hemorrhag\w*|haemorrhag\w*|infect\w+|perforat\w+|fractur\w+"
    r"|pain(?:ful)?|ulcer\w*|swell\w*|erosion|fell|fall|seizures?|coma|unconscious|paralys\w+",
    "glucose": r"hypoglyc\w+|hyperglyc\w+|dka|ketoacidosis|low blood (?:sugar|glucose)",
    "malfunction": r"malfunction\w*|fail(?:s|ed|ure)?|defect\w*|broken?|broke|cracked|leak\w*|error"
    r"|alarm\w*|inoperative",
    "no-patient": r"patient involvement|patient (?:was )?involved|patient use|use on a patient|during testing",
    "replaced": r"replac\w+|exchang\w+|swapped|another (?:device|unit)",
    "evaluated": r"evaluat\w+|analy[sz]\w+|inspect\w+|investigat\w+|returned",
}
"""Cue to a regular expression of whole words."""
DENIED = re.compile(
    r"\b(?:no|not|without|nor|never|neither|denie[sd]|\w*n't|ruled out|absence of|unlikely|unrelated)\b"
)
REACH = 40
"""Characters before a cue in which a denial counts."""
_PATTERNS = {name: re.compile(rf"\b(?:{words})\b") for name, words in CUES.items()}
FEATURES = tuple(f"{name}-{how}" for name in CUES for how in ("said", "denied"))


def found(text: str) -> Iterator[tuple[str, int, int, bool]]:
    """Yield each cue of a text that is ``lowered``: its name, where it begins and ends, and whether it is denied."""
    for name, pattern in _PATTERNS.items():
        for match in pattern.finditer(text):
            before = text[max(0, match.start() - REACH) : match.start()]
            sentence = re.split(r"[.;!?]", before)[-1]
            yield name, match.start(), match.end(), DENIED.search(sentence) is not None


def cue_features(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return 1 + ln(count) of each cue as said and as denied, 0 where it is not there: (N, F) in order of FEATURES."""
    place = {name: 2 * k for k, name in enumerate(CUES)}
    counts = np.zeros((len(texts), len(FEATURES)), dtype=np.float32)
    for row, text in enumerate(texts):
        for name, _, _, denied in found(lowered(text)):
            counts[row, place[name] + denied] += 1
    return np.asarray(np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0), dtype=np.float32)
