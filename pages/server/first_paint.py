"""First paint: ASGI middleware that gives Streamlit's page the app's name and colours, and a skeleton at first.

Streamlit's page is empty until its scripts have run and the server has answered, 2 to 6 s later. A cookie tells
the first run whether the window is narrow: the sidebar is then closed from the start, and nothing moves. The rules
for small screens are in the page for the same reason: those that a run sends come later.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.server.colour_scheme import SCHEME_SCRIPT

NARROW_COOKIE: Final = "aif_lab_narrow"
"""Name of the cookie that is ``1`` where the window was below 1100 CSS pixels when the page was loaded."""

_LAYOUT: Final = (Path(__file__).parents[1] / "ui" / "page_layout.css").read_bytes()
_ROOT: Final = b'<div id="root"></div>'
_TITLE: Final = b"<title>Streamlit</title>"
_HEAD: Final = b"<title>AIF Lab</title>" + SCHEME_SCRIPT
_SKELETON: Final = b"""<div id="root"></div>
<div id="skeleton" aria-hidden="true"><style>
#skeleton { --paper: light-dark(#fff, #0e1117); --panel: light-dark(#f2f4f7, #171b24);
  --ink: light-dark(#1b1f27, #e8eaed); position: fixed; inset: 0; z-index: 1000000;
  pointer-events: none; background: var(--paper); display: grid; gap: 10px; padding: 60px 19px 8px;
  grid-template: 1fr 66px / 221px 1.45fr 1fr; font: 600 20px system-ui, sans-serif; color: var(--ink); }
@media (max-width: 1099px) {
  #skeleton { grid-template-columns: 0 1.25fr 1fr; column-gap: 5px; padding-left: 14px; }
  #skeleton b { display: none; } #skeleton i:first-of-type { grid-column: 2; } }
@media (max-width: 559px), (max-width: 820px) and (min-height: 501px),
  (max-width: 1100px) and (orientation: portrait) {
  #skeleton { grid-template: 42dvh 1fr / 1fr; padding: 60px 8px 8px; }
  #skeleton i:first-of-type { grid-column: 1; } #skeleton i:last-child { display: none; } }
#skeleton i { background: var(--panel); border-radius: 8px; } #skeleton i:last-child { grid-column: 2 / -1; }
#skeleton b { grid-row: 1 / 3; }
body:has(#skeleton) #root { visibility: hidden; }
</style><b>AIF Lab</b><i></i><i></i><i></i></div>
<script>
(() => {
  const narrow = matchMedia("(max-width: 1099px)").matches;
  document.cookie = `aif_lab_narrow=${Number(narrow)}; path=/; SameSite=Lax`;
  try { // an open sidebar would lie over the page: Streamlit remembers it from the last visit
    for (const key of narrow ? Object.keys(localStorage) : []) {
      if (key.startsWith("stSidebarCollapsed-")) localStorage.removeItem(key);
    }
  } catch { /* storage may be off */ }
  const skeleton = document.getElementById("skeleton"), find = (css) => document.querySelector(css);
  let timer = setTimeout(() => done(), 15000);
  const done = () => { clearTimeout(timer); observer.disconnect(); skeleton.remove(); };
  let begun = false;
  const observer = new MutationObserver(() => {
    const content = find('.stMain [data-testid="stElementContainer"]:not(.st-key-app_bar)');
    if (content && find('[data-test-script-state="notRunning"]')) requestAnimationFrame(done);
    else if (content && !begun) { begun = true; clearTimeout(timer); timer = setTimeout(done, 5000); }
  });
  const root = document.getElementById("root");
  observer.observe(root, { attributes: true, childList: true, subtree: true });

  // Over the page, the sidebar closes as a page is chosen in it.
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest?.('[data-testid="stSidebarNavLink"]');
    if (!chosen || !matchMedia("(max-width: 1099px)").matches) return;
    find('[data-testid="stSidebarCollapseButton"] button')?.click();
  });

  // The keyboard scrolls formulas, code, tables and drawings that are wider than the page.
  const wide = '.katex-display, pre, table, [class*="st-key-network_drawing_"]';
  let due = 0;
  const mark = () => {
    due = 0;
    for (const node of document.querySelectorAll(wide)) {
      if (node.scrollWidth > node.clientWidth) node.tabIndex = 0; else node.removeAttribute("tabindex");
    }
  };
  const markSoon = () => { due ||= requestAnimationFrame(mark); };
  new MutationObserver(markSoon).observe(root, { childList: true, subtree: true });
  addEventListener("resize", markSoon);
})();
</script>"""
_BODY: Final = b"%s<style>%s</style>" % (_SKELETON, _LAYOUT)


class FirstPaint:
    """ASGI middleware that changes Streamlit's page; every other response passes as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        if "text/html" in Headers(scope=scope).get("accept", ""):  # Streamlit compresses its page below /
            headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
            scope = {**scope, "headers": headers}
        start: Message | None = None
        body = bytearray()

        async def change(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
            elif start is None:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    page = bytes(body).replace(_TITLE, _HEAD).replace(_ROOT, _BODY)
                    MutableHeaders(scope=start)["content-length"] = str(len(page))
                    await send(start)
                    await send({"type": "http.response.body", "body": page})

        await self._app(scope, receive, change)


def _is_page(start: Message) -> bool:
    headers = Headers(scope=start)
    is_html = headers.get("content-type", "").startswith("text/html")
    return start["status"] == 200 and is_html and "content-encoding" not in headers
