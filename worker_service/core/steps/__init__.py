"""The kinds of steps a recipe is made of: for each family its data, what it does to a frame, and its sentence."""

from worker_service.core.steps.base import Effect, Phase, StepRejected, Tally, apply_step, describe_step
from worker_service.core.steps.combine import Bin, Ratio
from worker_service.core.steps.date_parts import DateParts
from worker_service.core.steps.drop_column import DropColumn
from worker_service.core.steps.encode import LabelEncode, OneHot
from worker_service.core.steps.fill_missing import FillMissing
from worker_service.core.steps.flag import Flag
from worker_service.core.steps.mask_sentinel import MaskSentinel
from worker_service.core.steps.merge_levels import MergeLevels
from worker_service.core.steps.number_rows import NumberRows
from worker_service.core.steps.read_column import ReadColumn
from worker_service.core.steps.scale import Scale
from worker_service.core.steps.treat_outliers import TreatOutliers

AnyStep = (
    ReadColumn
    | Flag
    | DropColumn
    | MaskSentinel
    | MergeLevels
    | FillMissing
    | TreatOutliers
    | DateParts
    | Ratio
    | Bin
    | OneHot
    | LabelEncode
    | Scale
    | NumberRows
)
"""Every kind of step. A plain union, so that it can be offered to a language model as a response schema."""

__all__ = [
    "AnyStep",
    "Bin",
    "DateParts",
    "DropColumn",
    "Effect",
    "FillMissing",
    "Flag",
    "LabelEncode",
    "MaskSentinel",
    "MergeLevels",
    "NumberRows",
    "OneHot",
    "Phase",
    "Ratio",
    "ReadColumn",
    "Scale",
    "StepRejected",
    "Tally",
    "TreatOutliers",
    "apply_step",
    "describe_step",
]
