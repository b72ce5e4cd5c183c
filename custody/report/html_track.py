"""The custody of one exhibit, drawn: a lane for everyone who held it, hand-overs between the lanes, accesses below.

SVG in the page, with a title and a description; the same in words stands below it as a list. Positions are on the
scale of the times claimed; where any of them is missing, on the order of the entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from custody.report import words_account
from custody.report.language import _, when
from custody.report.markup import Content, Markup, filled, markup_of, tag
from custody.report.model import Exhibit
from custody.report.parts import bullets, entry_link
from custody.report.phrase import Phrase, phrase, plain
from custody.report.track import Hold, Moment, Read, Track, Transfer

WIDTH, MARGIN, LANE, TOP = 720, 12, 58, 8
LABEL = 70  # characters of a name that fit above its lane; the list has the whole
Scale = Callable[[Moment], float]


def track(exhibit: Exhibit) -> Content:
    """The figure and its words; nothing for an exhibit whose entries say nothing of hands."""
    shown = exhibit.track
    if not shown.holds or shown.last is None:
        return ""
    name = f"track-{exhibit.n}"
    title = tag("title", _(words_account.TRACK_TITLE).format(exhibit=plain(exhibit.title)), id=f"{name}-title")
    text = tag("desc", " ".join(_plain_lines(shown)), id=f"{name}-desc")
    return tag(
        "figure",
        tag(
            "div",
            _drawing(shown, [title, text], name),
            class_="track",
            tabindex="0",
            role="group",
            aria_label=_(words_account.TRACK_TITLE).format(exhibit=plain(exhibit.title)),
        ),
        tag("figcaption", bullets(_lines(shown))),
    )


def _drawing(shown: Track, named: Content, name: str) -> Markup:
    lanes = list(dict.fromkeys(hold.who for hold in shown.holds))
    height = TOP + LANE * len(lanes) + 30
    x = _scale(shown)
    y = {who: TOP + LANE * i for i, who in enumerate(lanes)}
    body: list[Content] = [_axis(shown, x, height)]
    for who in lanes:
        body.append(_text(MARGIN, y[who] + 15, plain(who), "lane"))
    body += [_bar(hold, x, y[hold.who], shown) for hold in shown.holds]
    body += [_access(shown, x, y, read) for read in shown.accesses]
    body += [_event(x(at), y[_holder(shown, at)] + 22, said, at) for at, said in shown.events]
    body += [_transfer(item, shown, x, y) for item in shown.transfers]
    return tag(
        "svg",
        named,
        body,
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        preserveAspectRatio="xMinYMin meet",
    )


def _moments(shown: Track) -> Iterator[Moment]:
    for hold in shown.holds:
        yield hold.since
    for read in shown.accesses:
        yield from (read.begun, *([read.ended] if read.ended else []))
    for item in shown.transfers:
        yield from (item.offered, *([item.answered] if item.answered else []))
    yield from (at for at, _ in shown.events)
    if shown.last is not None:
        yield shown.last


def _by_time(shown: Track) -> tuple[int, int] | None:
    """First and last second, if every moment has one."""
    times = [at.seconds for at in _moments(shown)]
    known = [time for time in times if time is not None]
    return (min(known), max(known)) if len(known) == len(times) and min(known) < max(known) else None


def _scale(shown: Track) -> Scale:
    span = _by_time(shown)
    inner = WIDTH - 2 * MARGIN
    if span is not None:
        first, last = span
        return lambda at: MARGIN + inner * ((at.seconds or 0) - first) / (last - first)
    entries = sorted({at.entry for at in _moments(shown)})
    place = {entry: i for i, entry in enumerate(entries)}
    return lambda at: MARGIN + inner * place[at.entry] / max(1, len(entries) - 1)


def _n(value: float) -> str:
    return f"{value:.1f}"


def _text(x: float, y: float, words_: str, kind: str, anchor: str = "start") -> Markup:
    cut = words_ if len(words_) <= LABEL else f"{words_[:LABEL]}…"
    return tag("text", cut.replace("\n", " "), x=_n(x), y=_n(y), class_=kind, text_anchor=anchor)


def _axis(shown: Track, x: Scale, height: int) -> Content:
    span, base = _by_time(shown), height - 22
    line = tag("line", x1=_n(MARGIN), x2=_n(WIDTH - MARGIN), y1=_n(base), y2=_n(base), class_="axis")
    if span is None:
        return [line, _text(MARGIN, base + 15, _(words_account.TRACK_NO_SCALE), "tick")]
    first, last = (datetime.fromtimestamp(value, UTC) for value in span)
    short = last.date() == first.date()
    form = "%H:%M:%S" if short else "%Y-%m-%d"
    ends = [
        _text(MARGIN, base + 15, when(first.strftime(f"%Y-%m-%d {'%H:%M:%S' if short else ''}").strip()), "tick"),
        _text(WIDTH - MARGIN, base + 15, _tick(last, form), "tick", "end"),
    ]
    middle = _tick(datetime.fromtimestamp((span[0] + span[1]) // 2, UTC), form)
    return [line, ends, _text(WIDTH / 2, base + 15, middle, "tick", "middle")]


def _tick(at: datetime, form: str) -> str:
    return when(at.strftime(form))


def _bar(hold: Hold, x: Scale, y: float, shown: Track) -> Markup:
    end = hold.until or shown.last or hold.since
    left, right = x(hold.since), max(x(end), x(hold.since) + 2)
    kind = "away" if hold.away else "hold"
    return tag("rect", x=_n(left), y=_n(y + 22), width=_n(right - left), height="12", class_=kind)


def _holder(shown: Track, at: Moment) -> Phrase:
    """Who held the exhibit when this entry was written."""
    held = [hold.who for hold in shown.holds if hold.since.entry <= at.entry]
    return held[-1] if held else shown.holds[0].who


def _access(shown: Track, x: Scale, y: dict[Phrase, int], read: Read) -> Content:
    top, left = y[_holder(shown, read.begun)] + 38, x(read.begun)
    width = max(1.5, x(read.ended) - left) if read.ended is not None else 1.5
    label = tag("title", plain(phrase("access of {who}, entry {n}", who=read.who, n=str(read.begun.entry))))
    kind = "read" if read.ended is not None else "read open"
    mark = tag("rect", label, x=_n(left), y=_n(top), width=_n(width), height="9", class_=kind)
    return [mark, _text(left + 4, top + 9, "!", "warn") if read.ended is None else ""]


def _event(x: float, y: float, said: str, at: Moment) -> Markup:
    label = tag("title", f"{said}, {_('entry {n}').format(n=at.entry)}")
    points = f"{_n(x)},{_n(y - 1)} {_n(x + 5)},{_n(y + 6)} {_n(x)},{_n(y + 13)} {_n(x - 5)},{_n(y + 6)}"
    return tag("polygon", label, points=points, class_="event")


def _transfer(item: Transfer, shown: Track, x: Scale, y: dict[Phrase, int]) -> Content:
    before = y[_holder(shown, item.offered)] + 28
    start = tag("circle", cx=_n(x(item.offered)), cy=_n(before), r="5", class_="offer")
    if item.answered is None or not item.accepted:
        return start
    left, right = x(item.offered), x(item.answered)
    after = y[_holder(shown, item.answered)] + 28
    path = f"M{_n(left)} {_n(before)} H{_n(right)} V{_n(after)}"
    return [
        tag("path", d=path, class_="over"),
        start,
        tag("circle", cx=_n(right), cy=_n(after), r="5", class_="accept"),
    ]


# --- the same in words ------------------------------------------------------------------------------------


def _lines(shown: Track) -> list[Content]:
    lines = [_held(hold) for hold in shown.holds]
    for item in shown.transfers:
        lines.append(
            filled(
                "Offered, and signed, by {giver}, {offered} to {taker}; {answer}",
                giver=markup_of(item.giver),
                offered=_at(item.offered),
                taker=markup_of(item.taker),
                answer=[item.said, [" ", _at(item.answered)] if item.answered is not None else ""],
            )
        )
    return lines


def _held(hold: Hold) -> Content:
    until = _at(hold.until) if hold.until else _("the end shown")
    return filled(
        "{who}: from {since} to {until}", who=tag("strong", markup_of(hold.who)), since=_at(hold.since), until=until
    )


def _at(moment: Moment) -> Content:
    return [markup_of(moment.at), " (", entry_link(moment.entry), ")"]


def _plain_lines(shown: Track) -> Iterator[str]:
    for hold in shown.holds:
        until = hold.until.at if hold.until else (_("the end shown"),)
        yield f"{plain(phrase('{who}: from {since} to {until}', who=hold.who, since=hold.since.at, until=until))}."
    unended = sum(read.ended is None for read in shown.accesses)
    counted = _("Hand-overs: {transfers}. Accesses: {accesses}, of them without an end: {unended}.")
    yield counted.format(transfers=len(shown.transfers), accesses=len(shown.accesses), unended=unended)
