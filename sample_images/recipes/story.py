"""The invented story all samples tell: who, where, when, and the log lines it left.

A laptop in Prizren downloads a phishing kit (6 March 2026), breaks into a web server by guessing passwords
(9 March), mails links to it (10 March), reads a company's mailbox with what it caught and sends a changed invoice
(11 March), moves the money over couriers whose contacts stand on a USB stick (12 March), and cleans up (13 and
14 March). Addresses are those reserved for documentation (RFC 2606, RFC 5737); IBANs are the published specimens of
their countries.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Belgrade")
SUSPECT = "203.0.113.45"
WEB = "web01"
MAIL = "mx01"
WEB_ADDRESS = "198.51.100.20"
KIT = "/invoice/"
VICTIMS = {"192.0.2.14": "llogari", "192.0.2.27": "prodaja", "192.0.2.63": "muhasebe"}
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/145.0.0.0 Safari/537.36"
BREAK_IN = "2026-03-09 02:19:41"
CLEAN_UP = "2026-03-14 05:56:10"
ROTATION = "2026-03-12 00:00:01"

Line = tuple[datetime, str]


def local(text: str) -> datetime:
    """A moment written as the clocks in the story showed it (Europe/Belgrade, CET in these weeks)."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def epoch(text: str) -> int:
    """The same moment in seconds since 1970, UTC."""
    return int(local(text).timestamp())


def syslog(at: datetime, host: str, message: str) -> Line:
    """A line as rsyslog's traditional format writes it: no year, no zone."""
    return at, f"{at:%b} {at.day:2d} {at:%H:%M:%S} {host} {message}"


def request(at: datetime, client: str, what: str, status: int, size: int, *, referrer: str = "-") -> Line:
    """A line of nginx's combined format."""
    stamp = f"{at:%d/%b/%Y:%H:%M:%S %z}"
    return at, f'{client} - - [{stamp}] "{what} HTTP/1.1" {status} {size} "{referrer}" "{BROWSER}"'


def every_hour(host: str, first: str, days: int) -> Iterator[Line]:
    """What a quiet machine writes of itself."""
    at = local(first)
    for hour in range(days * 24):
        moment = at + timedelta(hours=hour, minutes=17)
        yield syslog(moment, host, f"CRON[{1200 + hour}]: pam_unix(cron:session): session opened for user root(uid=0)")
        yield syslog(moment, host, f"CRON[{1200 + hour}]: pam_unix(cron:session): session closed for user root")


def guessing() -> Iterator[Line]:
    """Eight minutes of passwords tried over ssh, the last of them right."""
    chance = random.Random(20260309)
    at, port = local("2026-03-09 02:11:02"), 40112
    while at < local(BREAK_IN) - timedelta(seconds=4):
        name = chance.choice(["root", "admin", "invalid user oracle", "invalid user postgres", "arben", "arben"])
        pid = 20000 + port % 997
        yield syslog(at, WEB, f"sshd[{pid}]: Failed password for {name} from {SUSPECT} port {port} ssh2")
        at, port = at + timedelta(seconds=chance.randint(2, 9)), port + chance.randint(2, 40)
    yield syslog(local(BREAK_IN), WEB, f"sshd[21007]: Accepted password for arben from {SUSPECT} port {port} ssh2")
    opened = "sshd[21007]: pam_unix(sshd:session): session opened for user arben(uid=1000) by (uid=0)"
    yield syslog(local(BREAK_IN), WEB, opened)


def web_auth() -> list[Line]:
    """The auth.log of the web server, both files together, in order."""
    command = "sudo:    arben : TTY=pts/0 ; PWD=/home/arben ; USER=root ; COMMAND="
    told = [
        ("2026-03-07 09:02:15", "sshd[18221]: Accepted publickey for arben from 192.0.2.5 port 51022 ssh2"),
        ("2026-03-09 02:24:03", f"{command}/usr/sbin/useradd -m -s /bin/bash svc-backup"),
        ("2026-03-09 02:24:04", "useradd[21033]: new user: name=svc-backup, UID=1001, GID=1001, home=/home/svc-backup"),
        ("2026-03-09 02:24:41", f"{command}/usr/sbin/usermod -aG sudo svc-backup"),
        ("2026-03-09 02:30:58", f"{command}/usr/bin/tar -xf /home/arben/kit.tar -C /var/www/html"),
        ("2026-03-09 02:47:30", "sshd[21007]: pam_unix(sshd:session): session closed for user arben"),
        ("2026-03-14 05:50:12", f"sshd[30555]: Accepted password for svc-backup from {SUSPECT} port 50410 ssh2"),
        (CLEAN_UP, "sudo: svc-backup : TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/rm -r /var/www/html/invoice"),
        ("2026-03-14 05:58:44", "sshd[30555]: pam_unix(sshd:session): session closed for user svc-backup"),
    ]
    lines = [syslog(local(at), WEB, message) for at, message in told]
    return sorted([*lines, *guessing(), *every_hour(WEB, "2026-03-07 00:00:00", 9)])


