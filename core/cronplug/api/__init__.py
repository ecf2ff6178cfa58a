"""The REST API and the admin's files: translates HTTP to `cronplug.operations` and back, and decides nothing itself.

One module per resource declares its routes with `operation` (name, models, statuses); `*_json` modules say how things
look from outside; `openapi` makes the description from both. `sign_in` guards, `problems` words every error,
`requests` reads strictly, `streams` writes server-sent events, `pages` serves the built admin below Quart, `connections`
ends those on which no request comes.
"""

from __future__ import annotations

from cronplug.api.application import create_api, openapi_document

__all__ = ["create_api", "openapi_document"]
