"""Properties that hold for every expression, zone and instant; agreement with croniter and cronsim; fuzzed text."""

from __future__ import annotations

import gc
import random
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from croniter import croniter
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from cronplug.schedules import CronSchedule, ScheduleError, known_zones, parse_schedule, preview
from cronplug.schedules.spec import compile_cron, forget_compiled
from tests.schedules.oracle import ZONES, clock_changes, zone_of_package

SECOND = timedelta(seconds=1)
ANSWER_SECONDS = 0.05


def column(low: int, high: int) -> st.SearchStrategy[str]:
    """Plain text for one field: a star, a step, a value, a range that rises, a list."""
    value = st.integers(low, high)
    spread = st.tuples(value, value).filter(lambda pair: pair[0] < pair[1])
    item = st.one_of(value.map(str), spread.map(lambda pair: f"{pair[0]}-{pair[1]}"))
    steps = st.builds("{}-{}/{}".format, st.just(low), st.just(high), st.integers(2, 7))
    stars = st.integers(2, max(2, (high - low) // 2)).map("*/{}".format)
    return st.one_of(st.just("*"), stars, steps, st.lists(item, min_size=1, max_size=3).map(",".join))


DAYS = st.one_of(
    st.just(("*", "*")),
    st.integers(1, 28).map(lambda day: (str(day), "*")),
    st.tuples(st.integers(1, 28), st.integers(2, 28)).map(lambda pair: (f"{pair[0]},{pair[1]}", "*")),
    st.sampled_from(["1-5", "0", "7", "1,3", "6-7"]).map(lambda weekday: ("*", weekday)),
    st.tuples(st.integers(1, 31), st.sampled_from(["1", "2,5", "3-4"])).map(lambda pair: (str(pair[0]), pair[1])),
)


@st.composite
def plain_expressions(draw: st.DrawFn, *, seconds: bool | None = None) -> str:
    day, weekday = draw(DAYS)
    columns = [draw(column(0, 59)), draw(column(0, 23)), day, draw(column(1, 12)), weekday]
    if seconds or (seconds is None and draw(st.booleans())):
        columns.insert(0, draw(column(0, 59)))
    return " ".join(columns)


SPECIAL_EXPRESSIONS = st.builds(
    "{} {} {} {} {}".format,
    st.sampled_from(["0", "30", "*/20", "55-5/3"]),
    st.sampled_from(["0", "2", "1-3", "22-2", "*"]),
    st.sampled_from(["*", "L", "LW", "1W,15W", "L-2,10", "31", "?"]),
    st.sampled_from(["*", "NOV-FEB", "2", "3,10"]),
    st.sampled_from(["*", "5L", "sun#1", "mon-wed#2", "1,5#3", "sat-mon", "?"]),
).filter(lambda text: not text.endswith("31 2 *") and not text.endswith("31 2 ?"))

HASHED_EXPRESSIONS = st.sampled_from(
    ["H H * * *", "H/7 * * * *", "H(0-20)/3 1-3 H/5 * *", "H 0 2 * * H", "0 H(1-3) * * *"]
)
YEARS = st.sampled_from([None, "*", "1990-2080", "*/1,2011", "1970-2199/1"])


@st.composite
def expressions(draw: st.DrawFn) -> str:
    text = draw(st.one_of(plain_expressions(), SPECIAL_EXPRESSIONS, HASHED_EXPRESSIONS))
    years = draw(YEARS)
    return text if years is None else f"{'0 ' if len(text.split()) == 5 else ''}{text} {years}"


CHOICES_FOR_GAPS = st.sampled_from([None, "shift", "skip"])
CHOICES_FOR_REPEATS = st.sampled_from([None, "once", "twice"])


@st.composite
def situations(draw: st.DrawFn) -> tuple[CronSchedule, datetime]:
    """A schedule and an instant, as often as not within a day of a clock change."""
    zone = draw(st.sampled_from(ZONES))
    schedule = parse_schedule(
        cron_expression=draw(expressions()),
        timezone=zone,
        on_dst_gap=draw(CHOICES_FOR_GAPS),
        on_dst_repeat=draw(CHOICES_FOR_REPEATS),
        seed=draw(st.sampled_from(["", "one", "two"])),
    )
    if draw(st.booleans()):
        change = draw(st.sampled_from(clock_changes(zone, 2008, 2012)))
        return schedule, change + timedelta(seconds=draw(st.integers(-86_400, 86_400)))
    start = datetime(2000, 1, 1, tzinfo=UTC)
    return schedule, start + timedelta(seconds=draw(st.integers(0, 40 * 31_557_600)))


@settings(deadline=None, max_examples=100)
@given(situations())
def test_forward_then_back_is_where_we_were(situation: tuple[CronSchedule, datetime]) -> None:
    schedule, at = situation

    following = schedule.next_fire_time(at)
    latest = schedule.latest_fire_time(at)

    assert following is not None
    assert latest is not None
    assert latest <= at < following
    assert schedule.latest_fire_time(following) == following
    assert schedule.latest_fire_time(following - SECOND) == latest
    assert schedule.next_fire_time(latest) == following
    assert schedule.next_fire_time(following - SECOND) == following


@settings(deadline=None, max_examples=100)
@given(situations())
def test_fire_times_rise_strictly_and_are_counted_exactly(situation: tuple[CronSchedule, datetime]) -> None:
    schedule, at = situation

    times = schedule.fire_times(at, at + timedelta(days=500), 200)

    assert all(a < b for a, b in pairwise(times))
    if times:
        assert schedule.latest_fire_times(at, times[-1], 200) == times
        assert schedule.latest_fire_times(at, times[-1], 3) == times[-3:]
        assert schedule.count_fire_times(at, times[-1]) == len(times)


@settings(deadline=None, max_examples=100)
@given(situations())
def test_every_fire_time_matches_its_fields_on_the_wall_unless_it_is_a_run_after_a_gap(
    situation: tuple[CronSchedule, datetime],
) -> None:
    schedule, at = situation
    spec, zone = schedule.spec, zone_of_package(schedule.timezone)

    for fire_time in schedule.fire_times(at, at + timedelta(days=500), 30):
        wall = fire_time.astimezone(zone)
        named = spec.seconds >> wall.second & spec.minutes >> wall.minute & spec.hours >> wall.hour
        if named & spec.months >> wall.month - 1 & 1:
            continue
        before = (fire_time - SECOND).astimezone(zone).utcoffset()
        after = wall.utcoffset()
        assert before is not None
        assert after is not None
        assert schedule.on_dst_gap == "shift" or (schedule.on_dst_gap is None and not spec.is_wild)
        assert timedelta(0) < after - before < timedelta(hours=3)


@settings(deadline=None, max_examples=40)
@given(situations())
def test_counts_add_up_over_years(situation: tuple[CronSchedule, datetime]) -> None:
    schedule, at = situation
    until = at + timedelta(days=3_000)
    middle = at + timedelta(days=1_234, seconds=567)

    whole = schedule.count_fire_times(at, until)

    assert whole == schedule.count_fire_times(at, middle) + schedule.count_fire_times(middle, until)


@settings(deadline=None, max_examples=100)
@given(plain_expressions(), st.integers(0, 40 * 31_557_600))
def test_agrees_with_croniter_in_utc(expression: str, seconds: int) -> None:
    start = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    theirs = croniter(expression, start, ret_type=datetime, second_at_beginning=True)
    schedule = parse_schedule(cron_expression=expression, timezone="UTC")

    assert schedule.fire_times(start, start + timedelta(days=36_500), 5) == [theirs.get_next() for _ in range(5)]


@settings(deadline=None, max_examples=100)
@given(plain_expressions(seconds=False), st.integers(0, 40 * 31_557_600))
def test_agrees_with_cronsim_in_utc(expression: str, seconds: int) -> None:
    start = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    theirs = CronSim(expression, start)
    schedule = parse_schedule(cron_expression=expression, timezone="UTC")

    assert schedule.fire_times(start, start + timedelta(days=36_500), 5) == [next(theirs) for _ in range(5)]


SOUP = st.text(alphabet="0123456789*/,-?#LWHR@() \tabcdmonfriSATjan+.()~\x00é٣", max_size=40)
TOKENS = st.sampled_from(
    [
        "*",
        "*/5",
        "1",
        "0",
        "59",
        "23",
        "31",
        "1-5",
        "5-1",
        "L",
        "LW",
        "15W",
        "L-3",
        "1#5",
        "5L",
        "mon",
        "FRI-MON",
        "?",
        "*/0",
        "60",
        "1,2,,3",
        "99999999999999999999999",
        "H",
        "H/9",
        "H(1-5)",
        "H(9-1)/2",
        "2026",
        "2026-2199/7",
        "1970,2199",
        "@daily",
        "1/2/3",
        "29",
        "2",
        "0-59/7",
        "50-49",
        "28-L",
        "7-7",
        "W",
        "#1",
    ]
)
NEAR_MISSES = st.lists(st.lists(TOKENS, min_size=1, max_size=3).map(",".join), min_size=4, max_size=7).map(" ".join)


def mixed(items: str, special: str = "") -> st.SearchStrategy[str]:
    """A list of what a field accepts, in any combination."""
    return st.lists(
        st.sampled_from(f"{items} {special} */1 */2 */7 1 5 11 3-9 9-3 4-4 2/3 2-9/4 9-2/3".split()), max_size=4
    ).map(lambda chosen: ",".join(chosen) or "*")


ACCEPTED = st.builds(
    "{} {} {} {} {} {} {}".format,
    mixed("59 0"),
    mixed("0-59 50-10 H H/7"),
    mixed("0 23 22-2"),
    mixed("31 28-L", "L LW L-3 15W"),
    mixed("feb NOV-FEB 12").map(lambda text: text.replace("*/2", "*/3")),
    st.lists(
        st.sampled_from(["1", "5", "sun", "fri-mon", "1-5/2", "*/2", "*/1", "7", "5L", "1#1", "mon-wed#2", "H"]),
        max_size=4,
    ).map(lambda chosen: ",".join(chosen) or "*"),
    st.sampled_from(["", "*", "1970", "2199", "1970-2199/3", "2026,2100-2110", "*/4"]),
)


def answer(text: str) -> None:
    """Whatever the text: all that is ever asked of a schedule, or ScheduleError."""
    try:
        schedule = parse_schedule(cron_expression=text, timezone="America/New_York")
    except ScheduleError:
        return
    preview(schedule, after=datetime(2026, 3, 8, 5, tzinfo=UTC), count=5)
    far = datetime(2199, 12, 31, 23, tzinfo=UTC)
    schedule.latest_fire_time(far)
    schedule.next_fire_time(far)
    schedule.count_fire_times(datetime(1970, 1, 2, tzinfo=UTC), far)
    assert schedule.shortest_interval_seconds >= 1


def seconds_to_answer(text: str) -> float:
    forget_compiled()
    started = time.thread_time()
    answer(text)
    return time.thread_time() - started


@settings(deadline=None, max_examples=250)
@given(st.one_of(ACCEPTED, SOUP, NEAR_MISSES, st.text(max_size=30)))
def test_any_text_gets_an_answer_or_a_schedule_error_at_once(text: str) -> None:
    # Measured twice before it counts: a pass of the garbage collector is not ours.
    assert seconds_to_answer(text) < ANSWER_SECONDS or seconds_to_answer(text) < ANSWER_SECONDS


@pytest.mark.parametrize(
    "text",
    [
        "0 0 29 2 1#1",
        "0 0 29 2 *",
        "59 59 23 29 2 *",
        "* * * * * *",
        ("50-49," * 40)[:240] + "1 * * * *",
        "0," * 123 + "0 * * * *",
        "0 0 " + "L-1," * 50 + "L * *",
        "0 0 0 29 2 * 2196",
        "0 0 0 1-30/2 * * 1970-2199/2",
        "59 59 23 31 12 * 2199",
        ("H(0-58)," * 30)[:240] + "1 * * * *",
    ],
)
def test_the_longest_and_the_sparsest_get_an_answer_at_once(text: str) -> None:
    assert seconds_to_answer(text) < ANSWER_SECONDS or seconds_to_answer(text) < ANSWER_SECONDS


@settings(deadline=None, max_examples=100)
@given(st.one_of(st.text(max_size=40), st.sampled_from(sorted(known_zones())).map(str.lower)))
def test_any_zone_name_gets_an_answer_or_a_schedule_error(name: str) -> None:
    if name in known_zones():
        assert parse_schedule(cron_expression="* * * * *", timezone=name).timezone == name
    else:
        with pytest.raises(ScheduleError) as raised:
            parse_schedule(cron_expression="* * * * *", timezone=name)
        assert raised.value.field == "timezone"


@pytest.mark.parametrize("text", ["0001-01-01", "1969-12-30", "2200-01-02", "9999-12-31"])
def test_instants_beyond_the_known_years_have_an_answer(text: str) -> None:
    schedule = parse_schedule(cron_expression="0 0 * * *", timezone="Europe/Berlin")
    instant = datetime.fromisoformat(f"{text}T00:00Z")

    assert (schedule.next_fire_time(instant) is None) == (instant.year >= 2200)
    assert (schedule.latest_fire_time(instant) is None) == (instant.year < 1970)
    assert schedule.count_fire_times(instant, instant) == 0


def test_an_expression_that_is_kept_takes_less_than_a_kilobyte() -> None:
    draw = random.Random(1)

    def compile_some(count: int) -> None:
        for _ in range(count):
            time_of_day = f"{draw.randrange(60)},{draw.randrange(60)} {draw.randrange(24)}"
            compile_cron(f"{time_of_day} {draw.randint(1, 9)},L * {draw.randrange(7)}#1")

    forget_compiled()
    tracemalloc.start()
    try:
        compile_some(300)  # what expressions share is there then
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        compile_some(300)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert after - before < 300 * 1_000
