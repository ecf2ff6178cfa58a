"""Who asks, and the settings in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from cronplug.app import App
from cronplug.settings import load_settings, settings_in_force
from tests.api.conftest import TOKEN, Api

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_caller_is_told_who_they_are(api: Api, core: App) -> None:
    me = await api.get("/me")

    assert me["name"] == "admin"
    assert (me["authMode"], me["permissions"], me["timezone"]) == ("token", ["read", "write"], "UTC")
    assert me["version"]


async def test_an_api_token_is_told_by_its_name(core: App, stranger: Api) -> None:
    token = await core.access.create_token(name="ci")

    me = await stranger.get("/me", headers={"Authorization": f"Bearer {token}"})

    assert me["name"] == "ci"


async def test_a_stranger_is_told_nothing(stranger: Api) -> None:
    assert (await stranger("GET", "/me")).status_code == 401
    assert (await stranger("GET", "/settings")).status_code == 401


async def test_settings_in_force_are_told_without_secrets(api: Api, core: App) -> None:
    response = await api("GET", "/settings")
    told = {setting["env"]: setting for setting in response.json()["list"]}

    assert TOKEN not in response.text
    admin = told["SCHEDULER_ADMIN_TOKEN"]
    assert (admin["value"], admin["secret"], admin["isSet"], admin["isDefault"]) == (None, True, True, False)
    port = told["SCHEDULER_PORT"]
    assert (port["value"], port["defaultValue"], port["isSet"], port["isDefault"]) == ("3399", "3399", False, True)
    folder = told["SCHEDULER_DATA_DIR"]
    assert (folder["value"], folder["isSet"], folder["isDefault"]) == (str(core.settings.data_dir), True, False)
    assert all(setting["description"] for setting in told.values())


async def test_a_default_that_follows_from_another_setting_is_told_as_it_is() -> None:
    settings = load_settings(
        {
            "SCHEDULER_DATA_DIR": "/srv/cronplug",
            "SCHEDULER_MAX_CONCURRENCY": "9",
            "SCHEDULER_LOG_RETENTION_DAYS": "10",
            "SCHEDULER_HTTP_ALLOW": "127.0.0.1,10.1.0.0/16",
            "SCHEDULER_SQL_SALES_URL": "postgresql://user:hunter2@db/sales",
        }
    )
    told = {setting.name: setting for setting in settings_in_force(settings)}

    assert told["SCHEDULER_WORKERS"].value == told["SCHEDULER_WORKERS"].default == "9"
    assert told["SCHEDULER_FAILED_RETENTION_DAYS"].value == "30"
    assert told["SCHEDULER_BACKUP_DIR"].value == str(Path("/srv/cronplug/backups"))
    assert told["SCHEDULER_DATABASE_URL"].is_default
    assert not told["SCHEDULER_DATABASE_URL"].is_set
    assert told["SCHEDULER_HTTP_ALLOW"].value == "127.0.0.1/32,10.1.0.0/16"
    assert told["SCHEDULER_SQL_SALES_URL"].secret
    assert "hunter2" not in repr(told)
