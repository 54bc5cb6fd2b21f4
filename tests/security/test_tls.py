"""TLS for clients, and between the processes with certificates on both sides, replaced while they run."""

import datetime
import ipaddress
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.local.stack import Stack
from gateway.http import tls as gateway_tls
from shared.settings.processes import GatewaySettings
from tests.e2e.user import User
from tests.security.callers import TOKEN_MODE, bearer, token
from tests.security.conftest import CSV

pytestmark = pytest.mark.xdist_group("encrypted stack")


@dataclass
class Authority:
    """A certificate authority that writes files."""

    folder: Path

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign("an authority", self.key, None)
        self.path = self.folder / "ca.pem"
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Write a certificate and its key, or replace them, and return their paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(name, key, self.certificate)
        paths = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        encoding, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
        contents = (
            certificate.public_bytes(encoding),
            key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_password),
        )
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        return paths

    def _sign(self, name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Certificate | None) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if issuer is None else issuer.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
        )
        return builder.sign(self.key, hashes.SHA256())


@dataclass(frozen=True)
class EncryptedStack:
    """A running stack and its authority."""

    stack: Stack
    authority: Authority

    def context(self) -> ssl.SSLContext:
        """Return what a client trusts."""
        return ssl.create_default_context(cafile=str(self.authority.path))


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory, clean_environment: None) -> Iterator[EncryptedStack]:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    (gateway, gateway_key), (process, process_key) = authority.issue("gateway"), authority.issue("process")
    settings = {
        "GATEWAY_TLS_CERTIFICATE": str(gateway),
        "GATEWAY_TLS_KEY": str(gateway_key),
        "GRPC_TLS_CERTIFICATE": str(process),
        "GRPC_TLS_KEY": str(process_key),
        "GRPC_TLS_CA": str(authority.path),
    }
    with Stack(tmp_path_factory.mktemp("tls"), ports="free", env_overrides=TOKEN_MODE | settings) as stack:
        yield EncryptedStack(stack, authority)


def test_a_dataset_is_prepared_over_tls(encrypted: EncryptedStack) -> None:
    with httpx.Client(
        base_url=encrypted.stack.gateway_url, verify=encrypted.context(), headers=bearer(token("ada")), timeout=60
    ) as client:
        answer = client.post("/dataset/upload", files={"file": ("people.csv", CSV)})
        assert answer.status_code == 200, answer.text
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert User(client).wait(answer.json()["dataset_id"])["status"] == "completed"


def test_who_does_not_speak_tls_gets_nothing(encrypted: EncryptedStack) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(encrypted.stack.gateway_url.replace("https:", "http:") + "/health/live")
    with pytest.raises(httpx.TransportError):
        httpx.get(encrypted.stack.gateway_url + "/health/live")


def health(encrypted: EncryptedStack, credentials: grpc.ChannelCredentials | None) -> int:
    target = f"127.0.0.1:{encrypted.stack.settings.ingest_port}"
    channel = grpc.insecure_channel(target) if credentials is None else grpc.secure_channel(target, credentials)
    with channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
        return int(answer.status)


def test_a_service_talks_to_who_has_a_certificate(encrypted: EncryptedStack) -> None:
    ca = encrypted.authority.path.read_bytes()
    certificate, key = (path.read_bytes() for path in encrypted.authority.issue("friend"))
    assert health(encrypted, grpc.ssl_channel_credentials(ca, key, certificate)) == 1
    stranger = Authority(encrypted.authority.folder.parent)
    foreign, foreign_key = (path.read_bytes() for path in stranger.issue("stranger"))
    for credentials in (None, grpc.ssl_channel_credentials(ca), grpc.ssl_channel_credentials(ca, foreign_key, foreign)):
        with pytest.raises(grpc.RpcError):
            health(encrypted, credentials)


def serial(port: int) -> int:
    pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=5)
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


@pytest.mark.parametrize("name", ["gateway", "process"])
def test_a_certificate_is_replaced_without_a_restart(encrypted: EncryptedStack, name: str) -> None:
    settings = encrypted.stack.settings
    port = settings.gateway_port if name == "gateway" else settings.report_port
    before = serial(port)
    encrypted.authority.issue(name)
    wait_until(lambda: serial(port) != before, seconds=2 * gateway_tls.PAUSE_SECONDS)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"grpc_tls_key": __file__}, "GRPC_TLS_KEY needs GRPC_TLS_CERTIFICATE too"),
        ({"gateway_tls_certificate": __file__}, "GATEWAY_TLS_CERTIFICATE needs GATEWAY_TLS_KEY too"),
        ({"gateway_tls_certificate": "/x"}, "Path does not point to a file"),
        ({"gateway_host": "0.0.0.0"}, "GATEWAY_HOST=0.0.0.0 lets other machines in without TLS"),
        ({"grpc_host": "::"}, "GRPC_HOST=:: lets other machines in without TLS"),
    ],
)
def test_plaintext_is_for_this_machine_alone(changes: dict[str, str], sentence: str) -> None:
    token_mode = {"auth_mode": "token", "service_secret": "s" * 32, "_env_file": None}
    with pytest.raises(ValueError, match=sentence):
        GatewaySettings(**token_mode, **changes)  # type: ignore[arg-type]
    allowed = {**token_mode, "gateway_host": "0.0.0.0", "grpc_host": "0.0.0.0", "allow_plaintext": True}
    assert GatewaySettings(**allowed).allow_plaintext  # type: ignore[arg-type]
