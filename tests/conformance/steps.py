"""At least one step of every kind, about the columns `a` and `b`."""

from datetime import datetime
from typing import Any, get_args

from worker_service.core.parsing import ReadBoolean, ReadDecimal, ReadInteger, ReadText, ReadTimestamp
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.steps import (
    AnyStep,
    Bin,
    Cycle,
    DateParts,
    DropColumn,
    DropDuplicates,
    FillByGroup,
    FillByLevel,
    FillByModel,
    FillByTime,
    FillMissing,
    Flag,
    FrequencyEncode,
    HidePersonalData,
    LabelEncode,
    MaskSentinel,
    MergeLevels,
    MultiHot,
    NumberRows,
    OneHot,
    PowerTransform,
    Ratio,
    ReadColumn,
    RepairByDependency,
    RepairByFormula,
    Rescale,
    Scale,
    SplitAmounts,
    SplitText,
    TextComponents,
    TextNumbers,
    TimeDifference,
    TreatOutliers,
    WasMissing,
)
from worker_service.core.recipe.steps.merge_levels import Renaming
from worker_service.core.recipe.steps.repair_by_dependency import Repair
from worker_service.core.relations.formulas import Formula
from worker_service.core.relations.target import Target

KINDS: tuple[type[Any], ...] = get_args(AnyStep)
BECAUSE: dict[str, Any] = {"why": "The test says so.", "confidence": 0.5, "rule": "test"}
NO_TARGET = Target(column=None, confidence=0.0, why="None was chosen.")


def recipe(*steps: AnyStep, target: str | None = None) -> Recipe:
    """Return a recipe of these steps."""
    chosen = NO_TARGET if target is None else Target(column=target, confidence=1.0, why="It was asked for.")
    return Recipe(version=2, target=chosen, steps=steps)


def read(column: str, spec: Any) -> ReadColumn:
    """Return a reading step."""
    return ReadColumn(kind="read_column", column=column, read_as=spec, **BECAUSE)


def fill(column: str, method: Any, value: Any = None) -> FillMissing:
    """Return a filling step."""
    return FillMissing(kind="fill_missing", column=column, method=method, value=value, **BECAUSE)


def outliers(column: str, strategy: Any, *, lower: float = 1.5, upper: float = 2.5) -> TreatOutliers:
    """Return an outlier step."""
    return TreatOutliers(
        kind="treat_outliers",
        column=column,
        method="iqr",
        strategy=strategy,
        lower=lower,
        upper=upper,
        replacement=2.0,
        **BECAUSE,
    )


def hide(method: Any, personal_data: Any = "email", *, column: str = "a") -> HidePersonalData:
    """Return a step that hides personal data."""
    return HidePersonalData(
        kind="hide_personal_data",
        column=column,
        method=method,
        personal_data=personal_data,
        missing=("", "x"),
        **BECAUSE,
    )


READ_AS = (
    ReadText(kind="text", missing=("", "x")),
    ReadInteger(kind="integer", missing=("",)),
    ReadDecimal(kind="decimal"),
    ReadBoolean(kind="boolean", true=("1", "true"), false=("0", "no")),
    ReadInteger(kind="integer", thousands_mark=" ", units=("EUR",)),
    ReadDecimal(kind="decimal", decimal_mark=",", thousands_mark=".", units=("€", "%")),
    ReadTimestamp(kind="timestamp", format="ISO 8601"),
    ReadTimestamp(kind="timestamp", format="ISO 8601 with zone"),
    ReadTimestamp(kind="timestamp", format="%d/%m/%Y"),
)

