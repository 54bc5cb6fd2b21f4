"""What the name of a column says about its values: codes, years, coordinates, sensitive attributes, answers."""

import re

_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])")

_CODE_WORDS = """
id ids uid uuid guid pk fk key code codes codigo código kode zip zipcode postcode postal plz cep fips icd naics isbn
issn ean gtin upc sku barcode ssn iban phone telephone tel mobile fax serial idx index ratecode
"""
_LAST_CODE_WORDS = "type types class category cluster group grp label level rank block batch"
"""Words that say that numbers are codes only where they end a name of several words, as in `payment_type`."""
_ENTITY_WORDS = """
inst institution institute site center centre clinic hospital ward station district county vendor branch store depot
plot subject patient household respondent operator supplier department dept team warehouse terminal machine sensor
"""
"""Things that a number at the end of a name can only count off, as in `site` or `home_team`."""
_YEAR_WORDS = """
year yr yrs years jahr jahre baujahr annee année ano año anno jaar rok år vuosi season vintage 年 год
"""
_SENSITIVE_WORDS = """
race races ethnicity ethnic ethnie hispanic latino gender sex sexe sexo sesso geschlecht genero género genre geslacht
kjønn kön religion religious religião konfession faith caste creed nationality nationalität nationalité nacionalidad
citizenship citizen staatsangehörigkeit orientation disability disabled behinderung handicap political politics party
partei vote voted union pregnant pregnancy hiv aids rasse hautfarbe skin tribe veteran immigrant migrant
"""
_COORDINATES = re.compile(
    r"(^|_)(lat|latitude?|lattitude|latitud|latitudine|breitengrad|lon|lng|long|longitude?|longtitude|longditude|"
    r"longitud|longitudine|lengthgrade|längengrad|laengengrad|easting|northing|geo[xy]|coord(s|inates?)?)($|_)"
)
_CODES, _LAST_CODES = frozenset(_CODE_WORDS.split()), frozenset(_LAST_CODE_WORDS.split())
_ENTITIES = frozenset(_ENTITY_WORDS.split())
_YEARS, _SENSITIVE = frozenset(_YEAR_WORDS.split()), frozenset(_SENSITIVE_WORDS.split())
_QUESTION = re.compile(r"\?\s*$|^q_?\d+([_.]?[a-z0-9]{1,3})?$|^(item|question|frage|pregunta|vraag)[_ ]?\d+")


def name_words(name: str) -> tuple[str, ...]:
    """Return the words of a column's name in lower case; `VendorID` is `vendor` and `id`."""
    return tuple(word.lower() for word in _WORD.findall(_CAMEL.sub("_", name.strip())))


def is_code_name(name: str) -> bool:
    """Return True if a name says that numbers are codes or keys and no amounts."""
    words = name_words(name)
    if not _CODES.isdisjoint(words) or (words and words[-1] in _ENTITIES):
        return True
    return len(words) > 1 and words[-1] in _LAST_CODES


def is_year_name(name: str) -> bool:
    """Return True if a name says that whole numbers may be calendar years."""
    return not _YEARS.isdisjoint(name_words(name))


def is_coordinate_name(name: str) -> bool:
    """Return True if a name says that numbers are coordinates, in common misspellings too."""
    return _COORDINATES.search("_".join(name_words(name))) is not None


def is_sensitive_name(name: str) -> bool:
    """Return True if a name says that a column holds an attribute of persons that must not be guessed."""
    return not _SENSITIVE.isdisjoint(name_words(name))


def is_question_name(name: str) -> bool:
    """Return True if a name is a question, or the number of one."""
    return _QUESTION.search(name.strip().lower()) is not None
