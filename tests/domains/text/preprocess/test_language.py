from __future__ import annotations

import pytest

from auscult.domains.text.preprocess.language import languages


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The pump stopped during use and the nurse was not able to start it.", "en"),
        ("IT WAS REPORTED THAT THE DEVICE FAILED TO ALARM.", "en"),
        ("El paciente ingresó por un dolor en el pecho y fue dado de alta con tratamiento.", "es"),
        ("Die Pumpe ist stehen geblieben und der Patient wurde nicht verletzt.", "de"),
        ("La pompe est tombée en panne et le patient a été transféré dans une autre unité.", "fr"),
        ("La pompa non si è fermata e il paziente è stato trasferito in un altro reparto.", "it"),
        ("A bomba parou de funcionar e o paciente foi transferido para uma outra unidade.", "pt"),
        ("输液泵在使用过程中停机，患者没有受到伤害。", "zh"),
        ("輸液ポンプが使用中に停止しました。", "ja"),
        ("펌프가 멈췄고 환자는 다치지 않았다", "ko"),
        ("Насос остановился во время использования", "cyrillic"),
        ("توقفت المضخة أثناء الاستخدام", "arabic"),
        ("המשאבה נעצרה במהלך השימוש", "hebrew"),
        ("患者使用 infusion pump 时停机", "zh"),
        ("xqzt vlorp brindle zmekt qwop lkjh", "unknown"),
        ("pump broke", "unknown"),
        ("12345 !!", "unknown"),
        ("", "unknown"),
    ],
)
def test_language(text: str, language: str) -> None:
    assert languages([text]).tolist() == [language]
