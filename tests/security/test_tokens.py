"""Tokens that are forged, stale or odd: none is accepted, and none fails as a defect."""

import base64
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from shared.errors import Unauthenticated
from shared.identity.key_sets import KeySet, SecretKeys
from shared.identity.tokens import SERVICE_TYPE, ServiceTokens, TokenPolicy, UserTokens, unverified_header
from tests.security.callers import AUDIENCE, ISSUER, JWT_SECRET, SERVICE_SECRET, claims, token, unsigned_token

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
ALGORITHMS: dict[str, Any] = {"RS256": RSA_KEY, "ES256": EC_KEY, "EdDSA": ED_KEY}
NOW = int(time.time())
TOMORROW = NOW + 86_400  # the tests may begin long after this module was loaded


def policy(algorithm: str = "HS256") -> TokenPolicy:
    return TokenPolicy(
        algorithm=algorithm, issuer=ISSUER, audience=AUDIENCE, leeway_seconds=5, collaborations_claim="teams"
    )


def jwk(key: Any, key_id: str) -> dict[str, Any]:
    """Return the public part of a key as a member of a key set."""
    algorithm = {value: name for name, value in ALGORITHMS.items()}.get(key, "RS256")
    text = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key())
    return {**json.loads(text), "kid": key_id, "alg": algorithm, "use": "sig"}


def pem(key: Any) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    encoded: bytes = key.public_key().public_bytes(encoding, form)
    return encoded


