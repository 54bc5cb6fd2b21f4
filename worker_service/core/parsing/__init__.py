"""From text to typed values: infer how the cells of a column are to be read, with evidence, and read them.

For each type there is a spec (`spec`), a recogniser that proposes it (`numbers`, `booleans`, `timestamps`, `words`)
and the functions that carry it out (registered with `parse`). Decoding files does not belong here, nor does the
decision what a column is for, which is made in `core.columns`.
"""

from worker_service.core.parsing.inference import Inference, infer, infer_as, infer_in_unit, infer_units
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
    "infer_in_unit",
    "infer_units",
    "read",
]
