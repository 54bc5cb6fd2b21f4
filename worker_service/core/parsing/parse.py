"""The two ways of carrying out a spec; each kind of spec registers its own in its module."""

from functools import singledispatch

import pyarrow as pa

from worker_service.core.parsing.spec import Spec


@singledispatch
def parse(spec: Spec, values: pa.Array) -> pa.Array:
    """Read each string on its own: typed values, null where a string does not fit the spec."""
    raise TypeError(f"nothing is registered that reads {type(spec).__name__}")


@singledispatch
def cast(spec: Spec, text: pa.Array) -> pa.Array | None:
    """Read all strings in one sweep, or None where that way can't be relied on to agree with `parse`."""
    return None
