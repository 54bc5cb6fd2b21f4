"""Words that mark a row as a total, an average or a note, in many languages."""

import re
from typing import Literal

LabelKind = Literal["total", "average"]

_TOTALS = (
    *("total", "totals", "subtotal", "sub-total", "sub total", "subtotals", "grand total", "sum", "sums", "sum total"),
    *("overall total", "gesamt", "gesamtsumme", "summe", "zwischensumme", "insgesamt", "zusammen", "endsumme"),
    *("total général", "total general", "sous-total", "sous total", "totaux", "somme", "totale", "totale generale"),
    *("subtotale", "somma", "totales", "suma", "suma total", "totais", "soma", "totaal", "subtotaal", "eindtotaal"),
    *("som", "totalt", "summa", "delsumma", "delsum", "i alt", "yhteensä", "razem", "ogółem", "suma częściowa"),
    *("celkem", "mezisoučet", "součet", "spolu", "összesen", "részösszeg", "ukupno", "skupaj", "iš viso", "kokku"),
    *("итого", "всего", "подытог", "сумма", "разом", "усього", "всичко", "общо", "σύνολο", "toplam", "ara toplam"),
    *("genel toplam", "jumlah", "subjumlah", "tổng", "tổng cộng", "cộng", "कुल", "योग", "المجموع", "الإجمالي"),
    *("إجمالي", 'סה"כ', "סהכ"),
)
_AVERAGES = (
    *("average", "averages", "avg", "avg.", "mean", "durchschnitt", "mittelwert", "mittel", "moyenne", "promedio"),
    *("media", "média", "gemiddelde", "medel", "medelvärde", "gjennomsnitt", "gennemsnit", "keskiarvo", "średnia"),
    *("průměr", "átlag", "prosjek", "среднее", "середнє", "средно", "μέσος όρος", "ortalama", "rata-rata"),
)
_TOTAL_ENDINGS = ("合計", "小計", "総計", "总计", "合计", "小计", "總計", "共計", "计", "計", "합계", "소계", "총계")
_AVERAGE_ENDINGS = ("平均", "平均值", "평균")
_LONGEST_LABEL = 60
_NOTE = re.compile(
    r"\s*(?:(?:sources?|notes?|footnotes?|remarks?|legend|disclaimer|quellen?|anmerkung(?:en)?|hinweise?|stand|fußnoten?"
    r"|remarques?|légende|fuentes?|notas?|fonte|fonti|fontes|nota|bron|bronnen|opmerking|källa|kilde|lähde|źródło"
    r"|uwagi?|zdroj|источник|примечани[ея]|kaynak|sumber)\b[^\n]*[:：.]|(?:出典|注|备注|資料|资料来源|출처|주)[:：]"
    r"|[*†‡§¹²³]+\s*\S|\(?\d\)\s+\S)",
    re.IGNORECASE,
)


def _alternatives(words: tuple[str, ...]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_WORDS = _alternatives(_TOTALS + _AVERAGES).replace("\\ ", " ").replace("\\-", "-")
_ENDINGS = _alternatives(_TOTAL_ENDINGS + _AVERAGE_ENDINGS)
LABEL_PATTERN = rf"^\W*(?:{_WORDS})|(?:{_WORDS})\W*$|(?:{_ENDINGS})\W*$"
"""A cell in lower case that may be a label, for Arrow (RE2). It is cheap to compile; `label_kind` decides."""
_AT_START = re.compile(rf"({_WORDS})(?!\w)")
_AT_END = re.compile(rf"(?<!\w)({_WORDS})$")


def label_kind(text: str) -> tuple[LabelKind | None, bool]:
    """Return what a cell says of its row, and True if it says nothing else.

    "Total" and "Gesamtsumme:" say nothing else; "Total North" and "北区小计" also name what was added up.
    """
    if len(text) > _LONGEST_LABEL:
        return None, False
    bare = text.casefold().strip().strip("*#=-–—:：() \t")
    if bare in _TOTALS or bare in _TOTAL_ENDINGS:
        return "total", True
    if bare in _AVERAGES or bare in _AVERAGE_ENDINGS:
        return "average", True
    if bare.endswith(_AVERAGE_ENDINGS):
        return "average", False
    if bare.endswith(_TOTAL_ENDINGS):
        return "total", False
    match = _AT_START.match(bare) or _AT_END.search(bare)
    if match is None:
        return None, False
    return ("total" if match[1] in _TOTALS else "average"), False


def is_note(text: str) -> bool:
    """Return True if a text begins like a note below a table: "Source: …", "* preliminary", "1) …"."""
    return _NOTE.match(text) is not None
