"""Quart with one route and nothing of ours, served as `cronplug serve` serves: what the REST API is compared with."""

from __future__ import annotations

import os

import uvicorn
import uvloop
from quart import Quart

from cronplug.api.connections import server_config

app = Quart(__name__)


@app.get("/")
async def hello() -> dict[str, bool]:
    """A little JSON."""
    return {"ok": True}


if __name__ == "__main__":
    config = server_config(app, port=int(os.environ["SCHEDULER_PORT"]))
    uvloop.run(uvicorn.Server(config).serve())
