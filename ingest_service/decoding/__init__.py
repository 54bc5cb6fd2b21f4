"""From uploaded bytes to the table they hold, losslessly: text stays text.

Runs in an isolated child process, so a hostile file can cost a deadline or a memory limit but never the service.
"""

from ingest_service.decoding.decode import Decoded, Limits, decode_file

__all__ = ["Decoded", "Limits", "decode_file"]
