"""Choice of a code page for text that is not UTF-8, by the letters that its words would have.

General detectors look at whole files, and in a table most text is ASCII: a handful of accented names then fits a dozen
code pages, and two of them in ten thousand rows made an English file Chinese. Here only the words with a byte above 127
are read, each distinct one once, and every code page is judged by whether the result looks like words: letters of one
language, one script in a word, capitals where a word begins, East Asian characters that are common and not alone.
"""

import codecs
import contextlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate

_SEPARATORS = re.compile(rb'[,;\t"\r\n ]+')
MAX_WORDS = 1000
MAX_WORD_BYTES = 200
"""Of a longer word, so many bytes are read;"""
_MOST_WORK = 1_000_000
"""and so many words, that the sum of their squared lengths is at most this, which bounds the time."""
_MIN_DECODED = 0.9
"""A code page reads at least this share of the words; the others hold damaged characters."""
_MIN_SCORE = 0.4
"""Below this, no code page reads the words well."""

_WESTERN = "àáâãäåæçèéêëìíîïñòóôõöøùúûüßœ"
_ALPHABETS = {
    "western": _WESTERN,
    "icelandic": "áéíóúýþæöðå",
    "polish": "ąćęłńóśźż",
    "czech": "áčďéěíňóřšťúůýžäĺľŕô",
    "hungarian": "áéíóöőúüű",
    "croatian": "čćđšž",
    "romanian": "ăâîșțşţ",
    "turkish": "çğıöşüâîû",
    "baltic": "āčēģīķļņšūžąęėįųõäöü",
}
_COMMON_SYMBOLS = "’‘“”„–—…•€£°½¼¾©®™§«»¿¡·×²³ªº\xa0±µ′″‚"
_INSIDE_WORDS = "’·\xa0-–"
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґ"
_VOWELS = {"CYRILLIC": "аеёиоуыэюяіїє", "GREEK": "αεηιουωάέήίόύώϊϋΐΰ"}
_VOWEL_SHARES = (0.2, 0.8)
_MAX_ACCENTED_SHARE = {"western": 0.5, "icelandic": 0.5}
_MAX_ACCENTED_SHARE_ELSEWHERE = 0.8
_GREEK_ACCENTS = "άέήίόύώΐΰ"
_NEVER_FIRST = "ъьыЪЬЫ"
_ICELANDIC = "áíúæ"
"""Icelandic has these; without them, its other letters are misread Turkish."""
_BEFORE_VOWELS = "ñç"
_ONLY_FIRST = "þ"
_MIN_KOREAN = 5


@dataclass(frozen=True)
class _CodePage:
    """A code page and the languages that are written with it."""

    encoding: str
    languages: tuple[str, ...] = ()
    script: str = "LATIN"
    prior: float = 0.0
    """Added to the score; the common ones win where two read the same words equally well."""
    common: str = ""
    """For East Asian code pages, the encoding of the common characters."""
    common_leads: range = range(0)
    """The first bytes of common characters in that encoding."""


_CODE_PAGES = (
    _CodePage("cp1252", ("western", "icelandic"), prior=0.12),
    _CodePage("cp1250", ("polish", "czech", "hungarian", "croatian", "romanian"), prior=0.06),
    _CodePage("cp1254", ("turkish", "western"), prior=0.02),
    _CodePage("cp1257", ("baltic",), prior=0.0),
    _CodePage("iso8859_2", ("polish", "czech", "hungarian", "croatian", "romanian"), prior=0.03),
    _CodePage("mac_roman", ("western",), prior=-0.02),
    _CodePage("cp850", ("western",), prior=-0.03),
    _CodePage("cp852", ("polish", "czech", "hungarian", "croatian"), prior=-0.05),
    _CodePage("cp1251", script="CYRILLIC", prior=0.04),
    _CodePage("koi8_r", script="CYRILLIC"),
    _CodePage("cp866", script="CYRILLIC", prior=-0.02),
    _CodePage("cp1253", script="GREEK", prior=0.02),
    _CodePage("cp1255", script="HEBREW", prior=0.02),
    _CodePage("cp1256", script="ARABIC", prior=0.02),
    _CodePage("cp874", script="THAI"),
    _CodePage("cp932", script="CJK", common="euc_jp", common_leads=range(0xB0, 0xD0), prior=0.02),
    _CodePage("euc_jp", script="CJK", common="euc_jp", common_leads=range(0xB0, 0xD0), prior=-0.03),
    _CodePage("gb18030", script="CJK", common="gb2312", common_leads=range(0xB0, 0xD8), prior=0.03),
    _CodePage("big5", script="CJK", common="big5", common_leads=range(0xA4, 0xC7)),
    _CodePage("cp949", script="CJK", common="euc_kr", common_leads=range(0xB0, 0xC9), prior=-0.01),
)


