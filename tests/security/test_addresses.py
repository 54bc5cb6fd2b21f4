"""No form of an address leads into a private network."""

import pytest

from shared.errors import InvalidInput
from shared.outbound import OutboundGuard

_PRIVATE = """
127.0.0.1 127.1 0.0.0.0 0 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 169.254.169.254 100.64.0.1
192.0.0.8 192.0.0.9 192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 240.0.0.1 255.255.255.255 192.31.196.1
192.52.193.1 192.88.99.1 192.175.48.1 2130706433 0x7f000001 017700000001 0177.0.0.1
[::1] [::] [::127.0.0.1] [::ffff:127.0.0.1] [::ffff:10.0.0.1] [::ffff:0:127.0.0.1] [64:ff9b::7f00:1]
[64:ff9b::10.0.0.1] [64:ff9b:1::7f00:1] [64:ff9b:1::192.168.0.1] [2002:7f00:1::] [2002:0a00:1::] [fe80::1] [fec0::1]
[fc00::1] [fd12:3456::1] [ff02::1] [ff0e::1] [2001:db8::1] [2001::1] [2001:10::1] [2001:20::1] [3fff::1] [5f00::1]
[4000::1] [6000::1] [8000::1] [e000::1] [100::1] [2620:4f:8000::1] [2a00:1450::5efe:127.0.0.1]
[2a00:1450::200:5efe:10.0.0.1] [2001:0:4136:e378:8000:63bf:3fff:fdd2] [::ffff:169.254.169.254] [::10.0.0.1]
"""
_PUBLIC = """
93.184.215.14 1.1.1.1 8.8.8.8 [2606:2800:21f:cb07:6820:80da:af6b:8b2c] [2a00:1450:4001::1] [::ffff:8.8.8.8]
"""
PRIVATE, PUBLIC = _PRIVATE.split(), _PUBLIC.split()


def test_there_are_many_forms() -> None:
    assert len(set(PRIVATE)) >= 60


@pytest.mark.parametrize("host", PRIVATE)
async def test_private_addresses_are_refused(host: str) -> None:
    guard = OutboundGuard("dataset_url", allow_private=False)
    with pytest.raises(InvalidInput):
        await guard.check(guard.parse(f"http://{host}/x.csv"))


@pytest.mark.parametrize("host", PUBLIC)
async def test_public_addresses_are_allowed(host: str) -> None:
    guard = OutboundGuard("dataset_url", allow_private=False)
    await guard.check(guard.parse(f"http://{host}/x.csv"))
