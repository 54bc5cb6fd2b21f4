"""Charts of a prepared table as data; drawing them as pictures belongs to the report service."""

from shared.contracts.charts import AnyChart, Chart
from worker_service.core.reporting.charts.build import build_charts

__all__ = ["AnyChart", "Chart", "build_charts"]