def words_with_high_bytes(text: bytes) -> list[bytes]:
    """Return the distinct words of a text that have a byte above 127, in order."""
    words = (word[:MAX_WORD_BYTES] for word in _SEPARATORS.split(text) if not word.isascii())
    distinct = [word for word in dict.fromkeys(words) if not word.isascii()][:MAX_WORDS]
    work = accumulate(len(word) ** 2 for word in distinct)
    return [word for word, total in zip(distinct, work, strict=True) if total <= _MOST_WORK]


def likeliest_code_page(words: Sequence[bytes]) -> tuple[str, float] | None:
    """Return the code page that reads the words best, and how far it is ahead of the best different reading.

    Args:
        words: Words with a byte above 127.

    Returns:
        The encoding and the lead, from 0 for a toss-up to about 2; None if no code page reads the words well.
    """
    ranked = rank_code_pages(words)
    if not ranked or ranked[0][1] < _MIN_SCORE:
        return None
    encoding, best = ranked[0]
    return encoding, best - (ranked[1][1] if len(ranked) > 1 else 0.0)


def rank_code_pages(words: Sequence[bytes]) -> list[tuple[str, float]]:
    """Return the code pages that read the words, each differently, with their scores; the best is first."""
    readings: list[tuple[float, str, tuple[str, ...]]] = []
    for page in _CODE_PAGES:
        decoded = _decode_words(words, page.encoding)
        if len(decoded) >= _MIN_DECODED * len(words) > 0:
            damaged = 1 - len(decoded) / len(words)
            readings.append((_score(decoded, page) - 2 * damaged, page.encoding, tuple(decoded)))
    readings.sort(key=lambda reading: reading[0], reverse=True)
    by_words: dict[tuple[str, ...], tuple[str, float]] = {}
    for score, encoding, words_read in readings:
        by_words.setdefault(words_read, (encoding, score))
    return list(by_words.values())


def _decode_words(words: Iterable[bytes], encoding: str) -> list[str]:
    """Return the words that the encoding can read."""
    decoded = []
    for word in words:
        with contextlib.suppress(UnicodeDecodeError):
            # A word that was cut may end within a character.
            is_whole = len(word) < MAX_WORD_BYTES
            decoded.append(codecs.getincrementaldecoder(encoding)().decode(word, final=is_whole))
    return decoded


def _score(words: Sequence[str], page: _CodePage) -> float:
    """Return the mean score of the words' non-ASCII characters, at most 1 plus the prior of the code page."""
    if page.script == "CJK":
        marks = [_cjk_mark(word, index, page) for word in words for index in _non_ascii(word)]
        kana = any("\u3040" <= character <= "\u30ff" for word in words for character in word)
        bonus = 0.1 * (kana and page.common == "euc_jp") + 0.1 * (_is_korean(words) and page.encoding == "cp949")
        return _mean(marks) + page.prior + bonus
    if page.script != "LATIN":
        return (
            _mean(_foreign_mark(word, index, page.script) for word in words for index in _non_ascii(word)) + page.prior
        )
    scores = [
        _mean(_latin_mark(word, index, language) for word in words for index in _non_ascii(word))
        for language in page.languages
        if language != "icelandic" or any(letter in word.lower() for word in words for letter in _ICELANDIC)
    ]
    return max(scores) + page.prior


def _non_ascii(word: str) -> Iterable[int]:
    return (index for index, character in enumerate(word) if not character.isascii())


def _mean(marks: Iterable[float]) -> float:
    values = list(marks)
    return sum(values) / len(values) if values else 0.0


def _neighbours(word: str, index: int) -> tuple[str, str]:
    """Return the characters before and after a character, or empty texts at the ends."""
    return word[index - 1 : index] if index else "", word[index + 1 : index + 2]


def _symbol_mark(word: str, index: int) -> float:
    """Return the mark of a character that is no letter."""
    before, after = _neighbours(word, index)
    character = word[index]
    if character not in _COMMON_SYMBOLS:
        return -1.0
    is_inside = before.isalpha() and after.isalpha()
    return 0.7 if not is_inside or character in _INSIDE_WORDS else -1.0


def _latin_mark(word: str, index: int, language: str) -> float:
    character = word[index]
    if not character.isalpha() or character in "ªºµ":
        return _symbol_mark(word, index)
    before, after = _neighbours(word, index)
    if script_of(character) != "LATIN":
        return -1.0
    if not (before.isalpha() or after.isalpha()):
        return -0.2
    if character.isupper() and before.islower():
        return -1.0
    if _is_odd_position(word, index, language) or (character.islower() and before.isupper() and after.isupper()):
        return -0.5
    return 1.0 if character.lower() in _ALPHABETS[language] else -0.3


