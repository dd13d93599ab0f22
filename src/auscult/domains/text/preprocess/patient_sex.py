"""What a report says of the sex of its patient: words, relatives, anatomy and pronouns, each with its place.

English only. A pronoun is of the patient unless a person who is none stands before it in the sentence: the physician,
the nurse, the reporter. Relatives say the opposite or the same: the husband of the patient makes her a woman, a mother
who reports on her son makes him a boy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auscult.domains.text.preprocess.codes import lowered

SEXES = ("F", "M")
KINDS = ("said", "relative", "anatomy", "pronoun", "other-pronoun")
"""Kinds of evidence, from the surest; ``other-pronoun`` is probably of somebody else."""
MOST = 3.0
"""More places of one kind count no more: a long text says "she" more often, not more surely."""

_PART = (
    r"(?:luer|connect\w*|adapt\w*|ends?|plug\w*|thread\w*|ports?|fitting\w*|lock\w*|side|head|screw|part\w*|pins?|tip"
    r"|coupl\w*|hub)"
)
_PATIENT = r"(?:patient|pt|customer|user|consumer)"
_FEMALE = rf"females?(?! {_PART}\b)|wom[ae]n|lady|girls?|housewife|mrs|grandmother"
_MALE = rf"males?(?! {_PART}\b)|m[ae]n|gentlem[ae]n|boys?|grandfather"
_KNOWN_AS = r"(?:'s behalf|behalf of (?:her|his|their|my)|(?:her|his|my|their|whose))"
_DID = (
    r"(?:used|had|has|was|is|applied|experienced|received|got|suffered|underwent|died|wears|wore|began"
    r"|\(?the (?:pt|patient))"
)
_F_KIN = (
    rf"{_PATIENT}'?s? (?:husband|boyfriend|fiance)"
    rf"|{_KNOWN_AS} (?:daughter|wife|mother|sister|granddaughter)(?:,? who)?,? {_DID}"
    r"|behalf of (?:her|his|their|my) (?:daughter|wife|mother|sister)"
)
_M_KIN = (
    rf"{_PATIENT}'?s? (?:wife|girlfriend|widow)"
    rf"|{_KNOWN_AS} (?:son|husband|father|brother|grandson)(?:,? who)?,? {_DID}"
    r"|behalf of (?:her|his|their|my) (?:son|husband|father|brother)"
)
_F_BODY = (
    r"pregnan\w*|uter(?:us|ine)|vagin\w*|ovar(?:y|ies|ian)|menstru\w*|menses|tampons?|hysterectom\w*|c(?:a)?esarean"
    r"|c-section|gravida|para \d|cervix|endometri\w*|hysteroscop\w*|tubal|postpartum|fetus|fetal|breast implants?"
    r"|mammary|mammoplasty|mastectom\w*|labia\w*|gyn\w*|cystocele|rectocele|in labor|miscarr\w*|capsular contracture"
    r"|breasts?|menopaus\w*|iud|essure|vulv\w*|maternal"
)
_M_BODY = (
    r"prostat\w*|penile|penis|testic\w*|testes|scrot\w*|vasect\w*|semen|turp|erectile|erection|bph|glans|foreskin"
    r"|circumcis\w*"
)
_HER = frozenset(("mother", "wife", "daughter", "sister", "mom", "grandmother"))
_HIM = frozenset(("father", "husband", "son", "brother", "dad", "grandfather"))
_OTHERS = re.compile(
    r"\b(?:nurse|rn|physician|dr|doctor|surgeon|reporter|representative|rep|caller|technician|tech|staff|clinician"
    r"|therapist|contact|complainant|parent|caregiver|coordinator|manager|engineer|anesthesiologist|pharmacist"
    r"|attorney|lawyer|cardiologist|dentist|periodontist|biomed|radiologist|urologist|specialist|operator|advocate"
    rf"|responder|friend|neighbor|{'|'.join(sorted(_HER | _HIM))})\b"
)
_THE_PATIENT = re.compile(
    r"\b(?:patient|pt|pts|patients|customer|consumer|diabetic|infant|baby|child|resident|recipient)\b"
    r"(?!'s? (?:mother|father|wife|husband|son|daughter|nurse|physician|doctor|parent))"
)
_MYSELF = re.compile(r"\b(?:i|my|me|i'm|i've)\b")
REACH = 260
"""Characters before a pronoun in which the person that it stands for is looked for."""
OWN_STORY = 4
"""From this many words of the first person on, the writer is the patient, and a pronoun stands for somebody else."""
_WORDS = {
    ("F", "said"): _FEMALE,
    ("M", "said"): _MALE,
    ("F", "relative"): _F_KIN,
    ("M", "relative"): _M_KIN,
    ("F", "anatomy"): _F_BODY,
    ("M", "anatomy"): _M_BODY,
    ("F", "pronoun"): r"she|her|hers|herself",
    ("M", "pronoun"): r"he|him|his|himself",
}
_TITLES = {"F": re.compile(r"\bMs\.(?= [A-Z][a-z])"), "M": re.compile(r"\bMr\.(?= [A-Z][a-z])")}
"""As they are written before a name: "MR." is a mitral regurgitation as often, and "ms." a millisecond."""
_PATTERNS = {key: re.compile(rf"\b(?:{words})\b") for key, words in _WORDS.items()}


@dataclass(frozen=True)
class Evidence:
    """One place of a text that speaks for a sex."""

    sex: str
    kind: str
    begin: int
    end: int


def sex_evidence(text: str) -> Iterator[Evidence]:
    """Yield what a text says of the sex of its patient.

    Examples
    --------
    >>> [(e.sex, e.kind) for e in sex_evidence("The pt, a 45 yr old female, said that her pump stopped.")]
    [('F', 'said'), ('F', 'pronoun')]
    """
    low = lowered(text)
    own = len(_MYSELF.findall(low)) >= OWN_STORY
    for (sex, kind), pattern in _PATTERNS.items():
        for found in pattern.finditer(low):
            stated = kind
            if kind == "pronoun" and (own or _is_of_another(low, found.start(), sex)):
                stated = "other-pronoun"
            yield Evidence(sex, stated, found.start(), found.end())
    for sex, title in _TITLES.items():
        for found in title.finditer(text):
            yield Evidence(sex, "said", found.start(), found.end())


def _is_of_another(low: str, place: int, sex: str) -> bool:
    """Whether the last person named before a pronoun, who can be of its sex, is not the patient."""
    before = low[max(0, place - REACH) : place]
    never = _HER if sex == "M" else _HIM
    others = [m.start() for m in _OTHERS.finditer(before) if m[0] not in never]
    patients = [m.start() for m in _THE_PATIENT.finditer(before)]
    return bool(others) and (not patients or patients[-1] < others[-1])


def sex_features(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return how often each kind of evidence speaks for F, then for M, at most ``MOST`` times: (N, 10)."""
    place = {(sex, kind): len(KINDS) * s + k for s, sex in enumerate(SEXES) for k, kind in enumerate(KINDS)}
    counts = np.zeros((len(texts), len(place)), dtype=np.float32)
    for row, text in enumerate(texts):
        for e in sex_evidence(text):
            counts[row, place[e.sex, e.kind]] += 1
    return np.minimum(counts, np.float32(MOST))