def encode(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def handmade(header: Any, payload: Any = None, signature: bytes = b"x" * 32) -> str:
    return ".".join((encode(header), encode(claims() if payload is None else payload), encode(signature)))


def signed(header: dict[str, Any], payload: Any = None) -> str:
    """Return a token with any header and payload, signed as HS256 with the true secret."""
    body = f"{encode(header)}.{encode(claims() if payload is None else payload)}"
    signature = jwt.get_algorithm_by_name("HS256").sign(body.encode(), JWT_SECRET.encode())
    return f"{body}.{encode(signature)}"


HS256 = {"alg": "HS256", "typ": "JWT"}
VALID = token()
ATTACKS: dict[str, str] = {
    "empty": "",
    "a word": "token",
    "dots": "..",
    "four dots": "....",
    "two parts": VALID.rpartition(".")[0],
    "no signature": VALID.rpartition(".")[0] + ".",
    "signature cut short": VALID[:-5],
    "signature of another token": VALID.rpartition(".")[0] + "." + token("sam").rpartition(".")[2],
    "payload of another token": ".".join(
        (VALID.split(".")[0], token("sam").split(".")[1], VALID.split(".")[2]),
    ),
    "a part more": VALID + ".e30",
    "five parts, as encrypted tokens have": VALID + ".e30.e30",
    "newline at the end": VALID + "\n",
    "characters outside of ASCII": VALID[:-3] + "äöü",
    "surrogate": VALID + "\udc80",
    "zero byte": VALID + "\0",
    "very long": VALID + "A" * 10_000,
    "alg none": unsigned_token(),
    "alg None": handmade({"alg": "None"}, signature=b""),
    "alg nOnE": handmade({"alg": "nOnE", "typ": "JWT"}, signature=b""),
    "alg none with a signature": handmade({"alg": "none"}),
    "alg null": handmade({"alg": None}),
    "alg a list": handmade({"alg": ["HS256"]}),
    "alg a number": handmade({"alg": 1}),
    "alg missing": handmade({"typ": "JWT"}),
    "alg unknown": handmade({"alg": "HS257"}),
    "header a list": handmade([]),
    "header a word": handmade("HS256"),
    "header not JSON": handmade(b"{"),
    "header deeply nested": handmade(b"[" * 3000),
    "payload a list": signed(HS256, []),
    "payload not JSON": signed(HS256, b"{"),
    "payload empty": signed(HS256, {}),
    "payload deeply nested": signed(HS256, b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}"),
    "HS384 with the true secret": token(algorithm="HS384"),
    "HS512 with the true secret": token(algorithm="HS512"),
    "another secret": token(secret="another-secret-of-somebody-else-" + "0123456789" * 4),
    "the secret of the processes": token(secret=SERVICE_SECRET),
    "empty secret": signed(HS256).rpartition(".")[0] + "." + encode(b""),
    "a token of a process": ServiceTokens(SERVICE_SECRET.encode()).sign("gateway"),
    "typed as a token of a process": signed({**HS256, "typ": SERVICE_TYPE}),
    "typ unknown": signed({**HS256, "typ": "secevent+jwt"}),
    "typ a list": signed({**HS256, "typ": []}),
    "critical extension": signed({**HS256, "crit": ["exp"], "exp": TOMORROW}),
    "detached payload": signed({**HS256, "b64": False, "crit": ["b64"]}),
    "expired": token(exp=NOW - 60),
    "expired for decades": token(exp=0),
    "expires never": token(exp=None),
    "exp a word": signed(HS256, claims(exp="tomorrow")),
    "exp infinite": signed(HS256, json.dumps(claims()).replace(str(claims()["exp"]), "Infinity").encode()),
    "exp not a number": signed(HS256, json.dumps(claims()).replace(str(claims()["exp"]), "NaN").encode()),
    "exp a list": signed(HS256, claims(exp=[TOMORROW])),
    "not valid yet": token(nbf=TOMORROW),
    "issued in the future": token(iat=TOMORROW),
    "nbf a word": signed(HS256, claims(nbf="x")),
    "no issuer": token(iss=None),
    "another issuer": token(iss="https://issuer.example.evil"),
    "issuer in capitals": token(iss=ISSUER.upper()),
    "issuer a list": signed(HS256, claims(iss=[ISSUER])),
    "no audience": token(aud=None),
    "another audience": token(aud="another-service"),
    "audience of others": token(aud=["a", "b"]),
    "audience a number": signed(HS256, claims(aud=1)),
    "no subject": token(sub=None),
    "subject a number": signed(HS256, claims(sub=1)),
    "subject empty": signed(HS256, claims(sub="")),
    "subject a list": signed(HS256, claims(sub=["ada"])),
    "subject of spaces": signed(HS256, claims(sub="  ")),
    "subject with a space at the end": signed(HS256, claims(sub="ada ")),
    "subject with a newline": signed(HS256, claims(sub="ada\nroot")),
    "subject with a zero byte": signed(HS256, claims(sub="ada\0")),
    "subject with a direction mark": signed(HS256, claims(sub="ada\u202e")),
    "subject too long": signed(HS256, claims(sub="a" * 201)),
}
KEY_ATTACKS: dict[str, Callable[[], str]] = {
    "HS256 with the public key as the secret": lambda: signed_with(pem(RSA_KEY), {"alg": "HS256", "kid": "1"}),
    "HS256 with the key set as the secret": lambda: signed_with(
        json.dumps(jwk(RSA_KEY, "1")).encode(), {"alg": "HS256", "kid": "1"}
    ),
    "HS256 with an empty secret": lambda: signed_with(b"", {"alg": "HS256", "kid": "1"}),
    "another key": lambda: jwt.encode(claims(), OTHER_RSA_KEY, algorithm="RS256", headers={"kid": "1"}),
    "another key that names itself": lambda: jwt.encode(
        claims(), OTHER_RSA_KEY, algorithm="RS256", headers={"kid": "1", "jwk": jwk(OTHER_RSA_KEY, "1")}
    ),
    "another key behind jku": lambda: jwt.encode(
        claims(), OTHER_RSA_KEY, algorithm="RS256", headers={"kid": "1", "jku": "https://evil.example/keys"}
    ),
    "another key behind x5u": lambda: jwt.encode(
        claims(), OTHER_RSA_KEY, algorithm="RS256", headers={"kid": "1", "x5u": "https://evil.example/cert"}
    ),
    "unknown kid": lambda: jwt.encode(claims(), RSA_KEY, algorithm="RS256", headers={"kid": "2"}),
    "kid a path": lambda: jwt.encode(claims(), RSA_KEY, algorithm="RS256", headers={"kid": "../../dev/null"}),
    "kid an injection": lambda: jwt.encode(claims(), RSA_KEY, algorithm="RS256", headers={"kid": "1' or '1'='1"}),
    "kid a list": lambda: handmade({"alg": "RS256", "kid": ["1"]}),
    "no kid where there are two keys": lambda: jwt.encode(claims(), RSA_KEY, algorithm="RS256"),
    "RS512 with the true key": lambda: jwt.encode(claims(), RSA_KEY, algorithm="RS512", headers={"kid": "1"}),
    "PS256 with the true key": lambda: jwt.encode(claims(), RSA_KEY, algorithm="PS256", headers={"kid": "1"}),
    "ES256 with a key of the set": lambda: jwt.encode(claims(), EC_KEY, algorithm="ES256", headers={"kid": "ec"}),
    "alg none": lambda: jwt.encode(claims(), key="", algorithm="none", headers={"kid": "1"}),
}


def signed_with(secret: bytes, header: dict[str, Any]) -> str:
    import hashlib
    import hmac

    body = f"{encode(header)}.{encode(claims())}"
    return f"{body}.{encode(hmac.digest(secret, body.encode(), hashlib.sha256))}"


@pytest.fixture
def key_set(tmp_path: Path) -> KeySet:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [jwk(RSA_KEY, "1"), jwk(EC_KEY, "ec"), jwk(OTHER_RSA_KEY, "3")]}))
    return KeySet(str(path), algorithm="RS256")


