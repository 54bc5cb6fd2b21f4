"""Weighs what a language model proposes: what the data support is done, and the rest is told as a suggestion."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from worker_service.core.columns.column_profile import ColumnProfile, is_number
from worker_service.core.humanize import count, listing, number, percent, plural_verb, quoted
from worker_service.core.imputation.predictability import predictability
from worker_service.core.parsing import infer_as, read
from worker_service.core.profile import Profile
from worker_service.core.recipe.steps import (
    AnyStep,
    FillMissing,
    Flag,
    FrequencyEncode,
    LabelEncode,
    MaskSentinel,
    OneHot,
    Ratio,
    ReadColumn,
    Scale,
    TreatOutliers,
)
from worker_service.core.relations.target import PREDICTED
from worker_service.core.stats.correlation import coefficients
from worker_service.core.stats.fences import Numbers
from worker_service.core.stats.summary import runs
from worker_service.core.table.frame import Frame
from worker_service.planner.ai.accepted import Weighed
from worker_service.planner.ai.advice import (
    Advice,
    Bounds,
    DerivedRatio,
    Fill,
    LevelMerge,
    MissingCodes,
    Ordering,
    TargetGuess,
    TypeCorrection,
    UnitConversion,
)
from worker_service.planner.ai.checks import (
    MOST_UNFIT,
    as_read,
    converts,
    end_of,
    known_numbers,
    may_mean,
    said,
    says_missing,
)
from worker_service.planner.ai.prompt import Ids

MOSTLY_DIFFERENT = 0.98
MOST_CODED = 0.5
"""Values that fill more than this share of the known cells are no code for missing."""
APART = 3.0
"""A code lies so many times further from its neighbour than the values there lie from each other."""
NEIGHBOURS = 10
MOST_RENAMED = 0.5
"""A level that is merged has at most this share of the rows of the level it becomes."""
MOST_IMPOSSIBLE = 0.02
AS_GOOD = 1.02
CLEARLY_MORE = 0.02
_SCALED = "A model then weighs it by what it says and not by its unit."


class Counsel:
    """The advice of one model on one table."""

    def __init__(self, advice: Advice, facts: Profile, frame: Frame, *, author: str) -> None:
        """`facts` are those of the heuristics alone; `author` is how the model is called in the log."""
        self._advice = advice
        self._facts = facts
        self._frame = frame
        self._author = author
        self._ids = Ids.of(facts).names
        self._columns = facts.by_name()
        self.weighed = Weighed()
        for guess in [advice.target] if advice.target else []:
            self._weigh(guess.column, guess.reason, "predict it", partial(self._target, guess))
        for one in advice.types:
            self._weigh(one.column, one.reason, f"read it as {one.type}", partial(self._type, one))
        for codes in advice.missing_codes:
            what = f"take {listing(quoted(value[:40]) for value in codes.values[:4])} for missing"
            self._weigh(codes.column, codes.reason, what, partial(self._codes, codes))
        for merge in advice.merges:
            what = f"merge {listing(quoted(level[:40]) for level in merge.levels[:4])} into {quoted(merge.into[:40])}"
            self._weigh(merge.column, merge.reason, what, partial(self._merge, merge))

        for conversion in advice.units:
            what = f"convert {listing(quoted(one.unit) for one in conversion.units[:4])} into one unit"
            self._weigh(conversion.column, conversion.reason, what, partial(self._convert, conversion))

    def rewritten(self, facts: Profile, steps: list[AnyStep]) -> list[AnyStep]:
        """The heuristics' steps for the facts as they are with this advice, with what else stands of it."""
        self._columns = facts.by_name()
        self._facts = facts
        steps = [self._signed(step) for step in steps]
        for fill in self._advice.fills:
            what = f"fill it with the {fill.method}"
            self._weigh(fill.column, fill.reason, what, partial(self._fill, fill, steps))
        for bounds in self._advice.bounds:
            ends = f"{end_of(bounds.lower, 'no end')} to {end_of(bounds.upper, 'no end')}"
            what = f"take values outside of {ends} for impossible"
            self._weigh(bounds.column, bounds.reason, what, partial(self._bounds, bounds, steps))
        for order in self._advice.orders:
            what = f"order its levels as {listing(quoted(level[:40]) for level in order.order[:6])}"
            self._weigh(order.column, order.reason, what, partial(self._order, order, steps))
        for ratio in self._advice.ratios:
            self._weigh(
                ratio.numerator, ratio.reason, "divide it by another column", partial(self._ratio, ratio, steps)
            )
        return steps

    def _weigh(self, column_id: str, reason: str, what: str, judge: Callable[[ColumnProfile], str | None]) -> None:
        """Let `judge` accept a proposal (None) or say why not, which becomes a suggestion."""
        name = self._ids.get(column_id)
        column = None if name is None else self._columns.get(name)
        if column is None:
            because = "there is no such column"
        elif column.name == self._facts.target.column and what != "predict it":
            because = "it is the target, which is never changed"
        else:
            verdict = judge(column)
            if verdict is None:
                return
            because = verdict
        where = quoted(column.name) if column is not None else "a column that is not there"
        self.weighed.suggestions.append(
            Flag(
                kind="flag",
                phase="cleaning",
                column=None if column is None else column.name,
                why=f"{self._author} suggests for {where}: {what}. {said(reason)} It was not done, because {because}.",
                confidence=0.3,
                source="gemini_suggestion",
            )
        )

    def _target(self, guess: TargetGuess, column: ColumnProfile) -> str | None:
        if self._facts.target.column is not None:
            chosen = quoted(self._facts.target.column)
            return None if column.name == self._facts.target.column else f"{chosen} is the target already"
        score = predictability(
            column.name, self._facts.columns, {one.name: as_read(one, self._frame) for one in self._facts.columns}
        )
        if score is None or score < PREDICTED:
            return "the other columns hardly predict it"
        self.weighed.target = column.name
        self._reason("target", column, guess.reason, f"The other columns explain {percent(score)} of it.")
        return None

    def _type(self, one: TypeCorrection, column: ColumnProfile) -> str | None:
        if one.type == column.type:
            return None
        decoded = self._frame[column.name]
        if one.type == "identifier":
            if column.distinct < MOSTLY_DIFFERENT * (self._facts.rows - column.missing):
                return f"only {column.distinct:,} of its values are different"
            if column.type in ("decimal", "timestamp", "boolean") or not _of_one_length(column):
                return "its values are amounts or moments, and not codes of one length"
        if one.type == "category" and (not decoded.is_text or column.distinct > 50):
            return "it has too many values, or is no text"
        if one.type in ("integer", "decimal", "boolean", "timestamp"):
            if not decoded.is_text:
                return "the file holds another type"
            inference = decoded.derive(infer_as, one.type)
            spec = inference.read_as
            fitting = 0 if spec is None else decoded.derive(read, spec).column.known
            if inference.unfit > MOST_UNFIT * max(1, fitting + inference.unfit):
                return f"{count(inference.unfit, 'cell')} would not fit"
        self.weighed.types[column.name] = one.type
        self._reason("type", column, one.reason, "")
        return None

    def _codes(self, codes: MissingCodes, column: ColumnProfile) -> str | None:
        if column.numbers is not None:
            return self._numeric_codes(codes, column)
        levels = {level.value: level.count for level in column.top_values}
        held = [value for value in codes.values if value in levels]
        if column.type not in ("category", "text") or not held:
            return "the column does not hold them, or they were taken for missing already"
        odd = [value for value in held if not says_missing(value)]
        if odd:
            return f"{quoted(odd[0])} does not say that something is missing"
        if sum(levels[value] for value in held) > MOST_CODED * (self._facts.rows - column.missing):
            return f"they fill more than {percent(MOST_CODED)} of the known cells"
        self.weighed.codes[column.name] = tuple(held)
        self._reason("codes", column, codes.reason, "")
        return None

    def _numeric_codes(self, codes: MissingCodes, column: ColumnProfile) -> str | None:
        found = as_read(column, self._frame).derive(runs)
        wanted = {float(value) for value in codes.values if is_number(value)}
        marked = np.isin(found.values.astype(np.float64), list(wanted))
        known = int(found.counts.sum())
        if not marked.any():
            return "the column does not hold them, or they were taken for missing already"
        if found.counts[marked].sum() > MOST_CODED * known:
            return f"they fill more than {percent(MOST_CODED)} of the known cells"
        rest = found.values[~marked].astype(np.float64)
        for value in found.values[marked].astype(np.float64):
            if rest[0] < value < rest[-1] or len(rest) < 3:
                return f"{number(float(value))} lies among the other values"
            near = rest[:NEIGHBOURS] if value < rest[0] else rest[-NEIGHBOURS:]
            gap = float(rest[0] - value if value < rest[0] else value - rest[-1])
            if gap < APART * float(np.median(np.diff(near))):
                return f"{number(float(value))} is no further from the other values than those are from each other"
        told = tuple(str(value) for value in found.values[marked].tolist())
        self.weighed.codes[column.name] = told
        lie = f"All other values lie between {number(float(rest[0]))} and {number(float(rest[-1]))}, apart from that."
        self._reason("codes", column, codes.reason, lie)
        return None

    def _convert(self, conversion: UnitConversion, column: ColumnProfile) -> str | None:
        verdict = converts(conversion, self._frame[column.name])
        if verdict is not None:
            return verdict
        self.weighed.units[column.name] = tuple((one.unit, one.factor) for one in conversion.units)
        self._reason("type", column, conversion.reason, "Converted, the units lie around the same middle.")
        return None

    def _merge(self, merge: LevelMerge, column: ColumnProfile) -> str | None:
        levels = {level.value: level.count for level in column.top_values}
        if column.type != "category" or merge.into not in levels:
            return f"{quoted(merge.into[:40])} is none of its levels"
        held = [level for level in merge.levels if level in levels and level != merge.into]
        if not held:
            return "the column does not hold these levels"
        for level in held:
            if levels[level] > MOST_RENAMED * levels[merge.into]:
                return f"{quoted(level)} is too frequent to be an odd way of writing {quoted(merge.into)}"
            if not may_mean(level, merge.into):
                return f"nothing in {quoted(level)} shows that it means {quoted(merge.into)}"
        pairs = tuple((level, merge.into) for level in held)
        self.weighed.meanings[column.name] = (*self.weighed.meanings.get(column.name, ()), *pairs)
        self._reason("meanings", column, merge.reason, "")
        return None

    def _fill(self, fill: Fill, steps: list[AnyStep], column: ColumnProfile) -> str | None:
        race = next((race for race in self._facts.imputations if race.column == column.name), None)
        errors: dict[str, float] = {} if race is None else {one.method: one.error for one in race.guessers}
        if race is None or fill.method not in errors or column.numbers is None:
            return (
                "there is nothing to measure it by" if race is None else "the race on hidden cells has decided already"
            )
        best = errors[race.winner] if race.winner is not None else min(errors["mean"], errors["median"])
        if errors[fill.method] > AS_GOOD * best:
            off, least = (number(float(f"{error:.3g}")) for error in (errors[fill.method], best))
            return f"it is {off} off on hidden cells, what was done {least}"
        for place, step in enumerate(steps):
            if isinstance(step, FillMissing) and step.column == column.name and step.method == fill.method:
                steps[place] = step.model_copy(update={"why": f"{self._sentence(fill.reason, '')} {step.why}"})
                return None
        return "the race on hidden cells has found something as good"

    def _bounds(self, bounds: Bounds, steps: list[AnyStep], column: ColumnProfile) -> str | None:
        numbers = column.numbers
        if numbers is None or not column.is_quantity or numbers.minimum is None or numbers.maximum is None:
            return "the column holds no quantities"
        lower = numbers.minimum if bounds.lower is None else bounds.lower
        upper = numbers.maximum if bounds.upper is None else bounds.upper
        values = known_numbers(column, self._frame)
        outside = values[(values < lower) | (values > upper)]
        if not lower < upper or not len(outside):
            return "no value lies outside"
        if len(outside) > MOST_IMPOSSIBLE * len(values):
            return f"{percent(len(outside) / len(values))} of the values lie outside, too many to be impossible"
        fences = numbers.iqr
        ordinary = fences.lower is None or fences.upper is None
        if ordinary or ((outside >= (fences.lower or 0)) & (outside <= (fences.upper or 0))).any():
            return "some of the values outside are quite ordinary ones"
        why = self._sentence(
            bounds.reason,
            f"{count(len(outside), 'value')} of {len(values):,} {plural_verb(len(outside), 'lies', 'lie')} outside.",
        )
        kept = [step for step in steps if not (isinstance(step, TreatOutliers) and step.column == column.name)]
        steps[:] = [
            *kept,
            TreatOutliers(
                kind="treat_outliers",
                column=column.name,
                method="iqr",
                strategy=bounds.strategy,
                lower=lower,
                upper=upper,
                replacement=None,
                why=why,
                confidence=0.7,
                source="gemini",
            ),
        ]
        return None

    def _order(self, order: Ordering, steps: list[AnyStep], column: ColumnProfile) -> str | None:
        place = next(
            (
                place
                for place, step in enumerate(steps)
                if isinstance(step, OneHot | LabelEncode | FrequencyEncode) and step.column == column.name
            ),
            None,
        )
        levels = {level.value for level in column.top_values}
        if place is None or column.type != "category" or set(order.order) != levels or len(order.order) != len(levels):
            return "it does not name exactly the levels of the column"
        extra = tuple(level for level in getattr(steps[place], "levels", ()) if level not in levels)
        steps[place] = LabelEncode(
            kind="label_encode",
            column=column.name,
            levels=(*extra, *order.order),
            why=self._sentence(order.reason, ""),
            confidence=0.7,
            source="gemini",
        )
        return None

    def _ratio(self, ratio: DerivedRatio, steps: list[AnyStep], column: ColumnProfile) -> str | None:
        other = self._columns.get(self._ids.get(ratio.denominator, ""))
        target = self._facts.target.column
        if other is None or other.name == target or not (column.is_quantity and other.is_quantity):
            return "both must be columns of quantities, and none the target"
        with np.errstate(all="ignore"):
            values = as_read(column, self._frame).numbers() / as_read(other, self._frame).numbers()
        if np.isinf(values).any():
            return f"{quoted(other.name)} is 0 somewhere"
        if target is not None and not self._tells_more(values, (column, other), target):
            return f"it tells {quoted(target)} no more than the two columns do"
        taken = {*self._columns, *(name for step in steps for name in step.outputs)}
        name = f"{column.name}_per_{other.name}"
        if name in taken:
            return "it is there already"
        why = self._sentence(ratio.reason, "")
        shared: dict[str, Any] = {"confidence": 0.6, "source": "gemini"}
        made = Ratio(kind="ratio", numerator=column.name, denominator=other.name, name=name, why=why, **shared)
        scaled = Scale(kind="scale", column=name, method="standard", why=_SCALED, **shared)
        first = next((place for place, step in enumerate(steps) if step.phase == "features"), len(steps))
        steps.insert(next((p for p, step in enumerate(steps) if step.kind == "scale"), first), made)
        steps.append(scaled)
        return None

    def _tells_more(self, values: Numbers, parts: tuple[ColumnProfile, ColumnProfile], target: str) -> bool:
        """Whether a ratio goes with a numeric target clearly more than each of its parts."""
        truth = as_read(self._columns[target], self._frame)
        if not truth.is_number:
            return False
        table = np.stack([truth.numbers(), values, *(as_read(part, self._frame).numbers() for part in parts)], axis=1)
        strengths = np.abs(np.nan_to_num(coefficients(table)[0, 1:]))
        return bool(strengths[0] > strengths[1:].max() + CLEARLY_MORE)

    def _reason(self, what: str, column: ColumnProfile, reason: str, evidence: str) -> None:
        self.weighed.reasons[what, column.name] = self._sentence(reason, evidence)

    def _sentence(self, reason: str, evidence: str) -> str:
        return f"{self._author}: {said(reason)} {evidence}".strip()

    def _signed(self, step: AnyStep) -> AnyStep:
        """A heuristic step that follows from accepted advice, with the model's reason and name."""
        fits = {
            "codes": isinstance(step, MaskSentinel) or (isinstance(step, ReadColumn) and step.read_as.kind == "text"),
            "type": isinstance(step, ReadColumn),
            "meanings": step.kind == "merge_levels",
        }
        column = getattr(step, "column", None)
        keys = [(what, column) for what, fit in fits.items() if fit]
        found = [self.weighed.reasons[key] for key in keys if key in self.weighed.reasons]
        if not found:
            return step
        return step.model_copy(update={"why": " ".join(found), "source": "gemini", "confidence": 0.75})


def _of_one_length(column: ColumnProfile) -> bool:
    """Whether whole numbers have equally many digits; text may be of any length."""
    numbers = column.numbers
    if numbers is None or numbers.minimum is None or numbers.maximum is None:
        return True
    return numbers.minimum > 0 and len(f"{numbers.minimum:.0f}") == len(f"{numbers.maximum:.0f}")
