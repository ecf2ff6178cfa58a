"""cronplug for plugin authors: everything a plugin imports.

    from cronplug import Context, function

    @function("acme.nightly-report", timeout=600)
    async def nightly_report(payload: Nightly, ctx: Context) -> str: ...

Importing this loads pydantic and pluggy, nothing of the server.
"""

from cronplug.sdk import Context, Function, PermanentError, Platform, RetryLater, function, hookimpl

__all__ = ["Context", "Function", "PermanentError", "Platform", "RetryLater", "function", "hookimpl"]