def web_syslog() -> list[Line]:
    """The syslog of the web server: nginx, the lures leaving, the visitor's clean-up."""
    told = [
        ("2026-03-07 00:00:04", "systemd[1]: Started nginx.service - A high performance web server."),
        ("2026-03-09 02:28:10", 'sftp-server[21041]: close "/home/arben/kit.tar" bytes read 0 written 5117'),
        ("2026-03-09 02:31:20", "php-fpm[640]: NOTICE: ready to handle connections"),
        ("2026-03-12 00:00:01", "systemd[1]: Starting logrotate.service - Rotate log files..."),
        ("2026-03-14 05:57:02", "systemd[1]: Reloading nginx.service - A high performance web server."),
    ]
    lines = [syslog(local(at), WEB, message) for at, message in told]
    for minute, name in enumerate(VICTIMS.values()):
        at = local("2026-03-10 08:05:18") + timedelta(minutes=minute)
        sent = f"postfix/smtp[23{minute}1]: 9B{minute}7C: to=<{name}@example.com>, relay=mx01.example.com, status=sent"
        lines.append(syslog(at, WEB, sent))
    return sorted(lines)


def web_requests() -> list[Line]:
    """The access.log of the web server: its visitors, the kit tried, the victims, the harvest fetched."""
    chance, lines = random.Random(198), []
    at = local("2026-03-07 06:00:00")
    while at < local("2026-03-15 20:00:00"):
        page = chance.choice(["/", "/", "/sherbimet", "/контакт", "/style.css", "/logo.svg", "/robots.txt"])
        status = 404 if page == "/robots.txt" else 200
        lines.append(
            request(at, f"192.0.2.{chance.randint(100, 250)}", f"GET {page}", status, chance.randint(300, 9000))
        )
        at += timedelta(minutes=chance.randint(8, 70))
    lines += [
        request(local("2026-03-09 02:33:12"), SUSPECT, f"GET {KIT}", 200, 6144),
        request(local("2026-03-09 02:33:40"), SUSPECT, f"POST {KIT}login.php", 302, 0),
        request(local("2026-03-10 12:50:31"), SUSPECT, f"GET {KIT}.data/hits.txt", 200, 412),
    ]
    for minute, (victim, name) in enumerate(VICTIMS.items()):
        at = local("2026-03-10 08:21:09") + timedelta(minutes=7 * minute)
        lines.append(request(at, victim, f"GET {KIT}?u={name}", 200, 6144))
        seconds = timedelta(seconds=38 + minute)
        page = f"http://www.example.org{KIT}?u={name}"
        lines.append(request(at + seconds, victim, f"POST {KIT}login.php", 302, 0, referrer=page))
    lines.append(request(local("2026-03-14 06:40:02"), "192.0.2.27", f"GET {KIT}?u=prodaja", 404, 153))
    return sorted(lines)


