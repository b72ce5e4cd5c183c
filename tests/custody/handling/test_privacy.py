"""PR-01: secrets in clear. All of them are published test vectors or made up."""

from __future__ import annotations

import pytest

from tests.custody.handling.told import Told

SEED = "legal winner thank year wave sausage worth useful legal winner thank yellow"
WIF = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"


@pytest.mark.parametrize("secret", [
    f"The wallet opens with {SEED}.", f"key {WIF} on a slip", "-----BEGIN PRIVATE KEY-----", "card 4111 1111 1111 1111",
    "password: hunter22", "lozinka = tajna",
])  # fmt: skip
def test_a_secret_is_found_and_not_repeated(secret: str) -> None:
    told = Told()
    told["saw"].values["text"] = secret
    assert told.found() == {("PR-01", "lesser", "AH/2")}
    assert not any(secret[-12:-1] in item.explanation for item in told.findings())


@pytest.mark.parametrize("harmless", [
    "the winner was asked about the legal year, and the yellow wave of the sausage worth was useful to thank",
    "call 4111 1111 1111 1112", "IMEI 490154203237518", f"key {WIF[:-1]}K", "0000 0000 0000 0000", SEED[:60],
    "his password was changed", SEED.replace("yellow", "zebra"),
])  # fmt: skip
def test_what_only_looks_like_one(harmless: str) -> None:
    told = Told()
    told["saw"].values["text"] = harmless
    assert told.found() == set()
