"""Every page of the admin, with what shows that it is there."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.async_api import Locator, Page

from tests.e2e.stage import Furniture


@dataclass(frozen=True, slots=True)
class Place:
    """An address below the admin's base, and the text of something that stands on that page alone."""

    path: str
    role: str
    name: str

    def landmark(self, page: Page) -> Locator:
        """What is visible once the page and its data are there."""
        return page.get_by_role(self.role, name=self.name).first  # type: ignore[arg-type]  # one of ARIA's roles


def places(furniture: Furniture) -> list[Place]:
    """All routes, the parts of a task's page, and the page for an address that is none."""
    report = f"tasks/{furniture.report}"
    return [
        Place("tasks", "link", "Sales report"),
        Place("tasks/new", "dialog", "New task"),
        Place(report, "heading", "Next runs"),
        Place(f"{report}?tab=executions", "columnheader", "Note"),
        Place(f"{report}?tab=fire-times", "heading", "Coming"),
        Place(f"{report}?tab=configuration", "heading", "When things go wrong"),
        Place(f"{report}?tab=history", "heading", "Revision 1"),
        Place(f"{report}/edit", "dialog", "Edit task: Sales report"),
        Place(f"{report}/copy", "dialog", "Duplicate task"),
        Place(f"tasks/{furniture.hook}?tab=configuration", "region", "Body"),
        Place(f"tasks/{furniture.hook}/edit", "textbox", "URL"),
        Place("executions", "link", "Sales report"),
        Place(f"executions/{furniture.succeeded}", "heading", "Result"),
        Place(f"executions/{furniture.failed}", "region", "Error"),
        Place(f"executions/{furniture.talked}", "group", "Log"),
        Place("timeline", "group", "Timeline"),
        Place("timeline?view=table", "columnheader", "Next run"),
        Place("calendars", "link", "Holidays"),
        Place("calendars/new", "button", "Create calendar"),
        Place(f"calendars/{furniture.calendar}", "heading", "What it covers"),
        Place(f"tasks/{furniture.several}", "heading", "Next runs"),
        Place(f"tasks/{furniture.several}?tab=configuration", "heading", "Schedule 2"),
        Place(f"tasks/{furniture.several}/edit", "group", "Schedule 2"),
        Place("functions", "link", "example.report"),
        Place("functions/example.report", "heading", "Invoke now"),
        Place("functions/acme.whatever", "heading", "Invoke now"),
        Place("plugins", "heading", "acme-broken"),
        Place("settings", "heading", "Server"),
        Place("welcome", "heading", "Your first task, in a minute"),
        Place("sign-in", "textbox", "Admin token"),
        Place("no/such/page", "heading", "There is no such page"),
    ]


def kinds_of_places(furniture: Furniture) -> list[Place]:
    """The places without those that show other data in the same page."""
    alike = (furniture.hook, furniture.several, "/copy")
    return [place for place in places(furniture) if not any(part in place.path for part in alike)]


def rich_places(furniture: Furniture) -> list[Place]:
    """The places with the most text and controls: what is wrong with how all pages are written shows there."""
    report = f"tasks/{furniture.report}"
    rich = {
        "tasks",
        "tasks/new",
        report,
        f"{report}?tab=configuration",
        "executions",
        f"executions/{furniture.failed}",
        f"calendars/{furniture.calendar}",
        "functions/example.report",
        "plugins",
        "settings",
    }
    return [place for place in places(furniture) if place.path in rich]


def place_of(furniture: Furniture, path: str) -> Place:
    """The place at an address."""
    return next(place for place in places(furniture) if place.path == path)
