"""How an HTTP request by itself looks from outside."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from cronplug.api.fields import WHOLE, Body, HeadersIn, UrlIn
from cronplug.api.function_json import MaskedAsIn
from cronplug.api.task_json import MethodName, StatusPatternText
from cronplug.model import TaskDefinition, TaskType


class RequestToInvoke(Body):
    """An HTTP request that is made once; the fields are those of an HTTP task."""

    http_method: MethodName = "GET"
    http_url: UrlIn = Field(description="Absolute, http or https.")
    http_headers: HeadersIn | None = Field(default_factory=dict)
    http_body: str | None = None
    http_expect_status: Annotated[list[StatusPatternText], Field(min_length=1, max_length=20)] | None = Field(
        default_factory=lambda: ["2xx"], description="Statuses that mean success: 204, 2xx, 200-299."
    )
    http_expect_body: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = Field(
        None, description="A text that the answer has to contain."
    )
    timeout_seconds: Annotated[int, Field(ge=1, le=604_800), WHOLE] = 300
    task_id: MaskedAsIn | None = None

    def read(self) -> TaskDefinition:
        """The task that would make this request."""
        return TaskDefinition(
            name="",
            type=TaskType.HTTP,
            http_method=self.http_method,
            http_url=self.http_url,
            http_headers=self.http_headers or {},
            http_body=self.http_body,
            http_expect_status=tuple(self.http_expect_status or ("2xx",)),
            http_expect_body=self.http_expect_body,
            timeout_seconds=self.timeout_seconds,
        )
