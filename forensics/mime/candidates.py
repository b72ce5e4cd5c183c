"""Which of libmagic's rules might match a file: all others may be left out, the answer is the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import product

import hyperscan

from forensics.mime.compiled import COMPACT, FOLD, REGEX, SEARCH, STRING, USE, Rule, Rules
from forensics.mime.demands import (
    BLANKS,
    MANY,
    REPEATED,
    Expressions,
    Head,
    Number,
    Test,
    below_of,
    both,
    number_of,
    test_of,
)

_PADDING = bytes(8)
_MOST_STARTS = 1024
_KEY = 4  # bytes of a text by which it is looked up
_SHORT = 2  # bytes: what so short a text lets through, the rules below it hold back

_Entry = tuple[int, Test | None]
_Entries = dict[bytes, list[_Entry]]


class Candidates:
    """Finds the groups of `rules` that might match. `always` are those of which nothing can be told.

    `dear` are groups that take libmagic milliseconds and can give one answer only, which it names.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.always: set[int] = set()
        self._expressions = Expressions()
        self._starts: dict[tuple[int, int], _Entries] = defaultdict(lambda: defaultdict(list))
        self._loose: _Entries = defaultdict(list)
        self._found: dict[int, list[_Entry]] = defaultdict(list)
        self._rest: list[_Entry] = []
        for number in rules.groups:
            self._enter(rules.rule(number))
        self._places = [
            (offset, offset + length, dict(starts)) for (offset, length), starts in sorted(self._starts.items())
        ]
        self._loose_firsts = {plain[:1] for plain in self._loose}
        searched = {group for entries in self._found.values() for group, _ in entries}
        self.dear = {group: answer for group in searched if (answer := _only_answer(rules, group))}
        self._database, self._refused = _compiled(self._expressions)

    def of(self, head: bytes) -> frozenset[int]:
        """The groups, beside `always`, that might match a file that begins so."""
        known = Head(head + _PADDING, len(head), set(self._refused))
        found = known.found.add
        self._database.scan(head, match_event_handler=lambda number, *_: found(number))
        entries = list(self._rest)
        for number in known.found & self._found.keys():
            entries += self._found[number]
        data, size = known.data, known.size
        for offset, end, starts in self._places:
            if offset >= size:
                break
            if (some := starts.get(data[offset:end])) is not None:
                entries += some
        if data[:1].lower() in self._loose_firsts:
            entries += self._loose.get(known.plain[:_KEY], ())
        return frozenset([group for group, test in entries if test is None or test(known)])

    def _enter(self, rule: Rule) -> None:
        number = number_of(rule)
        if number is not None and number.relation == "=" and (number.value or number.width < len(_PADDING)):
            entry = rule.number, both(number.test(), below_of(self.rules, rule, None))
            for start in _starts(number):
                self._starts[rule.offset, len(start)][start].append(entry)
        elif number is not None and self.rules.only([rule.number]) is not None:
            self.always.add(rule.number)  # libmagic compares a number sooner than it is done here
        elif number is None and _is_anchored(rule):
            self._enter_text(rule)
        elif number is None and (found := self._expressions.number(rule)) is not None:
            self._found[found].append((rule.number, below_of(self.rules, rule, self._expressions)))
        elif (test := test_of(self.rules, rule, self._expressions)) is not None:
            self._rest.append((rule.number, test))
        else:
            self.always.add(rule.number)

    def _enter_text(self, rule: Rule) -> None:
        text, plain = rule.text, _plain(rule.text)
        below = below_of(self.rules, rule, self._expressions if len(text) <= _SHORT else None)
        if rule.text_flags & (COMPACT | FOLD):
            self._loose[plain[:_KEY]].append((rule.number, both(lambda head: head.plain.startswith(plain), below)))
            return
        for offset in (rule.offset, rule.offset + 1) if rule.kind == SEARCH else (rule.offset,):  # libmagic tries both
            start = text[:_KEY]
            test = None if start == text else _starting(text, offset)
            self._starts[offset, len(start)][start].append((rule.number, both(test, below)))


def _plain(text: bytes) -> bytes:
    return text.translate(None, BLANKS).lower()


def _is_anchored(rule: Rule) -> bool:
    """Whether it is a text that has to stand at one place."""
    search = rule.kind == SEARCH and rule.text_range == 1
    if rule.relation != "=" or not rule.text or not rule.stands_at() or not (search or rule.kind == STRING):
        return False
    return not rule.text_flags & (COMPACT | FOLD) or (not rule.offset and len(_plain(rule.text)) >= _KEY)


def _only_answer(rules: Rules, group: int) -> str:
    """The one MIME type that a group with a regular expression of many states can answer, else ""."""
    dear, answers = False, set[bytes]()
    for rule in rules.group(group):
        dear = dear or (rule.kind == REGEX and any(int(most) >= MANY for _, most in REPEATED.findall(rule.text)))
        if rule.kind == USE:
            return ""
        if rule.speaks:
            answers.add(rule.mime)
    return answers.pop().decode() if dear and len(answers) == 1 else ""


def _starting(text: bytes, offset: int) -> Test:
    return lambda head: head.data.startswith(text, offset)


def _starts(number: Number) -> Iterable[bytes]:
    """What a number may begin with: two bytes, or one where that would be too many or there are no two."""
    masks = number.mask.to_bytes(number.width, number.order)
    choices = [
        [byte for byte in range(256) if byte & mask == value] for mask, value in zip(masks, number.bytes, strict=True)
    ]
    few = len(choices) > 1 and len(choices[0]) * len(choices[1]) <= _MOST_STARTS
    return map(bytes, product(*choices[: 2 if few else 1]))


def _compiled(expressions: Expressions) -> tuple[hyperscan.Database, set[int]]:
    """All expressions in one automaton, but those that it refuses: their numbers."""
    items = list(expressions.numbers.items())
    try:
        return _database(items), set()
    except hyperscan.error:
        taken = [item for item in items if _is_taken(item)]
        return _database(taken), {number for _, number in items} - {number for _, number in taken}


def _is_taken(item: tuple[tuple[bytes, int], int]) -> bool:
    try:
        _database([item])
    except hyperscan.error:
        return False
    return True


def _database(items: Iterable[tuple[tuple[bytes, int], int]]) -> hyperscan.Database:
    chosen = list(items)
    database = hyperscan.Database()
    database.compile(
        expressions=[text for (text, _), _ in chosen],
        ids=[number for _, number in chosen],
        flags=[flags for (_, flags), _ in chosen],
    )
    database.scratch = hyperscan.Scratch(database)
    return database
