"""First paint: ASGI middleware that gives Streamlit's page the app's name and colours, and a skeleton at first.

Streamlit's page is empty until its scripts have run and the server has answered, 2 to 6 s later.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.server.colour_scheme import SCHEME_SCRIPT

_ROOT: Final = b'<div id="root"></div>'
_TITLE: Final = b"<title>Streamlit</title>"
_HEAD: Final = b"<title>AIF Lab</title>" + SCHEME_SCRIPT
_SKELETON: Final = b"""<div id="root"></div>
<div id="skeleton" aria-hidden="true"><style>
#skeleton { --paper: light-dark(#fff, #0e1117); --panel: light-dark(#f2f4f7, #171b24);
  --ink: light-dark(#1b1f27, #e8eaed); position: fixed; inset: 0; z-index: 1000000;
  pointer-events: none; background: var(--paper); display: grid; gap: 10px; padding: 60px 19px 8px;
  grid-template: 1fr 66px / 221px 1.45fr 1fr; font: 600 20px system-ui, sans-serif; color: var(--ink); }
@media (max-width: 900px) { #skeleton { grid-template: 1fr 1fr 66px / 1fr; } #skeleton b { display: none; } }
#skeleton i { background: var(--panel); border-radius: 8px; } #skeleton i:last-child { grid-column: 2 / -1; }
#skeleton b { grid-row: 1 / 3; }
body:has(#skeleton) #root { visibility: hidden; }
</style><b>AIF Lab</b><i></i><i></i><i></i></div>
<script>
(() => {
  const skeleton = document.getElementById("skeleton"), find = (css) => document.querySelector(css);
  let timer = setTimeout(() => done(), 15000);
  const done = () => { clearTimeout(timer); observer.disconnect(); skeleton.remove(); };
  let begun = false;
  const observer = new MutationObserver(() => {
    const content = find('.stMain [data-testid="stElementContainer"]:not(.st-key-app_bar)');
    if (content && find('[data-test-script-state="notRunning"]')) requestAnimationFrame(done);
    else if (content && !begun) { begun = true; clearTimeout(timer); timer = setTimeout(done, 2500); }
  });
  observer.observe(document.getElementById("root"), { attributes: true, childList: true, subtree: true });
})();
</script>"""


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
                    page = bytes(body).replace(_TITLE, _HEAD).replace(_ROOT, _SKELETON)
                    MutableHeaders(scope=start)["content-length"] = str(len(page))
                    await send(start)
                    await send({"type": "http.response.body", "body": page})

        await self._app(scope, receive, change)


def _is_page(start: Message) -> bool:
    headers = Headers(scope=start)
    is_html = headers.get("content-type", "").startswith("text/html")
    return start["status"] == 200 and is_html and "content-encoding" not in headers
