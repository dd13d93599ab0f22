"""Forms of numbers and addresses, and their check digits."""

from __future__ import annotations

import pytest

from auscult.domains.text.preprocess.patterns import PATTERNS, luhn, mod97, patterns_in


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to a.b@clinic.example now", [("email", "a.b@clinic.example")]),
        ("a.b+c@d-e.es..f@g.co.uk", [("email", "a.b+c@d-e.es"), ("email", "..f@g.co.uk")]),
        ("_x-y@clinic.example-", [("email", "_x-y@clinic.example-")]),
        ("at -clinic-two.ward_3.org/a?b", [("web", "clinic-two.ward_3.org/a?b")]),
        ("see www.clinic.example/x", [("web", "www.clinic.example/x")]),
        ("from 192.0.2.7 blocked", [("ip", "192.0.2.7")]),
        ("to GB82 WEST 1234 5698 7654 32 today", [("account", "GB82 WEST 1234 5698 7654 32")]),
        ("card 4111 1111 1111 1111.", [("card", "4111 1111 1111 1111")]),
        ("SSN 078-05-1120", [("security", "078-05-1120")]),
        ("on 11/04/1995 and 2024-05-01", [("day", "11/04/1995"), ("day", "2024-05-01")]),
        ("el 3 de enero de 2012", [("month", "3 de enero de 2012")]),
        ("at 10:30 pm", [("clock", "10:30 pm")]),
        ("call (555) 555-0100 x12", [("phone", "(555) 555-0100 x12")]),
        ("in 28004 Madrid", [("postcode", "28004")]),
        ("3 of 4 pumps, lot 12", []),
    ],
)
def test_forms(text: str, expected: list[tuple[str, str]]) -> None:
    found = sorted(patterns_in(text))
    assert [(PATTERNS[k].name, text[a:b]) for a, b, k in found] == expected


@pytest.mark.parametrize("part", ["a", "a-", "a.", "a@", "a.com-", "x@a.", "-."])
def test_a_line_without_a_blank_is_looked_through(part: str) -> None:
    """Where the time grows with the square of the length, this ends after minutes."""
    text = part * (200_000 // len(part))
    assert all(0 <= a < b <= len(text) for a, b, _ in patterns_in(text))


def test_check_digits() -> None:
    """The examples of ISO/IEC 7812-1 and of the registry of ISO 13616."""
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert mod97("DE89 3704 0044 0532 0130 00")
    assert not mod97("DE89 3704 0044 0532 0130 01")


def test_no_character_is_given_twice() -> None:
    text = "4111 1111 1111 1111 / 078-05-1120 / 192.0.2.7 / 10.11.2012 12345-6789"
    covered = [c for a, b, _ in patterns_in(text) for c in range(a, b)]
    assert len(covered) == len(set(covered))
