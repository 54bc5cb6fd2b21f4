"""The part of a table that is held out: prepared by the recipe that was fitted on the other rows alone."""

import re
from dataclasses import dataclass
from typing import Literal

SPLIT_COLUMN = "__split__"
"""The last column of an engineered table of which a part is held out: `train` or `test`; it is no feature."""
_SHARE = re.compile(r"(?P<share>0?\.[0-9]{1,6})(?:@(?P<seed>[0-9]{1,9}))?")
_CONDITION = re.compile(r"(?P<column>.+?)\s*(?P<operator>>=|=)\s*(?P<value>.+)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Split:
    """Which rows are held out: a share of them, or those of which a column meets a condition."""

    share: float | None = None
    seed: int = 0
    column: str = ""
    operator: Literal["=", ">="] = "="
    value: str = ""


def parse_split(text: str) -> Split:
    """Return a split from `0.2`, `0.2@7` (with a seed), `fold=test` or `day>=2026-02-01`.

    Raises:
        ValueError: it is none of these.
    """
    text = text.strip()
    if match := _SHARE.fullmatch(text):
        share = float(match["share"])
        if not 0 < share < 1:
            raise ValueError("the share must be between 0 and 1")
        return Split(share=share, seed=int(match["seed"] or 0))
    condition = _CONDITION.fullmatch(text)
    if condition is None:
        raise ValueError("must be a share such as 0.2, a value such as fold=test, or a start such as day>=2026-02-01")
    operator: Literal["=", ">="] = ">=" if condition["operator"] == ">=" else "="
    return Split(column=condition["column"].strip(), operator=operator, value=condition["value"].strip())