def mail_log() -> list[Line]:
    """The syslog of the company's mail server: the lures come in, the changed invoice goes out."""
    lines = []
    for minute, name in enumerate(VICTIMS.values()):
        at = local("2026-03-10 08:05:20") + timedelta(minutes=minute)
        queue = f"4Q{minute}AF71C"
        came = f"postfix/smtpd[811]: {queue}: client={WEB}.example.org[{WEB_ADDRESS}]"
        went = f"postfix/local[815]: {queue}: to=<{name}@example.com>, relay=local, status=sent (delivered to mailbox)"
        lines += [syslog(at, MAIL, came), syslog(at + timedelta(seconds=1), MAIL, went)]
    told = [
        ("2026-03-11 09:15:07", f"dovecot: imap-login: Login: user=<llogari>, method=PLAIN, rip={SUSPECT}, TLS"),
        (
            "2026-03-11 10:02:33",
            "postfix/smtpd[902]: 4Q9B0D11E: client=webmail.example.com[198.51.100.25], sasl_username=llogari",
        ),
        ("2026-03-11 10:02:34", "postfix/smtp[905]: 4Q9B0D11E: to=<pagesa@example.net>, status=sent (250 2.0.0 Ok)"),
        ("2026-03-13 08:44:51", "postfix/smtpd[1120]: 4QC77A902: client=mail.example.net[198.51.100.77]"),
        (
            "2026-03-13 08:44:52",
            "postfix/local[1122]: 4QC77A902: to=<llogari@example.com>, status=sent (delivered to mailbox)",
        ),
    ]
    lines += [syslog(local(at), MAIL, message) for at, message in told]
    return sorted([*lines, *every_hour(MAIL, "2026-03-10 00:00:00", 5)])


def mail_auth() -> list[Line]:
    """The auth.log of the mail server: the same guesses, without success."""
    chance, lines = random.Random(45), []
    at = local("2026-03-09 03:02:11")
    for attempt in range(24):
        name = chance.choice(["root", "invalid user test", "invalid user llogari"])
        text = f"sshd[{7000 + attempt}]: Failed password for {name} from {SUSPECT} port {42000 + 37 * attempt} ssh2"
        lines.append(syslog(at, MAIL, text))
        at += timedelta(seconds=chance.randint(3, 12))
    entered = "sshd[9120]: Accepted publickey for operator from 192.0.2.5 port 50122 ssh2"
    return sorted([*lines, syslog(local("2026-03-13 09:05:00"), MAIL, entered)])


def webmail_requests() -> list[Line]:
    """access.log in front of the webmail: the stranger's session among the owner's."""
    lines = []
    for day in range(9, 14):
        at = local(f"2026-03-{day:02d} 08:31:12")
        lines.append(request(at, "192.0.2.14", "POST /webmail/?_task=login", 302, 0))
        lines += [
            request(at + timedelta(minutes=11 * n), "192.0.2.14", "GET /webmail/?_task=mail", 200, 15000 + n)
            for n in range(9)
        ]
    lines += [
        request(local("2026-03-11 09:15:05"), SUSPECT, "POST /webmail/?_task=login", 302, 0),
        request(local("2026-03-11 09:16:40"), SUSPECT, "GET /webmail/?_task=mail&_search=fatur%C3%AB", 200, 18210),
        request(local("2026-03-11 09:22:18"), SUSPECT, "GET /webmail/?_action=get&_uid=311&_part=2", 200, 48112),
        request(local("2026-03-11 10:02:31"), SUSPECT, "POST /webmail/?_task=mail&_action=send", 200, 912),
    ]
    return sorted(lines)


def split_at_rotation(lines: list[Line]) -> tuple[str, str]:
    """(the older file, the newer file), as logrotate leaves them."""
    older = [text for at, text in lines if at < local(ROTATION)]
    newer = [text for at, text in lines if at >= local(ROTATION)]
    return "\n".join(older) + "\n", "\n".join(newer) + "\n"


KONTAKTE = """emri;qyteti;IBAN;përqindja
Bëhar Çelnikasi;Prizren;XK051212012345678906;8
Гаврило Звездић;Крагујевац;RS35260005601001611379;10
Işıl Ağaçyürek;İzmir;TR330006100519786457841326;10
Shpresa Kërliu;Durrës;AL47212110090000000235698741;7
"""

FATURA = """FATURË 2026-017 (e ndryshuar)
Shitësi: Lumbardhi Shembull sh.p.k., Prizren
Blerësi: Пример д.о.о., Крагујевац
Shuma: 18 400,00 EUR
Llogaria e re: XK051212012345678906
Ju lutemi paguani deri më 12.03.2026. Çmimi përfshin TVSH-në.
"""

HITS = """2026-03-10T07:21:47Z 192.0.2.14 llogari@example.com [password]
2026-03-10T07:28:48Z 192.0.2.27 prodaja@example.com [password]
2026-03-10T07:35:49Z 192.0.2.63 muhasebe@example.com [password]
"""
