"""Keys: fingerprints as ssh-keygen prints them, options, hosts."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.unix.ssh_keys import PARSER
from tests.forensics.parsers.found import damaged, problems

BLOB = b"\0\0\0\x0bssh-ed25519\0\0\0 " + bytes(range(32))
KEY = b"ssh-ed25519 " + base64.b64encode(BLOB)
PRINT = "SHA256:" + base64.b64encode(hashlib.sha256(BLOB).digest()).decode().rstrip("=")
AUTHORISED = (
    b"# comment\n" + KEY + b' ada@home pc\nno-pty,command="/bin/x \\"a b\\" ssh-rsa" ' + KEY + b"\nssh-ed25519 AAAA\n"
)
KNOWN = b"h,10.0.0.7 " + KEY + b"\n|1|c2FsdA==|aGFzaA== " + KEY + b"\n@revoked *.x " + KEY + b"\n" + KEY + b"\n"


def test_authorised_keys(read: Any) -> None:
    found = read(PARSER, AUTHORISED, name="authorized_keys")
    assert found[0].fields == {"type": "ssh-ed25519", "fingerprint": PRINT, "comment": "ada@home pc"}
    assert found[1].fields["options"] == 'no-pty,command="/bin/x \\"a b\\" ssh-rsa"'
    assert problems(found) == ["no key of OpenSSH: ssh-ed25519 AAAA"]


def test_known_hosts(read: Any) -> None:
    found = read(PARSER, KNOWN, name="known_hosts")
    assert [(item.fields["host"], item.fields.get("hashed"), item.fields.get("marker")) for item in found[:2]] == [
        ("h,10.0.0.7", None, None),
        ("|1|c2FsdA==|aGFzaA==", "true", None),
    ]
    assert found[2].fields["marker"] == "revoked"
    assert problems(found)[0].startswith("no host before the key: ")


def test_known_by_name_and_a_key() -> None:
    assert parser_for(AUTHORISED, "authorized_keys") is PARSER
    assert parser_for(KEY, "id_ed25519.pub") is PARSER
    assert parser_for(KEY, "notes.txt") is None
    assert parser_for(b"-----BEGIN OPENSSH PRIVATE KEY-----\n AAAA", "id.pub") is None


def test_damaged_files_give_values(read: Any) -> None:
    for data in damaged(AUTHORISED + KNOWN):
        read(PARSER, data, name="known_hosts")
