"""Logs of one line, or one entry, after a pattern each: FTP and web servers, fail2ban, Android's logcat, iOS's
lockdownd, macOS's Santa and wireless log, Google's glog, Amazon's load balancers.

A new one is a `Form` in `FORMS`: how such a file begins, how an entry is written, what kind of artefact it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Location, Problem
from forensics.parsers._clock import MONTHS, CivilTime, ImpossibleTimeError
from forensics.parsers._contract import HEAD_BYTES, ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._lines import Line, parse_lines, read_lines
from forensics.parsers._secrets import without_secrets
from forensics.parsers._stamps import Stamps
from forensics.parsers._years import NEW_YEAR_STEP, InferredYears, UndatedLine

_NAME, _VERSION, _STAGE = "text_log", "1", "parser text_log"
_TIME_OF_DAY = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:[.](?P<fraction>[0-9]{1,9}))?"
_DATE = r"-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
_ISO = rf"(?P<year>[0-9]{{4}}){_DATE}[T ]{_TIME_OF_DAY}(?: ?(?P<zone>Z|[+-][0-9]{{4}}))?"
_LOGCAT = rf"(?:(?P<year>[0-9]{{4}})-)?{_DATE[1:]} {_TIME_OF_DAY}(?: (?P<zone>[+-][0-9]{{4}}))? +"
_ASCTIME = rf"[A-Z][a-z]{{2}} (?P<month>[A-Z][a-z]{{2}}) +(?P<day>[0-9]{{1,2}}) {_TIME_OF_DAY}"
_MOMENT = ("year", "month", "day", "hour", "minute", "second", "fraction", "zone")
_CREATED = re.compile(r"Log file created at: ([0-9]{4})/")
_DAYS = (0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335)


@dataclass(frozen=True, slots=True)
class Form:
    """How one kind of log is written.

    `first` is how a file of it begins. `entries` are the ways an entry is written, with the parts of its time and its
    fields as named groups; a group `pairs` is taken apart at its bars. Lines of `other` say nothing by themselves.
    Where an entry may be `joined`, lines that begin none go on from the one above.
    """

    kind: str
    first: re.Pattern[bytes]
    entries: tuple[re.Pattern[str], ...]
    joined: bool = False
    other: re.Pattern[str] | None = None

    def match(self, text: str) -> re.Match[str] | None:
        """An entry's beginning."""
        return next((match for entry in self.entries if (match := entry.match(text))), None)

    def whole(self, text: str) -> re.Match[str] | None:
        """A whole entry."""
        return next((match for entry in self.entries if (match := entry.fullmatch(text))), None)

    def is_other(self, text: str) -> bool:
        """Whether a line says nothing by itself."""
        return self.other is not None and self.other.fullmatch(text) is not None


def _form(kind: str, first: bytes, *entries: str, joined: bool = False, other: str = "") -> Form:
    patterns = tuple(re.compile(entry, re.DOTALL) for entry in entries)
    return Form(kind, re.compile(first), patterns, joined, re.compile(other) if other else None)


_FTP_START = rb"[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} [0-9]{4} "
_FTP_TIME = rf"{_ASCTIME} (?P<year>[0-9]{{4}})"
_AWS = r"(?:https?|h2|wss?|grpcs?)"
_LOGCAT_START = rb"(?:[0-9]{4}-)?[0-9]{2}-[0-9]{2} [0-9:.]{12,18}(?: [+-][0-9]{4})? +"

