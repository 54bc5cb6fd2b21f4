"""When a request is sent again, and after how long."""

import random

import httpx

ATTEMPTS = 4
_LONGEST_PAUSE = 30.0
_TRY_LATER = (429, 503)


def pause_before(attempt: int, answer: httpx.Response | None) -> float | None:
    """Return the seconds to wait before another attempt; None if there is to be none.

    Args:
        attempt: how many attempts there were.
        answer: what was answered to the last one; None if the connection failed.
    """
    if attempt >= ATTEMPTS or (answer is not None and answer.status_code not in _TRY_LATER):
        return None
    wait = "" if answer is None else answer.headers.get("retry-after", "")
    asked = float(wait) if wait.isdigit() else 0.0
    if asked > _LONGEST_PAUSE:
        return None
    # Spread, so that clients that were refused together do not come back together.
    backoff: float = 0.25 * 2**attempt * random.uniform(0.8, 1.2)  # noqa: S311  # no secret
    return max(asked, backoff)
