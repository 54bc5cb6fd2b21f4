"""The kinds of steps of a recipe: for each kind its data, its effect on a frame, and its sentence.

Executing the steps in order belongs to `recipe.apply`; choosing them belongs to the planner.
"""

from worker_service.core.recipe.steps.base import (
    Effect,
    StepRejected,
    StepStats,
    apply_step,
    carry_step,
    describe_step,
    fit_step,
)
from worker_service.core.recipe.steps.combine import Bin, Ratio
from worker_service.core.recipe.steps.cycle import Cycle
from worker_service.core.recipe.steps.date_parts import DateParts
from worker_service.core.recipe.steps.drop_column import DropColumn
from worker_service.core.recipe.steps.drop_duplicates import DropDuplicates
from worker_service.core.recipe.steps.encode import FrequencyEncode, LabelEncode, OneHot
from worker_service.core.recipe.steps.fill_by import FillByGroup, FillByLevel, FillByModel, FillByTime
from worker_service.core.recipe.steps.fill_missing import FillMissing
from worker_service.core.recipe.steps.flag import Flag
from worker_service.core.recipe.steps.hide_personal_data import HidePersonalData, hide
from worker_service.core.recipe.steps.mask_sentinel import MaskSentinel
from worker_service.core.recipe.steps.merge_levels import MergeLevels
from worker_service.core.recipe.steps.multi_hot import MultiHot
from worker_service.core.recipe.steps.number_rows import NumberRows
from worker_service.core.recipe.steps.power_transform import PowerTransform
from worker_service.core.recipe.steps.read_column import ReadColumn
from worker_service.core.recipe.steps.repair_by_dependency import RepairByDependency
from worker_service.core.recipe.steps.repair_by_formula import RepairByFormula
from worker_service.core.recipe.steps.rescale import Rescale
from worker_service.core.recipe.steps.scale import Scale
from worker_service.core.recipe.steps.split_amounts import SplitAmounts
from worker_service.core.recipe.steps.split_text import SplitText
from worker_service.core.recipe.steps.text_components import TextComponents
from worker_service.core.recipe.steps.text_numbers import TextNumbers
from worker_service.core.recipe.steps.time_difference import TimeDifference
from worker_service.core.recipe.steps.treat_outliers import TreatOutliers
from worker_service.core.recipe.steps.was_missing import WasMissing

AnyStep = (
    HidePersonalData
    | ReadColumn
    | Flag
    | DropColumn
    | DropDuplicates
    | MaskSentinel
    | MergeLevels
    | RepairByDependency
    | RepairByFormula
    | Rescale
    | FillMissing
    | FillByGroup
    | FillByLevel
    | FillByTime
    | FillByModel
    | TreatOutliers
    | WasMissing
    | Cycle
    | DateParts
    | TimeDifference
    | SplitAmounts
    | TextNumbers
    | SplitText
    | Ratio
    | Bin
    | PowerTransform
    | TextComponents
    | OneHot
    | MultiHot
    | FrequencyEncode
    | LabelEncode
    | Scale
    | NumberRows
)
"""Every kind of step. A plain union, so that it can be given to a language model as a response schema."""

__all__ = [
    "AnyStep",
    "Bin",
    "Cycle",
    "DateParts",
    "DropColumn",
    "DropDuplicates",
    "Effect",
    "FillByGroup",
    "FillByLevel",
    "FillByModel",
    "FillByTime",
    "FillMissing",
    "Flag",
    "FrequencyEncode",
    "HidePersonalData",
    "LabelEncode",
    "MaskSentinel",
    "MergeLevels",
    "MultiHot",
    "NumberRows",
    "OneHot",
    "PowerTransform",
    "Ratio",
    "ReadColumn",
    "RepairByDependency",
    "RepairByFormula",
    "Rescale",
    "Scale",
    "SplitAmounts",
    "SplitText",
    "StepRejected",
    "StepStats",
    "TextComponents",
    "TextNumbers",
    "TimeDifference",
    "TreatOutliers",
    "WasMissing",
    "apply_step",
    "carry_step",
    "describe_step",
    "fit_step",
    "hide",
]
