"""Who may log in with which key, and which hosts were met: OpenSSH's authorized_keys and known_hosts (sshd(8)).

Public keys only; a key is told by the fingerprint that `ssh-keygen -l` prints.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Location, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._lines import Line, head_lines, parse_lines

_NAME, _VERSION, _STAGE = "ssh_keys", "1", "parser ssh_keys"
_AUTHORISED, _KNOWN = "ssh.authorized_key", "ssh.known_host"
_TYPE = r"(ssh-(?:rsa|dss|ed25519|ed448)(?:-cert-v0[01]@openssh\.com)?|(?:sk-)?(?:ecdsa-sha2|ssh)-[a-z0-9@.-]{3,64})"
_KEY = re.compile(rf"(?:^|[ \t]){_TYPE}[ \t]+([A-Za-z0-9+/]{{40,}}={{0,2}})(?:[ \t]+(.*))?$")
_HOSTS = re.compile(r"(?:@(cert-authority|revoked) )?([^ \t\"]+)$")
_KEY_IN_BYTES = b" AAAA"
_USUAL = re.compile(r"(?:authorized_keys2?|known_hosts2?|ssh_known_hosts|.+\.pub)(?:\.old|-|~)?")


def _fingerprint(blob: str) -> str:
    """SHA-256 of the key, as OpenSSH prints it; "" for what is no base64."""
    try:
        digest = hashlib.sha256(base64.b64decode(blob, validate=True)).digest()
    except (binascii.Error, ValueError):
        return ""
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


class _Keys:
    """One file of keys being read, line after line."""

    def __init__(self, source: ParserInput) -> None:
        self._facts = Facts(source, _NAME, _VERSION)
        self._hosts = "known_hosts" in source.name

    def read(self, line: Line, location: Location) -> Artefact | str | None:
        """A key; None for a comment."""
        text = line.text.strip()
        if text.startswith("#"):
            return None
        match = _KEY.search(text)
        if match is None or not (fingerprint := _fingerprint(match[2])):
            return "no key of OpenSSH"
        fields = {"type": match[1], "fingerprint": fingerprint, "comment": match[3] or ""}
        before, place = text[: match.start(1)].strip(), (line.offset, line.length)
        if not self._hosts:
            return self._facts.artefact(_AUTHORISED, {}, fields | {"options": before}, place=place)
        hosts = _HOSTS.fullmatch(before)
        if hosts is None:
            return "no host before the key"
        said = {"host": hosts[2], "marker": hosts[1] or "", "hashed": "true" if hosts[2].startswith("|1|") else ""}
        return self._facts.artefact(_KNOWN, {}, fields | said, place=place)


@dataclass(frozen=True, slots=True)
class SshKeysParser:
    """Public keys of people and hosts.

    Artefacts `ssh.authorized_key`: type, fingerprint, comment, options. `ssh.known_host`: host (as written, `hashed`
    where it cannot be read), type, fingerprint, marker, comment. No times: when a file was changed the file says.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_AUTHORISED, _KNOWN)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the file's name, and a key among its first lines."""
        if _KEY_IN_BYTES not in head or not _USUAL.fullmatch(name):
            return False
        return any(_KEY.search(line.strip()) for line in [*head_lines(head), head.decode("utf-8", "replace")])

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every key in the order of the file; see `Parser.parse`."""
        yield from parse_lines(source, _STAGE, _Keys(source).read)


PARSER = SshKeysParser()
