"""The fields of an upload."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upload.fields import UploadForm, UploadOptions, column_types
from shared.errors import InvalidInput


@given(st.text(max_size=20), st.one_of(st.none(), st.integers(), st.text(max_size=300), st.lists(st.text())))
def test_any_field_is_taken_or_refused(name: str, value: object) -> None:
    form = UploadForm(UploadOptions())
    try:
        form.expect(name)
        form.put(name, value)
    except InvalidInput as error:
        assert error.fields and error.detail
    form.options()


@pytest.mark.parametrize("name", list(UploadOptions.model_fields))
def test_an_empty_field_means_the_default(name: str) -> None:
    form = UploadForm(UploadOptions())
    form.expect(name)
    form.put_text(name, b"")
    assert form.options() == UploadOptions()


def test_the_form_outranks_the_query() -> None:
    form = UploadForm(UploadOptions(mode="deep", user_id="ada"))
    form.expect("mode")
    form.put_text("mode", b"smart")
    assert (form.options().mode, form.options().user_id) == ("smart", "ada")


@pytest.mark.parametrize("address", ["ftp://x/y", "example.org/a.csv", "https://", "https://[x", "javascript:alert(1)"])
def test_an_address_must_be_one(address: str) -> None:
    form = UploadForm(UploadOptions())
    form.expect("dataset_url")
    with pytest.raises(InvalidInput, match=r"http:// or https://"):
        form.put("dataset_url", address)


@pytest.mark.parametrize("text", ['{"zip": "text", "a=b": "integer"}', "zip=text, a=b=integer"])
def test_types_are_said_in_two_ways(text: str) -> None:
    assert UploadOptions(types=text)
    assert column_types(text) == {"zip": "text", "a=b": "integer"}


@pytest.mark.parametrize("text", ["zip", "=text", '{"zip": 3}', "{zip", '{"a":' * 800])
def test_types_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        UploadForm(UploadOptions()).put("types", text)
