"""What a narrative of a device event says: age, dates, device, problems and outcome, each with its place; English only.

A field that a text does not state is absent: nothing is guessed from what other reports say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from auscult.domains.text.preprocess.codes import lowered
from auscult.domains.text.preprocess.cues import DENIED, REACH, found

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_YEAR = r"(?:19|20)\d\d"
_UNITS = {"y": "year", "mo": "month", "w": "week", "d": "day"}
"""How the words for a unit of age begin."""
_UNIT = r"(?:years?|yrs?|months?|mos?|weeks?|wks?|days?)"
_AGE = re.compile(
    rf"\b(?:aged? (?:of )?(?P<first>\d{{1,3}})\b(?:[\s-]*(?P<after>{_UNIT})\b)?"
    rf"|(?P<second>\d{{1,3}})[\s-]*(?P<unit>{_UNIT})?[\s-]*(?:old\b|y/o\b|yo\b|of age\b))"
)
_DATE = re.compile(
    rf"\b(?:\d{{1,2}}/\d{{1,2}}/(?:{_YEAR}|\d{{2}})|{_YEAR}-\d{{2}}-\d{{2}}|\d{{1,2}} {_MONTH} {_YEAR}"
    rf"|{_MONTH} \d{{1,2}},? {_YEAR}|{_MONTH},? {_YEAR}|in {_YEAR})\b"
)
DEVICES = (
    "pump", "catheter", "stent", "meter", "monitor", "implant", "lens", "pacemaker", "defibrillator", "electrode",
    "generator", "ventilator", "balloon", "graft", "mesh", "needle", "syringe", "screw", "plate", "rod", "valve",
    "probe", "sensor", "glucometer", "test strip", "wheelchair", "bed", "laser", "stapler", "prosthesis", "tube",
    "tubing", "cuff", "lead", "battery", "cartridge", "introducer", "guidewire", "sheath", "analyzer", "infusion set",
    "camera", "endoscope",
)  # fmt: skip
_DEVICE = re.compile(rf"\b(?:{'|'.join(DEVICES)})s?\b")
PROBLEMS = {
    "break": r"broke|broken|break(?:s|age)?|fractur\w+|crack\w*|snapp\w+|detach\w*|separat\w+",
    "leak": r"leak\w*",
    "alarm": r"alarm\w*|no (?:audible )?alert",
    "display": r"display\w*|screen\w*|blank",
    "power": r"power\w*|batter\w+|shut (?:off|down)|would not (?:turn|switch) on",
    "reading": r"(?:inaccurate|erratic|false|high|low) (?:\w+ )?(?:reading|result|measurement)s?",
    "occlusion": r"occlu\w+|block\w*|clog\w*|kink\w*",
    "infection": r"infect\w*|sepsis|septic",
    "burn": r"burn\w*|overheat\w*|smok\w+",
    "dislodged": r"dislodg\w+|migrat\w+|dislocat\w+|loosen\w*",
    "failure": r"fail\w*|malfunction\w*|inoperative|defect\w*",
}
OUTCOMES = {
    "death": r"died|dies|death|deceased|demise|passed away|expired(?! (?:date|product|device|test|strip))",
    "hospital": r"hospitali[sz]\w*|admitted|emergency room|intensive care",
    "surgery": r"surger(?:y|ies)|surgically|re-?operat\w*|revis(?:ed|ion)|explant\w*",
    "treated": r"treated|antibiotics?|transfus\w*|sutured|medication",
    "recovered": r"recover(?:ed|y)|discharged|doing (?:well|fine)|resolved",
    "no harm": r"no (?:\w+ ){0,2}(?:injur\w+|harm|patient involvement|adverse \w+)|not (?:hurt|harmed|injured)"
    r"|nobody was hurt",
}


@dataclass(frozen=True)
class Stated:
    """One value that a text states, and where: first character, and the one after the last."""

    field: str
    value: str
    begin: int
    end: int


def stated_fields(text: str) -> Iterator[Stated]:
    """Yield what a text states, by field in the order of the text.

    Examples
    --------
    >>> [(s.field, s.value) for s in stated_fields("The pt, 45 yr old, used the pump on 01/02/2008; it leaked.")]
    [('age', '45 year'), ('date', '01/02/2008'), ('device', 'pump'), ('problem', 'leak')]
    """
    low = lowered(text)
    for hit in _AGE.finditer(low):
        said = hit["unit"] or hit["after"] or "year"
        unit = next(unit for begin, unit in _UNITS.items() if said.startswith(begin))
        yield Stated("age", f"{int(hit['first'] or hit['second'])} {unit}", *hit.span())
    for hit in _DATE.finditer(low):
        yield Stated("date", hit[0].removeprefix("in "), *hit.span())
    for hit in _DEVICE.finditer(low):
        single = hit[0].removesuffix("s")
        yield Stated("device", single if single in DEVICES else hit[0], *hit.span())
    for field, table in (("problem", PROBLEMS), ("outcome", OUTCOMES)):
        for value, words in table.items():
            for hit in re.finditer(rf"\b(?:{words})\b", low):
                if value == "no harm" or not _denied(low, hit.start()):
                    yield Stated(field, value, *hit.span())


def _denied(low: str, place: int) -> bool:
    before = re.split(r"[.;!?]", low[max(0, place - REACH) : place])[-1]
    return DENIED.search(before) is not None


def event_type(text: str) -> tuple[str, tuple[int, int] | None]:
    """Return the type of an event, ``death``, ``injury`` or ``malfunction``, and the place that speaks for it.

    Death before injury before malfunction: the order of the duty to report (21 CFR 803.3). A malfunction is what is
    left, so it has no place.
    """
    low = lowered(text)
    said: dict[str, tuple[int, int]] = {}
    for name, begin, end, denied in found(low):
        if not denied:
            said.setdefault(name, (begin, end))
    for kind, cues in (("death", ("death", "autopsy")), ("injury", ("harm", "hospital", "treated", "surgery"))):
        place = next((said[c] for c in cues if c in said), None)
        if place is not None:
            return kind, place
    return "malfunction", None
