"""The plugin author's side: functions, their context, the errors that steer retries, the hooks.

Nothing here knows the server. The same code runs in worker processes, inline, and in an author's tests.
"""

from cronplug.sdk.context import Context, Platform
from cronplug.sdk.functions import Function, function
from cronplug.sdk.hooks import hookimpl
from cronplug.sdk.steering import PermanentError, RetryLater

__all__ = ["Context", "Function", "PermanentError", "Platform", "RetryLater", "function", "hookimpl"]
