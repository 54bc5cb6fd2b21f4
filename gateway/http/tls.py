"""The certificate of the gateway, read again when its files change."""

import asyncio
import os
import ssl
from pathlib import Path
from typing import NoReturn

from shared.logs import get_logger

PAUSE_SECONDS = 10.0
_log = get_logger("gateway")


async def reload_certificate(context: ssl.SSLContext, certificate: Path, key: Path) -> NoReturn:
    """Load a changed certificate into a context, from the next handshake on, until cancelled."""
    loaded = _changed_at(certificate, key)
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        changed = _changed_at(certificate, key)
        if changed is None or changed == loaded:
            continue
        try:
            context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            # The certificate of before goes on serving, also where the pair is half replaced.
            _log.warning("certificate not read", cause=type(error).__name__)
            continue
        loaded = changed
        _log.info("certificate read again")


def _changed_at(*paths: Path) -> tuple[int, ...] | None:
    try:
        return tuple(os.stat(path).st_mtime_ns for path in paths)
    except OSError:
        return None