FORMS = (
    _form(
        "ftp.action",  # vsftpd's own log
        _FTP_START + rb"\[pid [0-9]+\] ",
        rf"{_FTP_TIME} \[pid (?P<pid>[0-9]+)\] (?:\[(?P<user>[^\]]*)\] )?(?:(?P<result>OK|FAIL) )?"
        r"(?P<action>[A-Za-z ]{1,24}): Client \"(?P<client>[^\"]*)\"(?:, \"(?P<path>[^\"]*)\")?"
        r"(?:, (?P<bytes>[0-9]+) bytes)?(?:, (?P<rate>[0-9.]+Kbyte/sec))?(?:, (?P<rest>.*))?",
    ),
    _form(
        "ftp.transfer",  # xferlog(5): wu-ftpd, ProFTPD, vsftpd
        _FTP_START + rb"[0-9]+ \S+ [0-9]+ [^\n]* [ab] [CUT_]+ [iod] [agr] ",
        rf"{_FTP_TIME} (?P<seconds>[0-9]+) (?P<client>\S+) (?P<bytes>[0-9]+) (?P<path>.*)"
        r" (?P<type>[ab]) (?P<special>[CUT_]+) (?P<direction>[iod]) (?P<access>[agr]) (?P<user>\S+) (?P<service>\S+)"
        r" (?P<authentication>[01]) (?P<authenticated>\S+) (?P<result>[ci])",
    ),
    _form(
        "apache.error",  # 2.0 to 2.4
        rb"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9:.]{8,15} [0-9]{4}\] \[[a-z0-9_:-]{1,40}\] ",
        rf"\[{_ASCTIME} (?P<year>[0-9]{{4}})\] \[(?:(?P<module>[a-z0-9_-]*):)?(?P<level>[a-z0-9]+)\]"
        r"(?: \[pid (?P<pid>[0-9]+)(?::tid (?P<thread>[0-9]+))?\])?(?: \[(?:remote|client) (?P<client>[^\]]{1,80})\])?"
        r" (?P<message>.*)",
        joined=True,
    ),
    _form(
        "nginx.error",
        rb"[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8} \[[a-z]{4,6}\] [0-9]+#[0-9]+: ",
        rf"(?P<year>[0-9]{{4}})/(?P<month>[0-9]{{2}})/(?P<day>[0-9]{{2}}) {_TIME_OF_DAY} \[(?P<level>[a-z]+)\]"
        r" (?P<pid>[0-9]+)#(?P<thread>[0-9]+): (?:\*(?P<connection>[0-9]+) )?(?P<message>.*?)"
        r"(?:, client: (?P<client>[0-9A-Fa-f.:]+|unix:)(?:, server: (?P<server>[^,]{0,255}))?"
        r"(?:, request: \"(?P<request>[^\"]*)\")?(?:, (?P<rest>.*))?)?",
        joined=True,
    ),
    _form(
        "fail2ban.line",
        rb"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8},[0-9]{3} fail2ban\.",
        rf"{_ISO.replace('[.]', '[.,]')} fail2ban\.(?P<module>\S+) +\[(?P<pid>[0-9]+)\]: (?P<level>[A-Z]+) +"
        r"(?:\[(?P<jail>[^\]]{1,64})\] )?"
        r"(?:(?P<action>Ban|Unban|Restore Ban|Found|Increase Ban) (?P<client>[0-9A-Fa-f.:]+))? ?(?P<message>.*)",
        joined=True,
    ),
    _form(
        "android.log_line",
        rb"--------- beginning of |" + _LOGCAT_START + rb"(?:[0-9]+ +[0-9]+ [VDIWEFS] |[VDIWEFS]/[^\n]{1,80}\()",
        rf"{_LOGCAT}(?:(?P<uid>[0-9]+) +)?(?P<pid>[0-9]+) +(?P<thread>[0-9]+) (?P<level>[VDIWEFS]) "
        r"(?P<tag>[^\n]{0,200}?) {0,40}: "
        r"(?P<message>.*)",
        rf"{_LOGCAT}(?P<level>[VDIWEFS])/"
        r"(?P<tag>[^\n]{0,200}?) {0,40}\( *(?P<pid>[0-9]+)(?:: *(?P<thread>[0-9]+))?\): (?P<message>.*)",
        other=r"-{9} (?:beginning of|switch to) \S+",
    ),
    _form(
        "ios.lockdown_line",
        rb"[0-9]{2}/[0-9]{2}/[0-9]{2} [0-9:]{8}\.[0-9]{6} pid=[0-9]+ ",
        rf"(?P<month>[0-9]{{2}})/(?P<day>[0-9]{{2}})/(?P<year>[0-9]{{2}}) {_TIME_OF_DAY} pid=(?P<pid>[0-9]+) "
        r"(?P<function>[^:\n]{1,200}): (?P<message>.*)",
        joined=True,
    ),
    _form(
        "macos.santa",
        rb"\[[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z\] [A-Z] santad: ",
        rf"\[{_ISO}\] (?P<level>[A-Z]) santad: (?P<pairs>.*)",
        joined=True,
    ),
    _form(
        "macos.wifi_line",
        rb"[A-Z][a-z]{2} [A-Z][a-z]{2} +[0-9]{1,2} [0-9:]{8}\.[0-9]{3} (?:<airportd|\*\*\*Starting|<kernel)",
        rf"{_ASCTIME} (?:<(?P<process>[^>\[\n]+)(?:\[(?P<pid>[0-9]+)\])?> ?)?(?P<message>.*)",
        joined=True,
    ),
    _form(
        "glog.line",
        rb"Log file created at: [0-9]{4}/|[IWEF][0-9]{4} [0-9:]{8}\.[0-9]{6} +[0-9]+ [^\n:\]]+:[0-9]+\] ",
        rf"(?P<level>[IWEF])(?P<year>20[0-9]{{2}}(?=[0-9]{{4}} ))?(?P<month>[0-9]{{2}})(?P<day>[0-9]{{2}}) "
        rf"{_TIME_OF_DAY} +"
        r"(?P<thread>[0-9]+) (?P<file>[^:\]\n]{1,300}):(?P<line>[0-9]+)\] (?P<message>.*)",
        joined=True,
        other=r"(?:Log file created at|Running on machine|Application fingerprint|Binary|Running duration"
        r"|Log line format)[: ].*",
    ),
    _form(
        "aws.request",
        rb"(?:"
        + _AWS.encode()
        + rb" )?[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z \S+ [0-9A-Fa-f.:]+:[0-9]+ \S+ -?[0-9.]+ "
        rb"|tls [0-9.]+ [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8} net/",
        rf"(?:(?P<type>{_AWS}) )?{_ISO} (?P<balancer>\S+) (?P<client>\S+):(?P<port>[0-9]+) (?P<target>\S+)"
        r" (?P<request_seconds>\S+) (?P<target_seconds>\S+) (?P<response_seconds>\S+) (?P<status>\S+)"
        r" (?P<target_status>\S+) (?P<received>-?[0-9]+) (?P<sent>-?[0-9]+) \"(?P<request>[^\"]*)\""
        r" \"(?P<agent>[^\"]*)\"(?: (?P<rest>.*))?",
        rf"(?P<type>tls) (?P<version>\S+) {_ISO} (?P<balancer>\S+) (?P<listener>\S+) (?P<client>\S+):(?P<port>[0-9]+)"
        r" (?P<target>\S+) (?P<connection_milliseconds>\S+) (?P<handshake_milliseconds>\S+) (?P<received>[0-9]+)"
        r" (?P<sent>[0-9]+) (?P<alert>\S+) (?P<rest>.*)",
    ),
)
"""Asked in this order; the first that a file's beginning fits is the one."""


