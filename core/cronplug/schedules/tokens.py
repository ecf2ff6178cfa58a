"""Reads the text of a cron expression: columns, items, names, special days; finds the place of a fault.

What comes out is plain: lists, ranges that rise and steps, in numbers, which `croniter` reads; the special tokens for
days, which are ours; and whether the text begins a time column with `*`, on which the rule for clock changes depends.

The dialect is Vixie cron's, as Debian's crontab(5) has it, with seconds as a first column when there are six or seven,
years as the last of seven, and these from Quartz: `?`, `L`, `L-n`, `LW`, `nW`, `nL`, `n#k`. From Jenkins: `H`, a value
that follows from a seed. Ranges may wrap (`22-2`, `sat-mon`); `a-a` is `a`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b

from cronplug.schedules.errors import ScheduleError
from cronplug.schedules.months import FIRST_YEAR, LAST_YEAR

MAX_LENGTH = 256

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True, slots=True)
class ColumnKind:
    """What one column may hold: `low` to `high`, and the names of the values if they have any."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What a single value may be, for a person."""
        if self is WEEKDAY:
            return "0 to 7 (0 and 7 are Sunday) or SUN to SAT"
        return f"{self.low} to {self.high}" + (f" or {self.names[0]} to {self.names[-1]}" if self.names else "")


SECOND = ColumnKind("second", 0, 59)
MINUTE = ColumnKind("minute", 0, 59)
HOUR = ColumnKind("hour", 0, 23)
DAY = ColumnKind("day of month", 1, 31)
MONTH = ColumnKind("month", 1, 12, _MONTHS)
WEEKDAY = ColumnKind("day of week", 0, 6, _WEEKDAYS)
YEAR = ColumnKind("year", FIRST_YEAR, LAST_YEAR)

COLUMNS = (SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY)
_KINDS = (*COLUMNS, YEAR)
_PLACES = {kind.name: place for place, kind in enumerate(_KINDS)}
_COLUMNS_BY_COUNT = {5: COLUMNS[1:], 6: COLUMNS, 7: _KINDS}

