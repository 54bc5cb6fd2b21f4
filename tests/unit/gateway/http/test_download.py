"""Ranges and validators as pure functions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from gateway.http.download import Span, disposition, is_unchanged, requested_span
from shared.errors import RangeNotSatisfiable

SIZES = st.integers(0, 50)


@given(SIZES, st.integers(0, 60), st.one_of(st.none(), st.integers(0, 60)))
def test_a_range_is_what_slicing_says(size: int, first: int, last: int | None) -> None:
    headers = Headers({"range": f"bytes={first}-{'' if last is None else last}"})
    expected = range(size)[first : None if last is None else last + 1]
    if last is not None and last < first:
        assert requested_span(headers, '"e"', size) is None
    elif not expected:
        with pytest.raises(RangeNotSatisfiable):
            requested_span(headers, '"e"', size)
    else:
        assert requested_span(headers, '"e"', size) == Span(expected[0], len(expected))


@given(SIZES, st.integers(0, 60))
def test_a_suffix_is_what_slicing_says(size: int, count: int) -> None:
    headers = Headers({"range": f"bytes=-{count}"})
    expected = range(size)[max(0, size - count) :] if count else range(0)
    if not expected:
        with pytest.raises(RangeNotSatisfiable):
            requested_span(headers, '"e"', size)
    else:
        assert requested_span(headers, '"e"', size) == Span(expected[0], len(expected))


@given(st.text(st.characters(codec="latin-1"), max_size=30))
def test_any_other_range_means_the_whole_file(value: str) -> None:
    assert requested_span(Headers({"range": value}), '"e"', 10) is None


@pytest.mark.parametrize(
    ("value", "unchanged"),
    [('"e"', True), ('W/"e"', True), ('"a", "e"', True), ("*", True), ('"a"', False), ("e", False), ("", False)],
)
def test_if_none_match(value: str, unchanged: bool) -> None:
    assert is_unchanged(Headers({"if-none-match": value}), '"e"') is unchanged
    assert is_unchanged(Headers({}), '"e"') is False


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_filename_makes_a_legal_header(filename: str) -> None:
    value = disposition(filename)
    assert value.isascii() and value.isprintable()
    assert value.count('"') == 2
