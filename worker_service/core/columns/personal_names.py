"""What the name of a column says about personal data in it."""

import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from worker_service.core.columns.name_hints import name_words


def _words(*texts: str) -> frozenset[str]:
    return frozenset(" ".join(texts).split())


_PERSONS = _words(
    "first last given family middle maiden full sur fore patient customer client employee person user contact student",
    "teacher owner holder author passenger driver guest member spouse parent child manager nick display",
)
_NAMES = _words(
    "firstname lastname surname forename fullname fname lname vorname nachname prénom prenom apellido apellidos",
    "cognome achternaam cardholder username kundenname customername nazwisko фамилия имя 姓名 sobrenome soyad",
)
_NAMES_OF_ANYTHING = _words("name names nom nome nombre imię imie ad isim")
_ROLES_OF_PERSONS = _words(
    "customer patient employee manager contact ansprechpartner person member student teacher author owner user"
)
_ADDRESSES = _words(
    "street address addr adresse anschrift straße strasse dirección direccion indirizzo adres calle rue domicilio",
    "addressline1 addressline2 address1 address2",
)
_NO_POSTAL_ADDRESSES = _words("ip mac web url email mail wallet memory http type count id kind status")
_BIRTHS = _words(
    "dob birthdate birthday birth geburtsdatum geburtstag dateofbirth birthdt born nacimiento naissance nascita",
    "nascimento geboren",
)
_NO_BIRTH_DATES = _words("weight rate rates order country place control city state town length count defect")
_STATE_NUMBERS = _words(
    "ssn nino cpf dni nif passport aadhaar pesel bsn personnummer steuernummer steuerid sozialversicherungsnummer"
)
_STATE_NUMBER_PHRASES = ("social security", "national id", "tax id", "driver license", "driver licence", "steuer id")
_PHONES = _words(
    "phone mobile tel telephone telefon telefone telefono teléfono télephone téléphone cellphone handy fax whatsapp",
    "móvil movil contact hotline phonenumber mobilenumber msisdn",
)
_CARDS = _words("card creditcard kreditkarte debitcard cardnumber pan")
_CARD_PHRASES = ("card number", "card no", "credit card", "debit card", "carte bancaire")
_IBANS = _words("iban kontonummer")
_THINGS = _words("product category class process plan type event item file brand model table column field city country")


def _all_words(name: str) -> tuple[str, ...]:
    return name_words(unicodedata.normalize("NFC", name))


def is_phone_name(name: str) -> bool:
    """Return True if a name is one of telephone numbers, or of ways to reach somebody."""
    return not _PHONES.isdisjoint(_all_words(name))


def is_card_name(name: str) -> bool:
    """Return True if a name is one of payment cards' numbers."""
    words = _all_words(name)
    return words in {(word,) for word in _CARDS} or _has_phrase(words, _CARD_PHRASES)


def is_iban_name(name: str) -> bool:
    """Return True if a name is one of international bank account numbers."""
    return not _IBANS.isdisjoint(_all_words(name))


def is_birth_name(name: str) -> bool:
    """Return True if a name is one of dates of birth."""
    words = _all_words(name)
    return not _BIRTHS.isdisjoint(words) and _NO_BIRTH_DATES.isdisjoint(words)


def is_state_number_name(name: str) -> bool:
    """Return True if a name is one of numbers by which a state knows a person."""
    words = _all_words(name)
    return not _STATE_NUMBERS.isdisjoint(words) or _has_phrase(words, _STATE_NUMBER_PHRASES)


def is_address_name(name: str) -> bool:
    """Return True if a name is one of postal addresses."""
    words = _all_words(name)
    return not _ADDRESSES.isdisjoint(words) and _NO_POSTAL_ADDRESSES.isdisjoint(words)


def is_person_name(name: str, *, is_about_persons: bool = False) -> bool:
    """Return True if a name is one of names of persons.

    Args:
        name: the name of the column.
        is_about_persons: True if other columns show that the rows are persons; then `name` alone is theirs too.
    """
    words = _all_words(name)
    if not _THINGS.isdisjoint(words):
        return False
    is_beside = any("name" in pair and not _PERSONS.isdisjoint(pair) for pair in pairwise(words))
    if not _NAMES.isdisjoint(words) or is_beside:
        return True
    return is_about_persons and len(words) == 1 and words[0] in _NAMES_OF_ANYTHING | _ROLES_OF_PERSONS


def _has_phrase(words: tuple[str, ...], phrases: Iterable[str]) -> bool:
    text = f" {' '.join(words)} "
    return any(f" {phrase} " in text for phrase in phrases)
