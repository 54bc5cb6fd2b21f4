"""TLS between processes: certificates from files, which servers read again when they change."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc

from shared.logs import get_logger
from shared.settings.tls_files import TlsFiles

_log = get_logger("tls")


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Return the credentials of a server; a changed certificate counts from the next handshake on.

    Raises:
        OSError: a file can't be read.
        ValueError: there is no certificate or no key.
    """
    reloading = _ReloadingConfiguration(files)
    return grpc.dynamic_ssl_server_credentials(
        reloading.read(), reloading.read_if_changed, require_client_authentication=files.ca is not None
    )


def channel_credentials(files: TlsFiles) -> grpc.ChannelCredentials:
    """Return the credentials of a client, which hold as long as its channel.

    Raises:
        OSError: a file can't be read.
    """
    ca, key, certificate = (None if path is None else path.read_bytes() for path in _paths(files))
    return grpc.ssl_channel_credentials(root_certificates=ca, private_key=key, certificate_chain=certificate)


class _ReloadingConfiguration:
    """The configuration of a server, and when its files were changed."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._changed_at: Sequence[int] = ()

    def read(self) -> Any:
        """Return the configuration in the files."""
        self._changed_at = self._times()
        if self._files.certificate is None or self._files.key is None:
            raise ValueError("a server needs a certificate and a key")
        ca = None if self._files.ca is None else self._files.ca.read_bytes()
        pair = (self._files.key.read_bytes(), self._files.certificate.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=ca)

    def read_if_changed(self) -> Any:
        """Return the configuration if a file has changed, else None; called before every handshake."""
        try:
            if self._times() == self._changed_at:
                return None
            configuration = self.read()
        except OSError as error:
            # The certificate of before goes on serving while its file is being replaced.
            _log.warning("certificate not read", cause=type(error).__name__)
            return None
        _log.info("certificate read again")
        return configuration

    def _times(self) -> Sequence[int]:
        return [os.stat(path).st_mtime_ns for path in _paths(self._files) if path is not None]


def _paths(files: TlsFiles) -> tuple[Path | None, Path | None, Path | None]:
    return files.ca, files.key, files.certificate
