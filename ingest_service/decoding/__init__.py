"""Decoding of an uploaded file to a table without loss of information: text stays text.

It detects compression, format, encoding and header, reads the rows, and keeps rejected rows. All of it runs in an
isolated child process, so a hostile file can exceed a deadline or a memory limit but can't stop the service. Inferring
the types of text columns and cleaning values don't belong here; they are the work of `worker_service`.
"""

from ingest_service.decoding.decode import Decoded, Limits, decode_file, read_column_names
from ingest_service.decoding.preview import Preview, preview_file

__all__ = ["Decoded", "Limits", "Preview", "decode_file", "preview_file", "read_column_names"]
