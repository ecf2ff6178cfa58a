"""What goes wrong in a page without anybody looking."""

from __future__ import annotations

from playwright.async_api import BrowserContext, ConsoleMessage, Dialog, Page, Request

_TELL_VIOLATIONS = """
document.addEventListener('securitypolicyviolation', (event) =>
  console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`))
"""


class Watch:
    """Collects the faults of the pages it opened: broken content policy, foreign requests, uncaught errors, Vue's warnings."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.faults: list[str] = []

    async def open(self, context: BrowserContext) -> Page:
        """A new tab, watched."""
        page = await context.new_page()
        await page.add_init_script(_TELL_VIOLATIONS)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("request", self._on_request)
        return page

    def note_dialogs(self, page: Page) -> None:
        """From now on a dialog of the browser is a fault: nothing in the admin opens one."""
        page.on("dialog", self._on_dialog)

    def _on_console(self, message: ConsoleMessage) -> None:
        text = message.text
        if "content security policy" in text.lower() or "[Vue" in text:
            self.faults.append(f"console: {text}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:", "blob:")):
            self.faults.append(f"foreign request: {request.url}")

    async def _on_dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        await dialog.dismiss()
