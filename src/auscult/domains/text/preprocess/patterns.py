"""Stretches of a text that have the form of a known kind of number or address, some with a check digit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass


def luhn(number: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1, annex B).

    Examples
    --------
    >>> luhn("4111 1111 1111 1111"), luhn("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(c) for c in number if c.isdigit()]
    twice = [d * 2 - 9 * (d > 4) for d in digits[-2::-2]]
    return bool(digits) and (sum(digits[-1::-2]) + sum(twice)) % 10 == 0


def mod97(number: str) -> bool:
    """Whether an account number has the remainder 1 (ISO 13616, ISO/IEC 7064 MOD 97-10).

    Examples
    --------
    >>> mod97("GB82 WEST 1234 5698 7654 32"), mod97("GB82 WEST 1234 5698 7654 33")
    (True, False)
    """
    plain = "".join(c for c in number if c.isalnum())
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _any(number: str) -> bool:
    return True


def _long(number: str) -> bool:
    return sum(c.isdigit() for c in number) >= 7


@dataclass(frozen=True)
class Pattern:
    """A form, and what must hold of it besides."""

    name: str
    form: re.Pattern[str]
    holds: Callable[[str], bool] = _any


_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene|abr|ago|dic)[a-z]*"
_A = re.ASCII
_ENDS = "com|org|net|edu|gov|info|biz|eu|es|de|fr|it|uk|us|cn"
_NTH = r"\d{1,2}(?:st|nd|rd|th)?"
_LABEL = r"[\w-]{1,63}"
"""Part of the name of a host (RFC 1035, 2.3.4); a limit, so that a long line without a blank takes no longer."""
_WEB = rf"\b(?:https?://|www\.)\S+|\b{_LABEL}(?:\.{_LABEL}){{0,20}}\.(?:{_ENDS})\b(?:/\S*)?"
_MAIL = rf"[\w.+-]{{1,64}}@{_LABEL}(?:\.{_LABEL})+"
_DATE = rf"\b(?:{_NTH}(?: de)? )?{_MONTH}\b\.?(?: {_NTH})?(?:,?(?: de)? \d{{4}})?"
_PHONE = r"(?<![\w.])(?:\+|00)?\(?\d{1,4}\)?(?:[ .-]?\(?\d{2,4}\)?){2,5}(?: ?x\d{1,5})?(?![\w.]\d)"
_POST = r"\b(?:\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d)\b"
PATTERNS = (
    Pattern("email", re.compile(_MAIL)),
    Pattern("web", re.compile(_WEB, re.IGNORECASE)),
    Pattern("ip", re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}\b", re.I | _A)),
    Pattern("account", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b", _A), mod97),
    Pattern("account-like", re.compile(r"\b[A-Z]{2}\d{2}[A-Z0-9]{10,30}\b", _A)),
    Pattern("card", re.compile(r"\b\d(?:[ -]?\d){11,18}\b", _A), luhn),
    Pattern("security", re.compile(r"\b\d{3}-\d{2}-\d{4}\b", _A)),
    Pattern("day", re.compile(r"\b\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}\b", _A)),
    Pattern("month", re.compile(_DATE, re.I | _A)),
    Pattern("clock", re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]m)?\b", re.I | _A)),
    Pattern("phone", re.compile(_PHONE, _A), _long),
    Pattern("postcode", re.compile(_POST, _A)),
)
"""Asked in this order; a stretch that one has taken is not given to a later one."""


def patterns_in(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield first character, the one after the last, and number in ``PATTERNS`` of each stretch, none twice."""
    taken = bytearray(len(text))
    for number, pattern in enumerate(PATTERNS):
        for found in pattern.form.finditer(text):
            begin, end = found.span()
            if begin < end and not any(taken[begin:end]) and pattern.holds(found[0]):
                taken[begin:end] = b"\1" * (end - begin)
                yield begin, end, number
