"""How much work the list of tasks is for the browser, with thousands of tasks in it.

Time on the clock says little on a busy machine. So what is measured is for how long the page's main thread was at work, beside
pages with little to do in the same browser; and what does not depend on the machine at all: elements, requests, memory.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from playwright.async_api import BrowserContext, CDPSession, Page, Route, expect

from tests.acceptance.server import Server
from tests.e2e.acting import settle
from tests.e2e.conftest import NewContext

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

TASKS = 3_000
ROW = 56
VUE = Path(__file__).parents[2] / "webui/node_modules/vue/dist/vue.runtime.global.prod.js"

BARE = """<!doctype html><title>bare</title><div id="app"></div><script src="vue.js"></script><script src="app.js"></script>"""
BARE_APP = """
const { createApp, h, ref } = Vue
const Row = { props: ['n'], render() { return h('p', [h('a', { href: '#' + this.n }, 'Task ' + this.n), h('button', 'Run')]) } }
const shown = ref([])
createApp({ render: () => h('main', shown.value.map((n) => h(Row, { key: n, n }))) }).mount('#app')
fetch('/api/scheduler/tasks?pageSize=50').then((answer) => answer.json())
  .then(({ list }) => { shown.value = list.map((task, n) => n) })
"""

SCROLL = """async ([frames, step]) => {
  for (let frame = 0; frame < frames; frame++) {
    window.scrollBy(0, step)
    await new Promise((resolve) => requestAnimationFrame(resolve))
  }
}"""
PLAIN_ROWS = """async ([frames, cells]) => {
  const rows = []
  document.body.style.minHeight = '400000px'
  for (let frame = 0; frame < frames; frame++) {
    for (const gone of rows.splice(0, rows.length > 30 ? 5 : 0)) gone.remove()
    for (let row = 0; row < 5; row++) {
      const line = document.createElement('div')
      for (let cell = 0; cell < cells; cell++) {
        const box = document.createElement('span')
        box.className = `cell-${cell}`
        box.textContent = `${frame} ${row} ${cell}`
        line.append(box)
      }
      document.body.append(line)
      rows.push(line)
    }
    window.scrollBy(0, 280)
    await new Promise((resolve) => requestAnimationFrame(resolve))
  }
}"""
"""The same number of rows and elements in each frame, as plain as can be."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with many tasks, each with a history; none of them fires while the tests run."""
    data = tmp_path_factory.mktemp("lively") / "data"
    size = [f"--tasks={TASKS}", f"--executions={TASKS * 4}", "--quiet-schedules"]
    subprocess.run([sys.executable, "-m", "cronplug", "demo", f"--data-dir={data}", *size], check=True, timeout=200)
    server = Server(data)
    try:
        yield server.start()
    finally:
        server.close()


async def test_the_first_visit_is_little_work_and_few_requests(new_context: NewContext) -> None:
    """Beside a page that shows as many rows of two words with the same framework."""
    context = await new_context(viewport={"width": 1440, "height": 900})
    await context.route("**/bare/*", serve_bare)
    bare: list[float] = []
    tasks: list[float] = []
    for _ in range(5):
        bare.append(await load(context, "bare/", "a"))
        tasks.append(await load(context, "tasks", ".row-link"))

    assert median(tasks) <= 7.5 * median(bare), (tasks, bare)  # 5.2 on a machine with other things to do

    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto("tasks")
    await expect(page.locator(".row-link").first).to_be_visible()
    await settle(page)
    assert len(asked) <= 25, asked


async def test_thousands_of_rows_scroll_with_little_work_elements_and_memory(new_context: NewContext) -> None:
    context = await new_context(viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    measured = await measure(page)
    await page.goto("tasks?sort=name")
    await expect(page.locator(".row-link").first).to_be_visible()
    await settle(page)
    table = page.get_by_role("table", name="Tasks")
    plain = await context.new_page()
    plainly = await measure(plain)
    await plain.goto("theme.js")

    # Frames that show five rows more, in turns with those of a page that draws as many plain ones.
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(3):
        await page.bring_to_front()
        ours.append(await work_of(measured, page, SCROLL, [40, 280]))
        await plain.bring_to_front()
        theirs.append(await work_of(plainly, plain, PLAIN_ROWS, [40, 40]))
    await page.bring_to_front()
    await page.evaluate(SCROLL, [TASKS * ROW // 1_500, 1_500])
    await expect(table.locator("[aria-busy]")).to_have_count(0)
    await expect(table.locator(f"[aria-rowindex='{TASKS + 1}']")).to_be_visible()
    await measured.send("HeapProfiler.collectGarbage")
    after = await figures(measured)

    assert min(mine / other for mine, other in zip(ours, theirs, strict=True)) <= 6, (ours, theirs)
    assert await page.locator("[data-index]").count() <= 60
    assert await page.evaluate("() => document.querySelectorAll('*').length") <= 2_500
    assert after["JSHeapUsedSize"] <= 60_000_000


async def serve_bare(route: Route) -> None:
    """The page that does next to nothing."""
    name = route.request.url.rpartition("/")[2]
    body, kind = {
        "vue.js": (VUE.read_text("utf-8"), "text/javascript"),
        "app.js": (BARE_APP, "text/javascript"),
    }.get(name, (BARE, "text/html"))
    await route.fulfill(body=body, content_type=kind)


async def load(context: BrowserContext, path: str, landmark: str) -> float:
    """Open a page whose files are not known yet; how long its main thread worked until all was there, in seconds."""
    page = await context.new_page()
    measured = await measure(page)
    await measured.send("Network.setCacheDisabled", {"cacheDisabled": True})
    await page.goto(path)
    await expect(page.locator(landmark).first).to_be_visible()
    await settle(page)
    worked = (await figures(measured))["TaskDuration"]
    await page.close()
    return worked


async def measure(page: Page) -> CDPSession:
    """Have the browser count what the main thread works, not how long it took on the clock."""
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})
    return session


async def work_of(measured: CDPSession, page: Page, script: str, argument: list[int]) -> float:
    """How long the main thread works for a script and what comes of it, in seconds."""
    before = await figures(measured)
    await page.evaluate(script, argument)
    return (await figures(measured))["TaskDuration"] - before["TaskDuration"]


async def figures(measured: CDPSession) -> dict[str, float]:
    """The browser's figures of a page."""
    return {each["name"]: each["value"] for each in (await measured.send("Performance.getMetrics"))["metrics"]}
