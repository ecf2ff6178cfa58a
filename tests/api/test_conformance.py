"""The server keeps to its description: schemathesis, over a real server, with every operation."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.api.conftest import API, TOKEN, served, settings_for, started

EXAMPLES = int(os.environ.get("CRONPLUG_FUZZ_EXAMPLES", "0"))
"""At least so many requests are made up, for `./dev soak fuzz`; a few for each operation otherwise."""

SEED = os.environ.get("CRONPLUG_FUZZ_SEED", "1")
EXAMPLES_OF_EACH = 3

OPENAPI = Path(__file__).resolve().parents[2] / "openapi.json"
METHODS = ("get", "post", "put", "patch", "delete")

STREAMS = "(/events|/log/stream)$"  # they do not end; test_streams has them

NOT_CHECKED = "positive_data_acceptance"
"""A schema cannot say which expressions fire, which functions exist and which revision is the present one."""

SLOW = "sample-plugin,cronplug-example,cronplug-http"
"""Their functions can take a minute, or send made-up requests into the world, and the tool does wait for them."""

EVERYWHERE = "0.0.0.0/0,::/0"
"""No request that the tool makes up for an HTTP task goes anywhere."""


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.timeout(6 * 3600 if EXAMPLES else 600)
async def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", plugins_block=SLOW, http_deny=EVERYWHERE)
    async with started(settings) as app, served(app) as url:
        await run_schemathesis(url, tmp_path)


def examples_of_each() -> int:
    """How many requests the tool makes up for an operation beside its own systematic ones."""
    paths = json.loads(OPENAPI.read_text())["paths"]
    operations = sum(method in METHODS for path in paths.values() for method in path)
    return max(EXAMPLES_OF_EACH, -(-EXAMPLES // operations))


async def run_schemathesis(url: str, folder: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}{API}/openapi.json",
        "--header", f"Authorization: Bearer {TOKEN}",
        "--checks", "all", "--exclude-checks", NOT_CHECKED,
        "--exclude-path-regex", STREAMS,
        "--max-examples", str(examples_of_each()), "--seed", SEED, "--workers", "1",
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
    print("\n".join(line for line in output.decode().splitlines() if "generated" in line))
    assert process.returncode == 0, output.decode()
    assert b"No issues found" in output, output.decode()