_HIGHEST_HASHED_DAY = 28  # every month has it
_WORD = re.compile(r"[^ \t]+")
_ODD_CHARACTER = re.compile(r"[^\t -~]")
_HASH_TOKEN = re.compile(r"(?<![A-Z])H(?![A-Z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SpecialDays:
    """The day tokens beyond plain numbers. Weekdays count from Sunday = 0.

    `before_last`: days before the month's last one (`L` is 0). `nearest_weekdays`: the days n of `nW`.
    `nth_weekdays`: (weekday, k) of `n#k`, k from 1 to 5, or -1 for the last (`nL`).
    """

    before_last: frozenset[int] = frozenset()
    last_weekday: bool = False
    nearest_weekdays: frozenset[int] = frozenset()
    nth_weekdays: frozenset[tuple[int, int]] = frozenset()

    @property
    def in_day(self) -> bool:
        """True when the day-of-month column has a special token."""
        return bool(self.before_last or self.last_weekday or self.nearest_weekdays)

    @property
    def in_weekday(self) -> bool:
        """True when the day-of-week column has a special token."""
        return bool(self.nth_weekdays)


_NO_SPECIAL_DAYS = SpecialDays()


@dataclass(frozen=True, slots=True)
class CronText:
    """An expression that was read.

    `plain` holds the six columns, seconds first, in numbers and in a form croniter reads; a day column that has only
    special tokens is "" there. `years` is None for all. `typed` holds the columns as they were typed (of a nickname:
    those it stands for), with seconds and years only if they were given. `resolved` is the text with its `H` replaced.
    `restricts_*` is False for `*`, `?` and `*/1`. `is_wild`: a time column begins with `*`.
    """

    plain: tuple[str, str, str, str, str, str]
    years: frozenset[int] | None
    typed: tuple[tuple[str, str], ...]
    resolved: str
    special: SpecialDays
    restricts_day: bool
    restricts_weekday: bool
    is_wild: bool


@dataclass(slots=True)
class _Column:
    """One column while it is read."""

    kind: ColumnKind
    text: str
    position: int
    seed: str = ""
    plain: list[str] = field(default_factory=list)
    wrapped: set[int] = field(default_factory=set)
    before_last: set[int] = field(default_factory=set)
    last_weekday: bool = False
    nearest_weekdays: set[int] = field(default_factory=set)
    nth_weekdays: set[tuple[int, int]] = field(default_factory=set)

    def fault(self, code: str, message: str, offset: int, hint: str | None = None) -> ScheduleError:
        return ScheduleError(code, message, position=self.position + offset, hint=hint)

    @property
    def special_days(self) -> SpecialDays:
        if not (self.before_last or self.last_weekday or self.nearest_weekdays or self.nth_weekdays):
            return _NO_SPECIAL_DAYS
        return SpecialDays(
            before_last=frozenset(self.before_last),
            last_weekday=self.last_weekday,
            nearest_weekdays=frozenset(self.nearest_weekdays),
            nth_weekdays=frozenset(self.nth_weekdays),
        )


@dataclass(frozen=True, slots=True)
class _ReadColumn:
    """One column that was read, wherever it stood."""

    plain: str
    resolved: str
    years: frozenset[int] | None
    special: SpecialDays
    is_open: bool
    is_wild: bool


def check_length(text: str) -> None:
    """Refuse a text that is too long to be read."""
    if len(text) > MAX_LENGTH:
        raise ScheduleError(
            "cron.length",
            f"The expression has {len(text)} characters.",
            position=MAX_LENGTH,
            hint=f"At most {MAX_LENGTH} are allowed.",
        )


def forget_columns() -> None:
    """Empty the caches of what was read, for measurements."""
    _read_plain_column.cache_clear()
    resolve_hash.cache_clear()


def has_hash(text: str) -> bool:
    """True when what `text` means depends on a seed."""
    return _HASH_TOKEN.search(text) is not None


@lru_cache(maxsize=20_000)
def resolve_hash(text: str, seed: str) -> str:
    """The expression with a value in the place of each `H`, the same for the same seed; raises as `read_cron_text`.

    >>> resolve_hash("H 3 * * *", "a task")
    '43 3 * * *'
    """
    return read_cron_text(text, seed).resolved


def read_cron_text(text: str, seed: str = "") -> CronText:
    """Read `text` (any case, blanks around it allowed), or raise ScheduleError. `H` gets its value from `seed`.

    >>> read_cron_text("*/15 9-17 * * mon-fri").plain
    ('0', '*/15', '9-17', '*', '*', '1-5')
    """
    words = _split(text)
    read = [_read_word(*word, seed=seed) for word in words]
    given = read if len(read) > 5 else [_read_word(SECOND, "0", 0), *read]
    second, minute, hour, day, month, weekday, *year = given
    special = day.special
    if weekday.special.in_weekday:
        special = replace(special, nth_weekdays=weekday.special.nth_weekdays)
    return CronText(
        plain=(second.plain, minute.plain, hour.plain, day.plain, month.plain, weekday.plain),
        years=year[0].years if year else None,
        typed=tuple([(kind.name, column) for kind, column, _ in words]),
        resolved=" ".join([column.resolved for column in read]),
        special=special,
        restricts_day=not day.is_open,
        restricts_weekday=not weekday.is_open,
        is_wild=second.is_wild or minute.is_wild or hour.is_wild,
    )


def _split(text: str) -> list[tuple[ColumnKind, str, int]]:
    """The columns: kind, text in capitals, position."""
    odd = _ODD_CHARACTER.search(text)
    if odd is not None:
        raise ScheduleError(
            "cron.syntax",
            f"The character {odd.group()!a} is not allowed.",
            position=odd.start(),
            hint="Use ASCII letters, digits, and * ? / , - # @ ( ), with spaces or tabs between the fields.",
        )
    words = [(match.group(), match.start()) for match in _WORD.finditer(text)]
    if words and words[0][0].startswith("@"):
        words = _expand_nickname(words)
    kinds = _COLUMNS_BY_COUNT.get(len(words))
    if kinds is None:
        raise _wrong_column_count(words, len(text))
    return [(kind, word.upper(), position) for kind, (word, position) in zip(kinds, words, strict=True)]


def _read_word(kind: ColumnKind, text: str, position: int, *, seed: str = "") -> _ReadColumn:
    if "H" in text and has_hash(text):
        return _read_column(_Column(kind, text, position, seed))
    try:
        return _read_plain_column(_PLACES[kind.name], text)
    except ScheduleError:
        return _read_column(_Column(kind, text, position))  # raises again, with the position


@lru_cache(maxsize=1_024)
def _read_plain_column(place: int, text: str) -> _ReadColumn:
    """Columns are few where expressions are many."""
    return _read_column(_Column(_KINDS[place], text, 0))


def _years(column: _Column) -> frozenset[int] | None:
    """The years of a column that was read; croniter stops at 2099, so they are not given to it."""
    years: set[int] = set()
    for item in column.plain:
        base, _, step = item.partition("/")
        first, dash, last = (f"{FIRST_YEAR}-{LAST_YEAR}" if base == "*" else base).partition("-")
        years.update(range(int(first), int(last if dash else first) + 1, int(step or 1)))
    return None if len(years) > LAST_YEAR - FIRST_YEAR else frozenset(years)


def _expand_nickname(words: list[tuple[str, int]]) -> list[tuple[str, int]]:
    word, position = words[0]
    known = ", ".join(NICKNAMES)
    if word.lower() in ("@reboot", "@every"):
        hint = f"Allowed nicknames: {known}."
        if word.lower() == "@every":
            hint = "Use a schedule of the kind interval: it runs every N seconds."
        raise ScheduleError("cron.unsupported", f"{word.lower()} is not supported.", position=position, hint=hint)
    if len(words) > 1:
        message = f"Nothing may follow the nickname {_shown(word)}."
        raise ScheduleError("cron.fields", message, position=words[1][1])
    expanded = NICKNAMES.get(word.lower())
    if expanded is None:
        message = f"{_shown(word)} is not a nickname."
        raise ScheduleError("cron.syntax", message, position=position, hint=f"Allowed: {known}.")
    return [(column, position) for column in expanded.split()]


def _wrong_column_count(words: list[tuple[str, int]], length: int) -> ScheduleError:
    hint = (
        "Write 5 (minute, hour, day of month, month, day of week), 6 with seconds first, 7 with the year last too, "
        "or a nickname such as @daily."
    )
    if not words:
        return ScheduleError("cron.fields", "The expression is empty.", position=0, hint=hint)
    position = words[7][1] if len(words) > 7 else length
    count = f"{len(words)} field" + ("" if len(words) == 1 else "s")
    return ScheduleError("cron.fields", f"The expression has {count}.", position=position, hint=hint)


def _read_column(column: _Column) -> _ReadColumn:
    offset = 0
    items = column.text.split(",")
    resolved = []
    for item in items:
        _refuse_what_is_never_meant(column, item, offset, alone=len(items) == 1)
        if re.match(r"H(?![A-Z])", item):
            plain = _hashed(column, item, offset)
            column.plain.append(plain)
            resolved.append(plain)
        else:
            _read_item(column, item, offset)
            resolved.append(item)
        offset += len(item) + 1
    return _ReadColumn(
        plain="*" if "*" in column.plain else ",".join([*column.plain, *map(str, sorted(column.wrapped))]),
        resolved=",".join(resolved),
        years=_years(column) if column.kind is YEAR else None,
        special=column.special_days,
        is_open=column.text in ("*", "?", "*/1"),
        is_wild=column.text.startswith("*"),
    )


def _read_item(column: _Column, item: str, offset: int) -> None:
    if column.kind is DAY and _read_special_day(column, item, offset):
        return
    if column.kind is WEEKDAY and _read_special_weekday(column, item, offset):
        return
    _read_plain(column, item, offset)


def _refuse_what_is_never_meant(column: _Column, item: str, offset: int, *, alone: bool) -> None:
    name = column.kind.name
    if not item:
        where = f"An item is missing in the {name} field."
        raise column.fault("cron.syntax", where, offset, "Write values separated by single commas.")
    if item == "?" and column.kind not in (DAY, WEEKDAY):
        raise column.fault("cron.value", f"? is not allowed in the {name} field.", offset, "Use * for every value.")
    if item in ("*", "?") and not alone:
        raise column.fault("cron.value", f"{item} in the {name} field must stand alone.", offset)
    if re.match(r"R(?![A-Z])", item):
        message = f"R, a random value, in the {name} field is not supported."
        hint = "Use H: a value that spreads tasks and stays the same for each."
        raise column.fault("cron.unsupported", message, offset, hint)


_HASHED = re.compile(r"H(?:\((?P<low>[^-()]*)-(?P<high>[^-()]*)\))?(?:/(?P<step>[^()]*))?")


def _hashed(column: _Column, item: str, offset: int) -> str:
    """What `H`, `H/n`, `H(a-b)` or `H(a-b)/n` stands for: Jenkins' meaning, by our own hash of seed and field.

    One value; with a step of n every nth value from one of the first n. Each field has a hash of its own, so that
    fields are independent.
    """
    kind = column.kind
    if kind is YEAR:
        raise column.fault("cron.value", "H is not allowed in the year field.", offset, f"Allowed: {kind.allowed}.")
    match = _HASHED.fullmatch(item)
    if match is None:
        hint = "Write H, H/15, H(0-29) or H(0-29)/10."
        raise column.fault("cron.syntax", f"{_shown(item)} cannot be read.", offset, hint)
    low, high = kind.low, _HIGHEST_HASHED_DAY if kind is DAY else kind.high
    if match["low"] is not None:
        low = _value(column, match["low"], offset + match.start("low"))
        high = _value(column, match["high"], offset + match.start("high"))
        if low > high:
            message = f"The range of {_shown(item)} ends before it begins."
            raise column.fault("cron.value", message, offset + match.start("low"), "A range of H cannot wrap round.")
    count = high - low + 1
    step = 1
    if match["step"] is not None:
        step = _step(column, match["step"], offset + match.start("step"))
        if step > count:
            message = f"The step {step} is longer than the range of {count} values."
            raise column.fault("cron.value", message, offset + match.start("step"))
    start = low + _hash_number(column.seed, kind) % (count if step == 1 else step)
    if step == 1:
        high = start
    if kind is WEEKDAY:
        return ",".join(str(day % 7) for day in range(start, high + 1, step))
    return _stepped(start, high, step)


def _hash_number(seed: str, kind: ColumnKind) -> int:
    text = f"{kind.name}\0{seed}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


_DAY_TOKEN = re.compile(r"L-(?P<before>[0-9]{1,4})|(?P<nearest>[0-9]{1,4})W|W(?P<nearest_too>[0-9]{1,4})")


def _read_special_day(column: _Column, item: str, offset: int) -> bool:
    if item == "L":
        column.before_last.add(0)
        return True
    if item in ("LW", "WL"):
        column.last_weekday = True
        return True
    match = _DAY_TOKEN.fullmatch(item)
    if match is None:
        if "W" in item:
            hint = "W follows one day, as in 15W, or L."
            raise column.fault("cron.value", f"{_shown(item)} is not a day of the month.", offset, hint)
        return False
    if match["before"] is not None:
        before = int(match["before"])
        if not 1 <= before <= 30:
            message = f"{before} days before the last day is not within a month."
            raise column.fault("cron.range", message, offset + 2, "Use L-1 to L-30.")
        column.before_last.add(before)
    else:
        day = _value(column, match["nearest"] or match["nearest_too"], offset)
        column.nearest_weekdays.add(day)
    return True


def _read_special_weekday(column: _Column, item: str, offset: int) -> bool:
    if "#" in item:
        days, _, nth = item.partition("#")
        at = offset + len(days) + 1
        if nth == "L":
            k = -1
        elif re.fullmatch(r"[1-5]", nth):
            k = int(nth)
        else:
            hint = "Use 1 to 5, or L for the last, as in FRI#2."
            raise column.fault("cron.value", f"{_shown(nth)} after # is not the number of a weekday.", at, hint)
        if "/" in days:
            raise column.fault("cron.value", "A step cannot be combined with #.", offset + days.index("/"))
        column.nth_weekdays.update((day, k) for day in _range(column, days, offset))
        return True
    if item == "L":
        hint = "Write the weekday too, as in 5L (the last Friday), or SAT for every Saturday."
        raise column.fault("cron.unsupported", "L alone in the day of week field is not supported.", offset, hint)
    for pattern, shift in ((r"(?P<day>[0-9]+|[A-Z]{3})L", 0), (r"L(?P<day>[0-9]+|[A-Z]{3})", 1)):
        match = re.fullmatch(pattern, item)
        if match:
            column.nth_weekdays.add((_value(column, match["day"], offset + shift) % 7, -1))
            return True
    return False


def _read_plain(column: _Column, item: str, offset: int) -> None:
    kind = column.kind
    base, slash, step_text = item.partition("/")
    step = _step(column, step_text, offset + len(base) + 1) if slash else 1
    if base in ("*", "?"):
        if base == "?" and slash:
            raise column.fault("cron.value", "? takes no step.", offset)
        column.plain.append("*" if step == 1 else f"*/{min(step, kind.high + 1)}")
        return
    if "-" not in base and slash:
        start = _value(column, base, offset)
        if kind is WEEKDAY:
            start %= 7
        column.plain.append(_stepped(start, kind.high, step))
        return
    days = _range(column, base, offset)
    if days[0] <= days[-1] and len(days) == days[-1] - days[0] + 1:
        column.plain.append(_stepped(days[0], days[-1], step))
    else:
        column.wrapped.update(days[::step])


def _stepped(start: int, end: int, step: int) -> str:
    """A range in the spelling that means the same to every cron: no `a-a`, no step beyond the end."""
    if start == end or start + step > end:
        return str(start)
    return f"{start}-{end}" if step == 1 else f"{start}-{end}/{step}"


def _range(column: _Column, text: str, offset: int) -> list[int]:
    """The values of `a` or `a-b` in order; one that wraps goes on from the lowest value."""
    kind = column.kind
    first_text, dash, last_text = text.partition("-")
    if not dash:
        value = _value(column, text, offset)
        return [value % 7 if kind is WEEKDAY else value]
    last_at = offset + len(first_text) + 1
    if "-" in last_text:
        at = last_at + last_text.index("-")
        raise column.fault("cron.syntax", f"{_shown(text)} is not a range.", at, "Write it as a-b.")
    first = _value(column, first_text, offset)
    # 20-L (as croniter reads it) runs to the last day; days that a month lacks are never reached.
    last = 31 if kind is DAY and last_text == "L" else _value(column, last_text, last_at)
    if kind is WEEKDAY:
        if first == 0 and last == 7:
            return list(range(7))
        first, last = first % 7, last % 7
    if first <= last:
        return list(range(first, last + 1))
    if kind is YEAR:
        raise column.fault("cron.value", f"{_shown(text)} ends before it begins.", offset, "Years do not wrap round.")
    return [*range(first, kind.high + 1), *range(kind.low, last + 1)]


def _step(column: _Column, text: str, offset: int) -> int:
    if not re.fullmatch(r"[0-9]+", text):
        message = f"The step {_shown(text)} is not a number." if text else "The step after / is missing."
        raise column.fault("cron.syntax", message, offset, "Write it as in */5.")
    step = int(text[:6])
    if step == 0:
        raise column.fault("cron.value", "A step of 0 is not allowed.", offset, "The smallest step is 1.")
    return step


def _value(column: _Column, text: str, offset: int) -> int:
    kind = column.kind
    if re.fullmatch(r"[0-9]+", text):
        highest = 7 if kind is WEEKDAY else kind.high
        value = int(text[:6])
        if len(text) > 6 or not kind.low <= value <= highest:
            message = f"{_shown(text)} is not in the range of the {kind.name} field."
            raise column.fault("cron.range", message, offset, f"Allowed: {kind.allowed}.")
        return value
    if text in kind.names:
        return kind.names.index(text) + kind.low
    hint = f"Allowed: {kind.allowed}."
    if text[:3] in kind.names:
        hint = f"Use the short name {text[:3]}."
    what = f"{_shown(text)} is not a value" if text else "A value is missing"
    raise column.fault("cron.syntax", f"{what} in the {kind.name} field.", offset, hint)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 20 else text[:20] + "...")
