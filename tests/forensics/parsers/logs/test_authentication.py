"""What common log-in, privilege, account and scheduler messages say."""

from __future__ import annotations

import time

import pytest

from forensics.parsers.logs._authentication import read_meaning

SAID = [
    (
        "sshd",
        " Accepted publickey for ana from 192.0.2.60 port 60594 ssh2: RSA SHA256:5xyQ",
        {
            "action": "login accepted",
            "method": "publickey",
            "user": "ana",
            "source_ip": "192.0.2.60",
            "port": "60594",
            "key": "RSA SHA256:5xyQ",
        },
    ),
    (
        "sshd-session",
        "Failed password for invalid user oracle from 2001:db8::7 port 8759 ssh2",
        {
            "action": "login failed",
            "method": "password",
            "user_unknown": "true",
            "user": "oracle",
            "source_ip": "2001:db8::7",
            "port": "8759",
        },
    ),
    ("sshd", "Invalid user  from 192.0.2.9 port 1", {"action": "unknown user", "source_ip": "192.0.2.9", "port": "1"}),
    (
        "sshd",
        "Invalid user x from host.example.org",
        {"action": "unknown user", "user": "x", "source_host": "host.example.org"},
    ),
    (
        "sshd",
        "Connection closed by authenticating user root 192.0.2.9 port 55 [preauth]",
        {"action": "connection closed", "user": "root", "source_ip": "192.0.2.9", "port": "55"},
    ),
    (
        "sshd",
        'Connection from 192.0.2.9 port 55 on 10.0.0.1 port 22 rdomain ""',
        {
            "action": "connection",
            "source_ip": "192.0.2.9",
            "port": "55",
            "local_address": "10.0.0.1",
            "local_port": "22",
        },
    ),
    (
        "sshd",
        "Disconnected from user ana 192.0.2.9 port 55",
        {"action": "disconnected", "user": "ana", "source_ip": "192.0.2.9", "port": "55"},
    ),
    (
        "sshd",
        "Received disconnect from 192.0.2.9 port 55:11: disconnected by user",
        {
            "action": "disconnected",
            "source_ip": "192.0.2.9",
            "port": "55",
            "code": "11",
            "reason": "disconnected by user",
        },
    ),
    (
        "sshd",
        "error: maximum authentication attempts exceeded for root from 192.0.2.9 port 5 ssh2 [preauth]",
        {"action": "too many attempts", "user": "root", "source_ip": "192.0.2.9", "port": "5"},
    ),
    (
        "sshd",
        "User bob from 192.0.2.9 not allowed because not listed in AllowUsers",
        {"action": "login refused", "user": "bob", "source_ip": "192.0.2.9", "reason": "not listed in AllowUsers"},
    ),
    (
        "sshd",
        "Did not receive identification string from 192.0.2.9 port 5",
        {"action": "no identification", "source_ip": "192.0.2.9", "port": "5"},
    ),
    (
        "sshd",
        "Server listening on 0.0.0.0 port 22.",
        {"action": "listening", "local_address": "0.0.0.0", "local_port": "22"},
    ),
    (
        "sudo",
        "   ana : TTY=pts/0 ; PWD=/home/ana ; USER=root ; COMMAND=/bin/cat /etc/shadow",
        {
            "action": "command",
            "user": "ana",
            "terminal": "pts/0",
            "directory": "/home/ana",
            "target_user": "root",
            "command": "/bin/cat /etc/shadow",
        },
    ),
    (
        "sudo",
        "bob : user NOT in sudoers ; TTY=pts/1 ; PWD=/tmp ; USER=root ; COMMAND=/bin/sh",
        {
            "action": "command refused",
            "user": "bob",
            "refusal": "user NOT in sudoers",
            "terminal": "pts/1",
            "directory": "/tmp",
            "target_user": "root",
            "command": "/bin/sh",
        },
    ),
    (
        "su",
        "(to root) ana on pts/0",
        {"action": "user changed", "target_user": "root", "user": "ana", "terminal": "pts/0"},
    ),
    (
        "su",
        "FAILED SU (to root) bob on pts/1",
        {"action": "user change failed", "target_user": "root", "by": "bob", "terminal": "pts/1"},
    ),
    (
        "useradd",
        "new user: name=svc, UID=1001, GID=1001, home=/home/svc, shell=/bin/bash, from=/dev/pts/1",
        {
            "action": "account created",
            "user": "svc",
            "uid": "1001",
            "gid": "1001",
            "home": "/home/svc",
            "shell": "/bin/bash",
            "terminal": "/dev/pts/1",
        },
    ),
    ("usermod", "add 'svc' to group 'sudo'", {"action": "group member added", "user": "svc", "group": "sudo"}),
    ("userdel", "delete user 'svc'", {"action": "account deleted", "user": "svc"}),
    (
        "CRON",
        "(root) CMD (sleep $(( 1 * 60 )))",
        {"action": "scheduled command", "user": "root", "command": "sleep $(( 1 * 60 ))"},
    ),
    (
        "/usr/bin/crontab",
        "(ana) REPLACE (ana)",
        {"action": "schedule changed", "user": "ana", "change": "REPLACE", "target_user": "ana"},
    ),
    ("systemd-logind", "New session 12 of user ana.", {"action": "session opened", "session": "12", "user": "ana"}),
    (
        "sudo",
        "pam_unix(sudo:session): session opened for user root(uid=0) by ana(uid=1000)",
        {
            "action": "session opened",
            "service": "sudo",
            "phase": "session",
            "user": "root",
            "uid": "0",
            "by": "ana",
            "by_uid": "1000",
        },
    ),
    (
        "CRON",
        "pam_unix(cron:session): session closed for user root",
        {"action": "session closed", "service": "cron", "phase": "session", "user": "root"},
    ),
    (
        "login",
        "pam_unix(login:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.9  user=root",
        {
            "action": "authentication failed",
            "service": "login",
            "phase": "auth",
            "by_uid": "0",
            "terminal": "ssh",
            "source_ip": "192.0.2.9",
            "user": "root",
        },
    ),
]


