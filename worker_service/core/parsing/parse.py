"""The two ways of carrying out a spec: `cast` and `parse`; the module of each spec registers its own functions."""

from functools import singledispatch

import pyarrow as pa

from worker_service.core.parsing.spec import Spec


@singledispatch
def parse(spec: Spec, values: pa.Array) -> pa.Array:
    """Return the typed value of each string, null where a string does not fit the spec.

    Raises:
        TypeError: no function is registered for the spec.
    """
    raise TypeError(f"nothing is registered that reads {type(spec).__name__}")


@singledispatch
def cast(spec: Spec, text: pa.Array) -> pa.Array | None:
    """Return the typed values of all strings by one fast cast; None where it might not agree with `parse`."""
    return None
