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


ENGLISH = "".join(f"{number},the quick brown fox,{number / 7:.2f}\n" for number in range(2000))
NAMES = {
    "cp1252": ["Beyoncé", "Motörhead", "José González", "Conceição", "5 °C", "it’s"],
    "mac_roman": ["Beyoncé", "Motörhead", "José González", "Conceição", "crème brûlée"],
    "cp850": ["Beyoncé", "Motörhead", "José González", "Nürnberg", "Straße"],
    "cp1250": ["Małgorzata", "Świątek", "Poznań", "Łódź"],
    "koi8_r": ["Москва", "Нижний Новгород"],
    "cp1256": ["القاهرة", "محمد"],
    "gb18030": ["上海市", "客户名称"],
    "big5": ["臺中市", "訂單"],
    "euc_jp": ["コーヒー", "北海道札幌市"],
    "cp949": ["인천광역시", "박지성", "주문"],
}


@pytest.mark.parametrize("encoding", NAMES)
def test_a_few_names_in_an_english_table_decide(encoding: str, tmp_path: Path) -> None:
    names = NAMES[encoding]
    content = "id,text,n\n" + ENGLISH + "".join(f"{number},{name},1\n" for number, name in enumerate(names))
    file = tmp_path / "table.csv"
    file.write_bytes(content.encode(encoding))
    read = as_utf8(file)
    assert read.path.read_text("utf-8") == content
    assert read.notes[0].startswith(f"The file is not UTF-8; it was read as {encoding}: “{names[0].split()[0]}”")


@pytest.mark.parametrize("word", ["H\xe9l\xe8ne", "na\xefve", "Beyonc\xe9", "gr\xf6\xdfe", "caf\xe9"])
def test_one_accented_word_makes_no_file_chinese(word: str, tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(f"id,text\n1,{word}\n".encode("latin-1"))
    assert as_utf8(file).path.read_text("utf-8") == f"id,text\n1,{word}\n"


def test_utf8_with_a_few_other_bytes_stays_utf8(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(b"id,text\n" + 50 * "1,Zoë and Renée in 東京\n".encode() + b"2,caf\xe9\n")
    read = as_utf8(file)
    assert read.path.read_text("utf-8").endswith("1,Zoë and Renée in 東京\n2,café\n")
    assert read.notes == ("The file is UTF-8 with some bytes that are not; these were read as cp1252: “café”.",)


def test_a_damaged_character_does_not_make_a_japanese_file_western(tmp_path: Path) -> None:
    text = "名前,都市\n" + "".join(
        f"田中{number}太郎,東京都千代田区\n山田花子,大阪市{number}北区\n" for number in range(40)
    )
    file = tmp_path / "table.csv"
    file.write_bytes(text.encode("cp932") + b"\x8a\n")
    read = as_utf8(file)
    assert read.encoding == "cp932"
    assert read.path.read_text("utf-8").startswith(text)
    assert read.notes[1] == "1 character can't be read as cp932; “\ufffd” stands in its place."