@pytest.mark.parametrize(("program", "message", "said"), SAID, ids=[message[:40] for _, message, _ in SAID])
def test_messages(program: str, message: str, said: dict[str, str]) -> None:
    fields: dict[str, str] = {}
    read_meaning(program, message, fields)
    assert fields == said


@pytest.mark.parametrize(
    ("program", "message"),
    [("sshd", "Something else"), ("kernel", "Accepted password for a from 192.0.2.1 port 1 ssh2"), ("", "")],
)
def test_other_messages_say_nothing(program: str, message: str) -> None:
    fields: dict[str, str] = {}
    read_meaning(program, message, fields)
    assert fields == {}


def test_a_user_name_cannot_forge_the_address() -> None:
    fields: dict[str, str] = {}
    read_meaning(
        "sshd",
        "Failed password for invalid user root from 198.51.100.1 port 22 ssh2 from 192.0.2.9 port 40 ssh2",
        fields,
    )
    assert (fields["source_ip"], fields["port"]) == ("192.0.2.9", "40")
    assert fields["user"] == "root from 198.51.100.1 port 22 ssh2"
    assert fields["ambiguous_message"] == "true"


def test_a_user_name_cannot_forge_the_peer_of_a_closed_connection() -> None:
    fields: dict[str, str] = {}
    message = "Connection closed by invalid user x 198.51.100.1 port 22 192.0.2.9 port 40 [preauth]"
    read_meaning("sshd", message, fields)
    assert (fields["source_ip"], fields["port"], fields["ambiguous_message"]) == ("192.0.2.9", "40", "true")


def test_older_daemons_give_no_port() -> None:
    fields: dict[str, str] = {}
    read_meaning("sshd", "Connection closed by 192.0.2.9 [preauth]", fields)
    assert fields == {"action": "connection closed", "source_ip": "192.0.2.9"}


def test_known_fields_are_kept() -> None:
    fields = {"pid": "3", "user": "first"}
    read_meaning("su", "(to root) ana on pts/0", fields)
    assert fields["user"] == "first"


@pytest.mark.parametrize("program", ["sshd", "sudo", "su", "useradd", "cron", "systemd-logind", "other"])
@pytest.mark.parametrize(
    "unit",
    [
        " from a port 1",
        " : TTY=x ; PWD=",
        "a : ",
        "pam_unix(a:b): ",
        "Failed a for ",
        "ENV=a ; ",
        " rhost=",
        "(a) CMD (",
        "invalid user ",
    ],
)
def test_hostile_messages_take_no_time(program: str, unit: str) -> None:
    for start in (
        "",
        "Accepted x for a",
        "a : TTY=b ; PWD=c ; USER=d ; ",
        "Connection closed by ",
        "pam_unix(a:b): authentication failure; logname= uid= euid= tty= ruser=",
    ):
        message = (start + unit * 5000)[:4096]
        begun = time.process_time()
        read_meaning(program, message, {})
        assert time.process_time() - begun < 1