def _form_of(head: bytes) -> Form | None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((form for form in FORMS if form.first.match(start)), None)


class _Log:
    """One log being read, entry after entry."""

    def __init__(self, source: ParserInput, form: Form) -> None:
        self._source, self._form = source, form
        self._facts = Facts(source, _NAME, _VERSION)
        self._stamps = Stamps(source.zone)
        self._years: InferredYears | None = None
        self._year = 0  # that the log's own head gives
        self._day = 0

    def begins(self, text: str) -> bool:
        """Whether a line begins an entry."""
        return not self._form.joined or self._form.match(text) is not None or self._form.is_other(text)

    def read(self, line: Line, location: Location) -> Artefact | str | None:
        """An entry, or why it is none."""
        if self._form.is_other(line.text):
            if created := _CREATED.match(line.text):
                self._year = int(created[1])
            return None
        match = self._form.whole(line.text)
        if match is None:
            return f"not an entry of this log ({self._form.kind})"
        groups = match.groupdict()
        fields = {
            name: without_secrets(value)
            for name, value in groups.items()
            if value and name not in _MOMENT and value != "-"
        }
        for part in fields.pop("pairs", "").split("|"):
            name, found, value = part.partition("=")
            fields |= {name: value} if found and name and value and value != "(null)" else {}
        try:
            return self._made(line, match, fields)
        except ImpossibleTimeError as error:
            return str(error)

    def _made(self, line: Line, match: re.Match[str], fields: dict[str, str]) -> Artefact:
        groups, place = match.groupdict(), (line.offset, line.length)
        starts = [match.start(name) for name in _MOMENT if groups.get(name)]
        ends = [match.end(name) for name in _MOMENT if groups.get(name)]
        written = line.text[min(starts) : max(ends)]
        month = MONTHS.get(groups["month"], 0) or (int(groups["month"]) if groups["month"].isdigit() else 0)
        day = int(groups["day"])
        year = self._year_of(groups.get("year"), month, day, line.offset, fields)
        if line.cut:
            fields["cut"] = "true"
        if year is None:
            return self._facts.artefact(self._form.kind, {}, fields | {"written": written}, place=place)
        civil = CivilTime(year, month, day, int(groups["hour"]), int(groups["minute"]), int(groups["second"]))
        stamp = self._stamps.civil(civil, written, groups["fraction"], groups.get("zone"))
        moment: dict[str, Moment] = {"logged": stamp.moment}
        return self._facts.artefact(self._form.kind, moment, {**fields, **stamp.fields}, place=place, clock=stamp.clock)

    def _year_of(self, written: str | None, month: int, day: int, offset: int, fields: dict[str, str]) -> int | None:
        """The year as written, as the log's head and the order of its lines give it, or as `_years` infers it."""
        if written:
            return int(written) + (2000 if len(written) == 2 else 0)
        if not 1 <= month <= 12:
            raise ImpossibleTimeError(f"there is no month {month}")
        if self._year:
            fields["year_inferred"] = "true"
            before, self._day = self._day, _DAYS[month - 1] + day
            if before - self._day > NEW_YEAR_STEP:
                self._year += 1
            return self._year
        self._years = self._years or InferredYears(self._undated(), self._source.reference_time, self._source.zone)
        year = self._years.year_at(offset)
        fields["year_inferred"] = "unknown" if year is None else "true"
        return year

    def _undated(self) -> Iterator[UndatedLine]:
        for line in read_lines(self._source):
            if (match := self._form.match(line.text)) and not match.groupdict().get("year"):
                groups = match.groupdict()
                month = MONTHS.get(groups["month"], 0) or int(groups["month"] if groups["month"].isdigit() else 0)
                if 1 <= month <= 12 and 1 <= int(groups["day"]) <= 31:
                    time = f"{groups['hour']}:{groups['minute']}:{groups['second']}"
                    yield UndatedLine(line.offset, month, int(groups["day"]), time)


@dataclass(frozen=True, slots=True)
class TextLogParser:
    """Artefacts of the kind that the log's `Form` names: time `logged`; fields as the form names them. Of Santa's lines
    every NAME=VALUE. `year_inferred`, `ambiguous`, `skipped` and `zone` as syslog and `Stamp` say them.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = tuple(form.kind for form in FORMS)

    def accepts(self, head: bytes, name: str) -> bool:
        """By how the file begins."""
        return _form_of(head[:2048]) is not None

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every entry in the order of the file; see `Parser.parse`."""
        form = _form_of(source.read_at(0, HEAD_BYTES)[:2048])
        if form is None:
            yield Problem(source.location, _STAGE, "it does not begin as any known log does")
            return
        log = _Log(source, form)
        yield from parse_lines(source, _STAGE, log.read, log.begins)


PARSER = TextLogParser()
