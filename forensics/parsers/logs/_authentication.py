"""What log-in, privilege, account and scheduler programs say in their syslog messages: facts, no judgement.

User names come from whoever tries to log in, who may write anything in them, also the words of another
message. The patterns therefore take a name up to the last place where the message can go on, and a message
that could be read in more than one way says `ambiguous_message`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LONGEST = 4096
"""Characters: longer messages are not looked into (daemons write shorter ones)."""

_ADDRESS = re.compile(r"[0-9a-fA-F:.]*[:.][0-9a-fA-F:.]*(?:%\S+)?")


class _Saying(NamedTuple):
    """A message that starts with one of `starts` (or any, without) and matches means `action`.

    `names` are the fields its groups give, in their order.
    """

    starts: tuple[str, ...]
    pattern: re.Pattern[str]
    action: str
    names: tuple[str, ...]


_SAME_FIELD = {"to": "target_user", "old_source": "source"}


def _saying(action: str, pattern: str, *starts: str) -> _Saying:
    compiled = re.compile(pattern)
    names = sorted(compiled.groupindex, key=compiled.groupindex.__getitem__)
    return _Saying(starts or ("",), compiled, action, tuple(_SAME_FIELD.get(name, name) for name in names))


_FROM = r" from (?P<source>\S+) port (?P<port>[0-9]+)"
_KEY = r"(?:: (?P<key>.*))?"
_ODD = r"(?P<_unknown>(?:invalid|illegal) user )?(?P<user>.*)"
_END = r"(?:\s+ssh[12]?)?(?: \[preauth\])?"
_PEER = r"(?P<source>\S+)(?: port (?P<port>[0-9]+))?"
_WHO = r"(?:(?:(?P<_unknown>invalid) |authenticating )?user (?P<user>.*) )?(?P<source>\S+) port (?P<port>[0-9]+)"

_SSHD = (
    _saying("login accepted", rf"Accepted (?P<method>\S+) for (?P<user>.*){_FROM}{_END}{_KEY}", "Accepted "),
    _saying(
        "login failed",
        rf"Failed (?P<method>\S+) for {_ODD}{_FROM}{_END}{_KEY}",
        "Failed ",
    ),
    _saying("unknown user", rf"(?:Invalid|Illegal) user (?P<user>.*) from {_PEER}", "I"),
    _saying(
        "connection closed",
        rf"Connection (?:closed|reset) by (?:{_WHO}|(?P<old_source>\S+)){_END}",
        "Connection closed",
        "Connection reset",
    ),
    _saying(
        "connection",
        rf"Connection{_FROM}(?: on (?P<local_address>\S+) port (?P<local_port>[0-9]+).*)?",
        "Connection from",
    ),
    _saying("disconnected", rf"Disconnected from (?:{_WHO}|(?P<old_source>\S+)){_END}", "Disconnected"),
    _saying(
        "disconnected",
        r"Received disconnect from (?P<source>\S+?)(?: port (?P<port>[0-9]+))?: ?(?P<code>[0-9]+): (?P<reason>.*)",
        "Received disconnect",
    ),
    _saying(
        "too many attempts",
        rf"(?:error: )?maximum authentication attempts exceeded for {_ODD}{_FROM}{_END}",
        "error: maximum",
        "maximum",
    ),
    _saying("login refused", r"User (?P<user>.*) from (?P<source>\S+) not allowed because (?P<reason>.*)", "User "),
    _saying("no identification", rf"(?:error: )?(?:Did not receive identification string){_FROM}", "Did not"),
    _saying(
        "listening", r"Server listening on (?P<local_address>\S+) port (?P<local_port>[0-9]+)\.?", "Server listening"
    ),
)
_SUDO = (
    _saying(
        "command",
        r"(?P<user>\S.*?) : (?:(?P<refusal>[^;=]+) ; )?(?:HOST=\S+ ; )?(?:TTY=(?P<terminal>\S+) ; )?"
        r"PWD=(?P<directory>.*?) ; "
        r"USER=(?P<target_user>\S+) ; (?:GROUP=(?P<target_group>\S+) ; )?(?:TSID=\S+ ; )?"
        r"(?:ENV=.*? ; )?COMMAND=(?P<command>.*)",
    ),
)
_SU = (
    _saying("user changed", r"Successful su for (?P<target_user>\S+) by (?P<user>\S+)", "Successful"),
    _saying(
        "user change failed",
        r"FAILED (?:su for (?P<target_user>\S+) by (?P<user>\S+)|"
        r"SU \(to (?P<to>[^)]*)\) (?P<by>\S+) on (?P<terminal>\S+))",
        "FAILED",
    ),
    _saying("user changed", r"\(to (?P<target_user>[^)]*)\) (?P<user>\S+) on (?P<terminal>\S+)", "(to "),
)
_ACCOUNTS = (
    _saying(
        "account created",
        r"new user: name=(?P<user>[^,]*), UID=(?P<uid>[0-9]+), GID=(?P<gid>[0-9]+), "
        r"home=(?P<home>[^,]*), shell=(?P<shell>[^,]*)"
        r"(?:, from=(?P<terminal>.*))?",
        "new user",
    ),
    _saying("group created", r"new group: name=(?P<group>[^,]*), GID=(?P<gid>[0-9]+)", "new group"),
    _saying("group member added", r"add '(?P<user>[^']*)' to (?:shadow )?group '(?P<group>[^']*)'", "add "),
    _saying("account deleted", r"delete user '(?P<user>[^']*)'", "delete user"),
    _saying("password changed", r"change user '(?P<user>[^']*)' password", "change user"),
)
_CRON = (
    _saying("scheduled command", r"\((?P<user>[^)]*)\) CMD \((?P<command>.*)\)", "("),
    _saying(
        "schedule changed", r"\((?P<user>[^)]*)\) (?P<change>REPLACE|DELETE|END EDIT) \((?P<target_user>.*)\)", "("
    ),
    _saying("schedule read", r"\((?P<user>[^)]*)\) (?P<change>LIST|BEGIN EDIT|RELOAD) \((?P<target_user>.*)\)", "("),
)
_LOGIND = (
    _saying("session opened", r"New session (?P<session>\S+) of user (?P<user>\S+?)\.?", "New session"),
    _saying("session closed", r"Removed session (?P<session>\S+?)\.?", "Removed session"),
)
_PAM = r"pam_\w+\((?P<service>[^:)]*):(?P<phase>[^)]*)\): "
_ANY_PROGRAM = (
    _saying(
        "session opened",
        _PAM + r"session opened for user (?P<user>[^\s(]+)(?:\(uid=(?P<uid>[0-9]+)\))? "
        r"by (?P<by>[^\s(]*)\(uid=(?P<by_uid>[0-9]+)\)",
        "pam_",
    ),
    _saying("session closed", _PAM + r"session closed for user (?P<user>\S+)", "pam_"),
    _saying(
        "authentication failed",
        _PAM + r"authentication failure; logname=\S* uid=(?P<by_uid>\S*) euid=\S* tty=(?P<terminal>\S*) "
        r"ruser=(?P<by>.*?) rhost=(?P<source>\S*)(?:\s+user=(?P<user>.*))?",
        "pam_",
    ),
    _saying("password changed", _PAM + r"password changed for (?P<user>\S+)", "pam_"),
)

_PROGRAMS: dict[str, tuple[_Saying, ...]] = {
    **dict.fromkeys(("sshd", "sshd-session", "sshd-auth"), _SSHD),
    "sudo": _SUDO,
    **dict.fromkeys(("su", "su-l"), _SU),
    **dict.fromkeys(
        ("useradd", "usermod", "userdel", "groupadd", "gpasswd", "passwd", "chpasswd", "adduser"), _ACCOUNTS
    ),
    **dict.fromkeys(("cron", "crond", "crontab"), _CRON),
    "systemd-logind": _LOGIND,
}
_SAYINGS = {program: (*sayings, *_ANY_PROGRAM) for program, sayings in _PROGRAMS.items()}
_WORDS_OF_MESSAGES = (" from ", " port ", " : ")


def _sayings(program: str) -> tuple[_Saying, ...]:
    return _SAYINGS.get(program) or _SAYINGS.get(program.rpartition("/")[2].lower(), ())


def read_meaning(program: str, message: str, fields: dict[str, str]) -> None:
    """Adds to `fields` what a known message says, `action` first; fields that already stand are kept."""
    sayings = _sayings(program)
    text = message.strip()
    if not sayings and text.startswith("pam_"):
        sayings = _ANY_PROGRAM
    if not sayings or len(text) > _LONGEST:
        return
    for starts, pattern, action, names in sayings:
        if text.startswith(starts) and (match := pattern.fullmatch(text)):
            fields["action"] = action
            _add(names, match.groups(), fields)
            return


def _add(names: tuple[str, ...], values: tuple[str | None, ...], fields: dict[str, str]) -> None:
    for name, value in zip(names, values, strict=True):
        if not value:
            continue
        if name == "_unknown":
            fields["user_unknown"] = "true"
        elif name == "source":
            fields["source_ip" if _ADDRESS.fullmatch(value) else "source_host"] = value
        elif name not in fields:
            fields[name] = value
    user = fields.get("user")
    if user and " " in user and any(words in user for words in _WORDS_OF_MESSAGES):
        fields["ambiguous_message"] = "true"
    if "refusal" in fields:
        fields["action"] = "command refused"
