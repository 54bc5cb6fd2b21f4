"""What a notebook shows of a dataset."""

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

from neuralearn.errors import NeuraLearnError

if TYPE_CHECKING:
    from neuralearn.models import Dataset

_HEIGHT = 640


def show_dataset(dataset: "Dataset", read_report: Callable[[], str] | None) -> str:
    """Return HTML: the report of a prepared dataset with its charts, else where its preparation stands.

    Args:
        dataset: the dataset.
        read_report: reads its report from the service; None where there is no connection.
    """
    report = ""
    if read_report is not None and dataset.status in ("completed", "proposed"):
        try:
            report = read_report()
        except NeuraLearnError as error:  # a cell of a notebook shows what there is
            return f"{_summary(dataset)}<p>{escape(str(error))}</p>"
    if not report:
        return _summary(dataset)
    # In a sandbox, the script of the report reaches nothing of the notebook.
    return (
        f'<iframe srcdoc="{escape(report)}" sandbox="allow-scripts" title="{escape(dataset.filename)}" '
        f'style="width: 100%; height: {_HEIGHT}px; border: 0"></iframe>'
    )


def _summary(dataset: "Dataset") -> str:
    size = f"{dataset.rows:,} × {dataset.columns:,}"
    detail = dataset.error.detail if dataset.error else dataset.progress_info
    return f"<p><b>{escape(dataset.filename)}</b> {size}, {escape(dataset.status)}. {escape(detail or '')}</p>"