@pytest.mark.parametrize("attack", ATTACKS)
async def test_no_odd_token_is_accepted(attack: str) -> None:
    with pytest.raises(Unauthenticated):
        await UserTokens(policy(), SecretKeys(JWT_SECRET.encode())).verify(ATTACKS[attack])


@pytest.mark.parametrize("attack", KEY_ATTACKS)
async def test_no_confusion_of_keys_is_accepted(attack: str, key_set: KeySet) -> None:
    attack_token = KEY_ATTACKS[attack]()
    if attack == "another key":
        assert unverified_header(attack_token)["kid"] == "1"
    with pytest.raises(Unauthenticated):
        await UserTokens(policy("RS256"), key_set).verify(attack_token)


def test_there_are_many_attacks() -> None:
    print(f"{len(ATTACKS) + len(KEY_ATTACKS)} forged, stale and odd tokens refused")
    assert len(ATTACKS) + len(KEY_ATTACKS) >= 80


OLD, NEW = b"the-old-secret-of-32-bytes-or-more", b"the-new-secret-of-32-bytes-or-more"
ROLLS = [(OLD,), (OLD, NEW), (NEW, OLD), (NEW,)]
"""What the processes have as one secret replaces another: each step is rolled out while the one before still runs."""


@pytest.mark.parametrize(("before", "after"), list(itertools.pairwise(ROLLS)))
async def test_a_secret_is_replaced_without_a_pause(before: tuple[bytes, ...], after: tuple[bytes, ...]) -> None:
    for signing, verifying in itertools.product((before, after), repeat=2):
        signed_by = ServiceTokens(*signing).sign("ingest")
        assert ServiceTokens(*verifying).verify(signed_by).user_id == "ingest"
        of_user = jwt.encode(claims(), signing[0], algorithm="HS256")
        assert (await UserTokens(policy(), SecretKeys(*verifying)).verify(of_user)).user_id == "ada"


@pytest.mark.parametrize(("secrets", "other"), [((OLD,), NEW), ((NEW,), OLD), ((OLD, NEW), b"a" * 32)])
async def test_no_other_secret_is_accepted(secrets: tuple[bytes, ...], other: bytes) -> None:
    with pytest.raises(Unauthenticated):
        ServiceTokens(*secrets).verify(ServiceTokens(other).sign("ingest"))
    with pytest.raises(Unauthenticated):
        await UserTokens(policy(), SecretKeys(*secrets)).verify(jwt.encode(claims(), other, algorithm="HS256"))
    with pytest.raises(Unauthenticated, match="expired"):
        expired = jwt.encode({**claims(), "exp": NOW - 600}, secrets[-1], algorithm="HS256")
        await UserTokens(policy(), SecretKeys(*secrets)).verify(expired)


async def test_a_valid_token_names_its_user_scopes_and_teams() -> None:
    users = UserTokens(policy(), SecretKeys(JWT_SECRET.encode()))
    caller = await users.verify(token(scope="openid neuralearn:read", teams=["a", "b:owner", "c:d", 7, ""]))
    assert (caller.kind, caller.user_id, set(caller.scopes)) == ("user", "ada", {"read"})
    assert caller.memberships == {"a": "viewer", "b": "owner", "c:d": "viewer"}
    caller = await users.verify(
        token(aud=["x", AUDIENCE], teams={"a": "editor", "b": "king"}, exp=int(time.time()) - 2)
    )
    assert (set(caller.scopes), caller.memberships) == ({"read", "write"}, {"a": "editor"})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_each_algorithm_verifies_with_its_key(algorithm: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [jwk(key, name) for name, key in ALGORITHMS.items()]}))
    users = UserTokens(policy(algorithm), KeySet(str(path), algorithm=algorithm))
    for headers in ({"kid": algorithm}, {}):
        valid = jwt.encode(claims(), ALGORITHMS[algorithm], algorithm=algorithm, headers=headers)
        assert (await users.verify(valid)).user_id == "ada"


@pytest.mark.parametrize(
    "claim", [{"sub": "gateway"}, {"aud": "neuralearn"}, {"iss": ISSUER}, {"exp": NOW - 60}, {"exp": None}]
)
def test_tokens_of_processes_are_short_lived_and_for_processes(claim: dict[str, Any]) -> None:
    services = ServiceTokens(SERVICE_SECRET.encode())
    assert services.verify(services.sign("ingest")).user_id == "ingest"
    forged = {"iss": "neuralearn", "aud": "neuralearn-services", "sub": "ingest", "exp": TOMORROW, **claim}
    payload = {name: value for name, value in forged.items() if value is not None}
    secret = JWT_SECRET if "sub" in claim else SERVICE_SECRET
    with pytest.raises(Unauthenticated):
        services.verify(jwt.encode(payload, secret, algorithm="HS256", headers={"typ": SERVICE_TYPE}))