def _is_odd_position(word: str, index: int, language: str) -> bool:
    """Return True for a letter where no language writes it, or in a word that has hardly another letter."""
    letter, (before, after) = word[index].lower(), _neighbours(word.lower(), index)
    letters, accented = _count_letters(word)
    if letters > 2 and accented > _MAX_ACCENTED_SHARE.get(language, _MAX_ACCENTED_SHARE_ELSEWHERE) * letters:
        return True
    if letter in _BEFORE_VOWELS and not (after and unicodedata.normalize("NFD", after)[0] in "aeiou"):
        return True
    if letter == "õ" and "ö" not in word and not (after in "eo" or before in "õ"):
        return True
    return letter in _ONLY_FIRST and before.isalpha()


@lru_cache(maxsize=MAX_WORDS)
def _count_letters(word: str) -> tuple[int, int]:
    """Return the number of letters of a word, and of those that are not ASCII."""
    letters = [character for character in word if character.isalpha()]
    return len(letters), sum(not letter.isascii() for letter in letters)


def _foreign_mark(word: str, index: int, script: str) -> float:
    """Return the mark of a character that should belong to an alphabet other than the Latin one."""
    character = word[index]
    if not character.isalpha():
        if unicodedata.category(character) == "Mn":
            return 1.0 if index and script_of(word[index - 1]) == script else -1.0
        return min(_symbol_mark(word, index), 0.5)
    if script_of(character) != script:
        return -1.0
    before, after = _neighbours(word, index)
    if (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha()):
        return -1.0
    if character.isupper() and before.islower():
        return -1.0
    has_company = any(letter and script_of(letter) == script for letter in (before, after))
    if character in _NEVER_FIRST and not before.isalpha():
        return -0.5
    if not has_company or not _has_usual_vowels(word, script):
        return 0.2
    return 1.0 if script != "CYRILLIC" or character.lower() in _CYRILLIC else 0.0


@cache
def _has_usual_vowels(word: str, script: str) -> bool:
    letters = [letter for letter in word.lower() if script_of(letter) == script]
    if script not in _VOWELS or len(letters) < 4:
        return True
    if script == "GREEK" and word.islower() and not any(letter in _GREEK_ACCENTS for letter in word):
        return False
    lowest, highest = _VOWEL_SHARES
    return lowest <= sum(letter in _VOWELS[script] for letter in letters) / len(letters) <= highest


def _cjk_mark(word: str, index: int, page: _CodePage) -> float:
    """Return the mark of an East Asian character: common ones count, and those between Latin letters count against."""
    character = word[index]
    if not is_cjk(character):
        return -1.0 if character.isalpha() or unicodedata.category(character).startswith("C") else -0.5
    if _is_between_latin_letters(word, index):
        return -1.0
    if "\uff61" <= character <= "\uff9f":
        return 0.2
    return 1.0 if _is_common(character, page.common, page.common_leads) else -0.4


def _is_between_latin_letters(word: str, index: int) -> bool:
    """Return True if the run of East Asian characters around an index has Latin letters on both sides.

    One character needs only one such neighbour: "Tシャツ" is Japanese, and "Beyonc泰" is misread French.
    """
    start = end = index
    while start and is_cjk(word[start - 1]):
        start -= 1
    while end + 1 < len(word) and is_cjk(word[end + 1]):
        end += 1
    before, after = _neighbours(word, start)[0], _neighbours(word, end)[1]
    touching = sum(bool(neighbour) and neighbour.isascii() and neighbour.isalnum() for neighbour in (before, after))
    return touching > (start < end)


@cache
def _is_common(character: str, encoding: str, leads: range) -> bool:
    if "\u3000" <= character <= "\u30ff" or "\uff01" <= character <= "\uff5e":
        return encoding != "big5" or character < "\u3040"
    try:
        encoded = character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return len(encoded) == 2 and encoded[0] in leads


def _is_korean(words: Sequence[str]) -> bool:
    """Return True if the words are all Hangul, and too many for that to be chance."""
    letters = {character for word in words for character in word if is_cjk(character)}
    return len(letters) >= _MIN_KOREAN and all("\uac00" <= character <= "\ud7a3" for character in letters)


def is_cjk(character: str) -> bool:
    """Return True for a Chinese, Japanese or Korean character, including punctuation."""
    code = ord(character)
    return (
        0x3000 <= code <= 0x30FF
        or 0x3400 <= code <= 0x9FFF
        or 0xAC00 <= code <= 0xD7A3
        or 0xF900 <= code <= 0xFAFF
        or 0xFF01 <= code <= 0xFFEE
    )


@cache
def script_of(character: str) -> str:
    """Return the script of a letter by its Unicode name, such as LATIN or CYRILLIC; empty for other characters."""
    return unicodedata.name(character, "").split(" ")[0] if character.isalpha() else ""