STEPS: tuple[AnyStep, ...] = (
    *(hide(method, personal_data) for method in ("mask", "drop") for personal_data in ("email", "birth_date", "other")),
    *(read("a", spec) for spec in READ_AS),
    Flag(kind="flag", phase="cleaning", column=None, **BECAUSE),
    Flag(kind="flag", phase="features", column="gone", **BECAUSE),
    DropColumn(kind="drop_column", phase="cleaning", column="a", **BECAUSE),
    DropColumn(kind="drop_column", phase="features", column="a", **BECAUSE),
    fill("a", "mean", 2.5),
    fill("a", "median", 2),
    fill("a", "mode", True),
    fill("a", "constant", "missing"),
    fill("a", "constant", 10**30),
    fill("a", "forward_fill"),
    FillByGroup(kind="fill_by_group", column="a", by="b", decimals=1, fallback=1.5, **BECAUSE),
    FillByGroup(
        kind="fill_by_group", column="a", by="b", decimals=1, groups=("x",), medians=(2.0,), fallback=1.5, **BECAUSE
    ),
    FillByLevel(kind="fill_by_level", column="a", by="b", fallback="missing", **BECAUSE),
    FillByLevel(
        kind="fill_by_level", column="a", by="b", groups=("1", "x"), levels=("y", "z"), fallback="missing", **BECAUSE
    ),
    FillByLevel(kind="fill_by_level", column="a", by="b", most=True, fallback="missing", **BECAUSE),
    FillByTime(kind="fill_by_time", column="a", by="b", decimals=None, **BECAUSE),
    FillByModel(kind="fill_by_model", column="a", model="boosting", predictors=("b",), decimals=0, **BECAUSE),
    FillByModel(kind="fill_by_model", column="a", model="neighbours", predictors=("b",), decimals=2, **BECAUSE),
    outliers("a", "cap"),
    outliers("a", "remove"),
    outliers("a", "median"),
    outliers("a", "flag"),
    outliers("a", "null"),
    outliers("a", "cap", lower=1.1, upper=1.2),
    outliers("a", "cap", lower=-1e300, upper=-1e299),
    MaskSentinel(kind="mask_sentinel", column="a", values=(9999.0, 1.0), **BECAUSE),
    MaskSentinel(kind="mask_sentinel", column="b", values=(2.5, -1e308), **BECAUSE),
    MergeLevels(
        kind="merge_levels",
        column="a",
        spellings=(Renaming(before="x", after="y"), Renaming(before="N/A", after="z")),
        **BECAUSE,
    ),
    Rescale(kind="rescale", column="a", factor=100.0, lower=1.0, upper=1e300, **BECAUSE),
    Rescale(kind="rescale", column="a", factor=0.1, lower=-1e300, upper=3.0, **BECAUSE),
    DropDuplicates(kind="drop_duplicates", **BECAUSE),
    WasMissing(kind="was_missing", column="a", name="a_was_missing", **BECAUSE),
    RepairByDependency(
        kind="repair_by_dependency",
        column="a",
        determinant="b",
        repairs=(Repair(given="x", before="1", after="2"), Repair(given="e-mail", before="Berlin", after="Bern")),
        **BECAUSE,
    ),
    RepairByFormula(
        kind="repair_by_formula",
        formulas=(
            Formula(result="a", operation="product", operands=("b",), factor=2.0, decimals=0),
            Formula(result="b", operation="sum", operands=("a", "b"), decimals=2),
        ),
        decimals=(0, 2),
        **BECAUSE,
    ),
    OneHot(kind="one_hot", column="a", levels=("x", "1"), names=("a_x", "a_1"), **BECAUSE),
    OneHot(kind="one_hot", column="a", levels=("x",), names=("a_x",), other="a_other", **BECAUSE),
    OneHot(kind="one_hot", column="a", levels=("x", "1"), names=("a_x", "a_1"), keep=True, **BECAUSE),
    FrequencyEncode(kind="frequency_encode", column="a", levels=("1", "x"), shares=(0.75, 0.25), **BECAUSE),
    LabelEncode(kind="label_encode", column="a", levels=("1", "true", "x"), **BECAUSE),
    Scale(kind="scale", column="a", method="standard", center=1.0, divisor=2.0, **BECAUSE),
    Scale(kind="scale", column="a", method="robust", center=-1e308, divisor=1e-5, **BECAUSE),
    Scale(kind="scale", column="a", method="standard", **BECAUSE),
    Scale(kind="scale", column="a", method="robust", **BECAUSE),
    Scale(kind="scale", column="a", method="standard", center=1.0, divisor=0.0, **BECAUSE),
    DateParts(
        kind="date_parts",
        column="a",
        parts=("days", "year", "month", "day", "weekday", "hour", "month_sin", "weekday_cos", "hour_sin"),
        names=("n", "y", "m", "d", "w", "h", "s", "c", "t"),
        fill=datetime(2024, 1, 1),
        **BECAUSE,
    ),
    SplitAmounts(
        kind="split_amounts",
        column="a",
        read_as=ReadDecimal(kind="decimal", units=("€", "kg", "USD")),
        amount="a_amount",
        unit="a_unit",
        **BECAUSE,
    ),
    MultiHot(kind="multi_hot", column="a", separator=";", levels=("x", "1"), names=("a_x", "a_1"), **BECAUSE),
    MultiHot(kind="multi_hot", column="a", separator="-", levels=("x",), names=("a_x",), keep=True, **BECAUSE),
    TextNumbers(kind="text_numbers", column="a", shape="amount", names=("a_number",), **BECAUSE),
    TextNumbers(
        kind="text_numbers", column="a", shape="range", names=("a_low", "a_high"), fills=(0.5, 1e300), **BECAUSE
    ),
    SplitText(
        kind="split_text",
        column="a",
        separator="-",
        width=2,
        positions=(0, 1),
        is_number=(False, True),
        names=("a_part_1", "a_part_2"),
        **BECAUSE,
    ),
    SplitText(
        kind="split_text", column="a", separator="", width=2, positions=(1,), is_number=(True,), names=("n",), **BECAUSE
    ),
    TimeDifference(kind="time_difference", start="a", end="b", name="a to b", **BECAUSE),
    Ratio(kind="ratio", numerator="a", denominator="b", name="a per b", **BECAUSE),
    Bin(kind="bin", column="a", edges=(0.5, 1.5), name="a_bin", **BECAUSE),
    Cycle(kind="cycle", column="a", period=24, sine="a_sin", cosine="a_cos", **BECAUSE),
    PowerTransform(kind="power_transform", column="a", name="a_power", **BECAUSE),
    PowerTransform(
        kind="power_transform", column="a", name="a_power", unit=2.0, power=-1.5, center=0.1, divisor=1e-300, **BECAUSE
    ),
    TextComponents(kind="text_components", column="a", names=("a_1", "a_2"), **BECAUSE),
    TextComponents(
        kind="text_components", column="a", names=("a_1",), offsets=(0.5,), components=((1.0,) * 256,), **BECAUSE
    ),
    NumberRows(kind="number_rows", name="row", **BECAUSE),
)
