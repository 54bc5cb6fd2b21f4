"""Names of columns that say what their numbers are."""

import pytest

from worker_service.core.columns.name_hints import is_code_name


@pytest.mark.parametrize("name", ["inst", "site", "home_team", "StationDept", "patient"])
def test_things_are_counted_off_by_their_numbers(name: str) -> None:
    assert is_code_name(name)


@pytest.mark.parametrize("name", ["site_area", "patients_per_day", "height"])
def test_amounts_of_things_are_no_codes(name: str) -> None:
    assert not is_code_name(name)
