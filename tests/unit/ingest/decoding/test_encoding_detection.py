"""Text that is not UTF-8 is read in the code page of its language."""

from pathlib import Path

import pytest

from ingest_service.decoding.encoding_detection import as_utf8

TEXTS = {
    "cp1252": [
        "Name;Ort;Preis\nJürgen Müller;München;1,50 €\nBjörn Weiß;Köln;2,30 €\n",
        "nom,ville\nRené,Orléans\nZoé,Nîmes\nPaul,Paris\n",
        "nombre,ciudad\nMuñoz,Cádiz\nPeña,Jaén\nLuis,Madrid\n",
        "nome,cidade\nJoão,São Paulo\nInês,Limões\nRui,Lisboa\n",
        "namn;stad\nÅsa Öberg;Malmö\nJörgen Sjöström;Göteborg\n",
        "text;n\nIt’s “fine” – really;1\nno problem…;2\n",
        "Name,Ort\nMüller,Berlin\nHuber,Wien\nMeier,Bonn\n",
    ],
    "cp1250": [
        "jméno;město\nJiří Dvořák;Plzeň;příliš žluťoučký kůň\nŠtěpánka Nováková;České Budějovice\n",
        "név;város\nSzűcs Gergő;Győr;Köszönöm a gyors kiszállítást\nKovács Ödön;Székesfehérvár\n",
        "imię;miasto\nŁukasz Wiśniewski;Łódź;Proszę o odpowiedź\nMałgorzata Dąbrowska;Gdańsk\n",
    ],
    "cp1254": ["isim;şehir\nGülşen Yılmaz;İstanbul;Siparişim için teşekkür ederim\nOğuz Çelik;Muğla\n"],
    "cp1253": ["όνομα;πόλη\nΓιώργος Παπαδόπουλος;Αθήνα\nΜαρία Νικολάου;Θεσσαλονίκη\n"],
    "cp1251": ["имя;город\nИван;Москва\nОльга;Казань\n"],
    "cp932": ["名前,都市\n田中太郎,東京\n山田花子,大阪\n"],
}


@pytest.mark.parametrize(("encoding", "text"), [(page, text) for page, texts in TEXTS.items() for text in texts])
def test_the_language_decides_the_code_page(encoding: str, text: str, tmp_path: Path) -> None:
    content = text * 8
    file = tmp_path / "table.csv"
    file.write_bytes(content.encode(encoding))
    read = as_utf8(file)
    assert read.path.read_text("utf-8") == content
    assert len(read.notes) == 1
