"""Light and dark: a script at the top of Streamlit's page with which the app chooses in place of the system.

Streamlit's theme follows the system: it asks ``matchMedia("(prefers-color-scheme: dark)")`` and listens to its
changes. The script answers that query with the user's choice, and reports a change of it, so that Streamlit draws
itself in the other theme without a reload, which would end the session. The choice is kept in the browser. Other
documents (the projector, the join page) have their own switch.

An event ``aif-lab:scheme`` on the window with ``light`` or ``dark`` as its detail chooses.
``tests/e2e/test_lecture_mode.py`` checks that Streamlit still follows.
"""

from __future__ import annotations

from typing import Final

SCHEME_SCRIPT: Final = b"""<script>
(() => {
  const KEY = "aif-lab|scheme", system = window.matchMedia.bind(window);
  const ofSystem = system("(prefers-color-scheme: light)");
  let chosen = null;
  try { chosen = localStorage.getItem(KEY); } catch { /* a page without storage */ }
  const name = () => (chosen === "light" || chosen === "dark" ? chosen : ofSystem.matches ? "light" : "dark");
  class SchemeQuery extends EventTarget {
    onchange = null;
    constructor(scheme) { super(); this.scheme = scheme; this.media = `(prefers-color-scheme: ${scheme})`; }
    get matches() { return name() === this.scheme; }
    addListener(listener) { this.addEventListener("change", listener); }
    removeListener(listener) { this.removeEventListener("change", listener); }
  }
  const queries = { light: new SchemeQuery("light"), dark: new SchemeQuery("dark") };
  window.matchMedia = (query) => {
    const asked = /^\\s*\\(\\s*prefers-color-scheme\\s*:\\s*(light|dark)\\s*\\)\\s*$/.exec(query);
    return asked ? queries[asked[1]] : system(query);
  };
  let shown = name();
  const show = () => {
    document.documentElement.style.colorScheme = name();
    if (name() === shown) return;
    shown = name();
    for (const query of Object.values(queries)) {
      const event = new MediaQueryListEvent("change", { media: query.media, matches: query.matches });
      query.dispatchEvent(event);
      query.onchange?.(event);
    }
  };
  ofSystem.addEventListener("change", show);
  window.addEventListener("aif-lab:scheme", ({ detail }) => {
    chosen = detail;
    try { localStorage.setItem(KEY, detail); } catch { /* the choice ends with the page */ }
    show();
  });
  window.addEventListener("storage", ({ key, newValue }) => { if (key === KEY) { chosen = newValue; show(); } });
  show();
})();
</script>"""
