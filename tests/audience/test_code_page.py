"""Which code page a text is likely in, by the letters of the languages that use it."""

from __future__ import annotations

import pytest

from mailtui.audience.code_page import guess_code_page


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("cp1250", "Łukasz Żółć\nŚwiętosława Gęś"),
        ("cp1250", "Jiří Dvořák\nŽofie Černá"),
        ("cp1250", "Kovács Győző\nSzűcs Ödön"),
        ("cp1250", "Željko Čačić\nMate Đurić"),
        ("iso8859_2", "Łukasz Żółć\nŚwiętosława Gęś"),
        ("cp1254", "İpek Şahin\nAyşegül Yıldız"),
        ("cp1257", "Jūratė Žukauskienė\nČiurlionis Ąžuolas"),
        ("cp850", "Zoë\nJörg Müller"),
        ("mac_roman", "Jörg Müller\nAndré Groß"),
        ("cp1252", "Müller\nWeiß\nÖzil"),
        ("cp1252", "Lœuvre\nÉmilie\nL’Hôte\nBesançon"),
        ("cp1252", "Þórður Ólafsson\nGuðrún Ægisdóttir"),
        ("cp1252", "Søren Kierkegård\nÆrø Ødegård"),
        ("cp1252", "O’Neil\nNúñez\nWeiß\nÅngström\nGonçalves\nForlì"),
        ("cp1252", "Zoë\nNiccolò\nÅsa\nŠimon"),
        ("cp1252", "O’Neil\nD’Arcy\n5 €"),
        ("cp1252", "O’Neil\nD’Arcy\nŠimon"),
    ],
)
def test_the_code_page_of_names(codec: str, text: str) -> None:
    found, reason = guess_code_page(text.encode(codec))
    assert found == codec
    assert reason.startswith("not UTF-8; ")


def test_the_reason_names_the_language() -> None:
    assert guess_code_page("Żółć".encode("cp1250"))[1] == "not UTF-8; its letters are Polish in this code page"
