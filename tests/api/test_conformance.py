"""The server keeps to its description: schemathesis, over a real server, with every operation."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.api.conftest import API, TOKEN, served, settings_for, started

STREAMS = "(/events|/log/stream)$"  # they do not end; test_streams has them

NOT_CHECKED = "positive_data_acceptance"
"""A schema cannot say which expressions fire, which functions exist and which revision is the present one."""

SLOW = "sample-plugin,cronplug-example,cronplug-http"
"""Their functions can take a minute, or send made-up requests into the world, and the tool does wait for them."""

EVERYWHERE = "0.0.0.0/0,::/0"
"""No request that the tool makes up for an HTTP task goes anywhere."""


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.timeout(600)
async def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", plugins_block=SLOW, http_deny=EVERYWHERE)
    async with started(settings) as app, served(app) as url:
        await run_schemathesis(url, tmp_path)


async def run_schemathesis(url: str, folder: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}{API}/openapi.json",
        "--header", f"Authorization: Bearer {TOKEN}",
        "--checks", "all", "--exclude-checks", NOT_CHECKED,
        "--exclude-path-regex", STREAMS,
        "--max-examples", "3", "--seed", "1", "--workers", "1",
        "--request-timeout", "30", "--warnings", "off", "--no-color",
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, output.decode()
    assert b"No issues found" in output, output.decode()
