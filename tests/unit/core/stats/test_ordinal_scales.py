"""Levels with an order of their own are recognised by their words or numbers."""

import pytest

from worker_service.core.stats.ordinal_scales import recognise_order


@pytest.mark.parametrize(
    "ordered",
    [
        ("low", "Medium", "HIGH"),
        ("Fair", "Good", "Very Good", "Premium", "Ideal"),
        ("I1", "SI2", "SI1", "VS2", "VVS1", "IF"),
        ("Under 18", "18-29", "30-44", "45+"),
        ("$0 - $24,999", "$25,000 - $49,999", "$50,000+"),
        ("0 to 4 years", "5 to 9 years", "10+ years"),
        ("€500-€999", "€1,000-€1,499", "€1,500-€1,999"),
    ],
)
def test_known_orders(ordered: tuple[str, ...]) -> None:
    assert recognise_order(sorted(ordered)) == ordered
    assert recognise_order(ordered[::-1]) == ordered


@pytest.mark.parametrize(
    "levels", [("red", "green", "blue"), ("low", "high"), ("18-29", "20-35", "36+"), ("low", "medium", "high", "blue")]
)
def test_no_order(levels: tuple[str, ...]) -> None:
    assert recognise_order(levels) is None


@pytest.mark.parametrize(
    "order", [("Fa", "TA", "Gd", "Ex"), ("AsstProf", "AssocProf", "Prof"), ("village", "town", "city")]
)
def test_scales_that_tables_use(order: tuple[str, ...]) -> None:
    assert recognise_order(sorted(order)) == order
