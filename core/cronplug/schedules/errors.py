"""The one error of schedules: what is wrong with an expression or a time zone, where, and what would be right."""

from __future__ import annotations

from cronplug.errors import FieldError, InvalidInput


class ScheduleError(InvalidInput):
    """A schedule that cannot be accepted.

    `fault_code` is stable: `cron.type`, `cron.length`, `cron.fields`, `cron.syntax`, `cron.range`, `cron.value`,
    `cron.never`, `cron.too_often`, `cron.unsupported`, `timezone.unknown`, `dst.value`, and those of other kinds. `position` counts characters from 0 in the
    text of the field, None when no place can be named. `hint` says what is allowed, None when `message` says it all.
    The same facts are in `errors[0]`, with the hint as the end of its message.
    """

    def __init__(
        self,
        fault_code: str,
        message: str,
        *,
        field: str = "cronExpression",
        position: int | None = None,
        hint: str | None = None,
    ) -> None:
        text = f"{message} {hint}" if hint else message
        super().__init__([FieldError(field=field, message=text, code=fault_code, position=position)])
        self.fault_code = fault_code
        self.field = field
        self.message = message
        self.position = position
        self.hint = hint
