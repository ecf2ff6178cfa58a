"""A plugin pays for pydantic and pluggy, and for nothing of the server."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "quart",
    "sqlalchemy",
    "uvicorn",
    "httpx",
    "aiohttp",
    "croniter",
    "databases",
    "orjson",
    "jsonschema",
    "asyncio",
)


def test_importing_cronplug_loads_nothing_of_the_server() -> None:
    program = f"import sys, cronplug; print([name for name in {HEAVY} if name in sys.modules])"

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"
