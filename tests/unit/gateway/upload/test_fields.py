"""The fields of an upload."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upload.fields import UploadForm, UploadOptions, column_roles, words_by_column
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


@pytest.mark.parametrize("value", [0, 1, 1.0])
def test_a_number_is_neither_true_nor_false(value: float) -> None:
    form = UploadForm(UploadOptions())
    form.expect("review")
    with pytest.raises(InvalidInput, match="true or false"):
        form.put("review", value)
    form.put("review", "true")
    assert form.options().review


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
    assert words_by_column(text) == {"zip": "text", "a=b": "integer"}


def test_a_json_body_may_hold_objects_and_lists() -> None:
    options = UploadOptions.model_validate({"types": {"zip": "text"}, "drop": ["a, b", "c"], "roles": {"d": "weight"}})
    assert words_by_column(options.types) == {"zip": "text"}
    assert column_roles(options) == {"a, b": "drop", "c": "drop", "d": "weight"}


def test_keep_and_drop_are_roles() -> None:
    assert column_roles(UploadOptions(roles="a=group", keep="b, c", drop="d")) == {
        "a": "group",
        "b": "keep",
        "c": "keep",
        "d": "drop",
    }
    with pytest.raises(InvalidInput, match="'b' has the role keep already"):
        column_roles(UploadOptions(keep="b", drop="b"))


@pytest.mark.parametrize("text", ["zip", "=text", '{"zip": 3}', "{zip", '{"a":' * 800])
def test_types_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        UploadForm(UploadOptions()).put("types", text)
