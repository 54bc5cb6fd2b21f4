"""From text to typed values: what a column's cells can be read as, with the evidence, and the reading itself."""

from worker_service.core.parsing.inference import Inference, infer, infer_as, infer_units
from worker_service.core.parsing.read import Reading, read
from worker_service.core.parsing.spec import ReadAs, ReadBoolean, ReadDecimal, ReadInteger, ReadText, ReadTimestamp

__all__ = [
    "Inference",
    "ReadAs",
    "ReadBoolean",
    "ReadDecimal",
    "ReadInteger",
    "ReadText",
    "ReadTimestamp",
    "Reading",
    "infer",
    "infer_as",
    "infer_units",
    "read",
]
