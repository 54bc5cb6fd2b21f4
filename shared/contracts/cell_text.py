"""How a number is written as text, in the ledger and in every CSV file alike."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

PLAIN_BELOW = 1e15
"""Doubles below this are written without an exponent: a double keeps 15 digits exactly."""
_EXPONENTS_FROM = 1e10
"""From here on Arrow writes exponents."""


def decimal_text(values: pa.Array, text_type: pa.DataType) -> pa.Array:
    """Return floating-point numbers in their shortest exact form, with an exponent only from 1e15 on and below 1e-6.

    Args:
        values: one array of doubles or floats; null stays null.
        text_type: `pa.string()` or `pa.large_string()`.
    """
    text = values.cast(text_type)
    sizes = np.abs(values.fill_null(0).to_numpy(zero_copy_only=False))
    long = (sizes >= _EXPONENTS_FROM) & (sizes < PLAIN_BELOW)
    if not long.any():
        return text
    chosen = pa.array(long)
    numbers, written = values.filter(chosen), text.filter(chosen)
    for exponent in range(10, 15):
        written = pc.replace_substring_regex(written, rf"^(-?\d)\.(\d{{{exponent}}})(\d+)e\+{exponent}$", r"\1\2.\3")
    whole = pc.cast(pc.trunc(numbers), pa.int64())
    written = pc.if_else(pc.equal(pc.trunc(numbers), numbers), whole.cast(text_type), written)
    return pc.replace_with_mask(text, chosen, written)
