"""The months of the years 1970 to 2199 as numbers: first day, and shape (weekday of the first day, length).

There are 28 shapes only, so a rule about days (the last Friday, the weekday nearest the 15th) needs 28 bit masks and
no calendar arithmetic during a search. Days are counted from 1970-01-01, weekdays from Sunday = 0.
"""

from __future__ import annotations

from array import array
from datetime import date
from itertools import pairwise

FIRST_YEAR = 1970
LAST_YEAR = 2199
YEAR_COUNT = LAST_YEAR - FIRST_YEAR + 1
MONTH_COUNT = YEAR_COUNT * 12

SHAPES = tuple((weekday, length) for weekday in range(7) for length in range(28, 32))
"""(weekday of the 1st, length) of each shape number."""

_EPOCH_ORDINAL = date(FIRST_YEAR, 1, 1).toordinal()
_EPOCH_WEEKDAY = 4  # 1970-01-01 was a Thursday

FIRST_DAYS = tuple(
    date(FIRST_YEAR + index // 12, index % 12 + 1, 1).toordinal() - _EPOCH_ORDINAL for index in range(MONTH_COUNT)
)
"""The day number of the 1st of each month; month index 0 is January 1970."""

END_DAY = date(LAST_YEAR + 1, 1, 1).toordinal() - _EPOCH_ORDINAL
"""The first day number that is out of reach."""

SHAPE_OF_MONTH = tuple(
    (first + _EPOCH_WEEKDAY) % 7 * 4 + (following - first - 28) for first, following in pairwise((*FIRST_DAYS, END_DAY))
)
"""The shape number of each month index."""

MONTH_OF_DAY = array("H")
"""The month index of each day number up to END_DAY - 1: a search asks for it each time."""

for _index, _shape in enumerate(SHAPE_OF_MONTH):
    MONTH_OF_DAY.extend([_index] * SHAPES[_shape][1])
