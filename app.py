"""AIF Lab's entry, in two roles.

Imported by the server it defines ``app``: Streamlit with the live component's socket and files beside it.
Run by Streamlit for each person it draws the navigation and the page.
"""

import streamlit as st


def main() -> None:
    """Draw one page."""
    from pages.live.component import ICON  # noqa: PLC0415
    from pages.shared.sidebar import sidebar  # noqa: PLC0415 - heavy, and needed in this role alone
    from pages.shared.style import page_style  # noqa: PLC0415

    st.set_page_config(page_title="AIF Lab", page_icon=str(ICON), layout="wide")
    page = st.navigation(
        [
            st.Page("pages/lab.py", title="Lab", icon=":material/show_chart:", default=True),
            st.Page("pages/cases.py", title="Cases", icon=":material/folder_open:"),
        ],
        position="top",
    )
    page_style()
    if sidebar() is not None or page.title != "Lab":
        page.run()


if __name__ == "__main__":
    main()
else:
    from starlette.routing import Mount, WebSocketRoute
    from streamlit.runtime.pages_manager import PagesManager

    from pages.live.component import ASSETS
    from pages.live.files import Assets
    from pages.live.socket import PATH, live_socket
    from pages.shared.library import warm_up

    # A folder named pages makes Streamlit serve each file by itself until somebody has opened the first page:
    # a link to /cases on a fresh server would lose sidebar and session. Navigation is st.navigation's alone.
    PagesManager.uses_pages_directory = False
    app = st.App(
        __file__,
        routes=[WebSocketRoute(PATH, live_socket), Mount("/assets", Assets(directory=ASSETS))],
    )
    warm_up()
