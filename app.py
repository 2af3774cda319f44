"""AIF Lab's entry, in two roles.

Imported by the server it defines ``app``: Streamlit with the live component's socket and files beside it.
Run by Streamlit for each person it draws the navigation and the page.
"""

from typing import Final

import streamlit as st

# URL paths of the pages that are drawn only with an open case: the Lab (the default page) and Fine-tune.
# A comment: Streamlit shows a string that stands alone in this file on every page.
NEED_A_CASE: Final = frozenset({"", "finetune"})
# Those that show the open case: they ask for an upload that a reload has ended.
SHOW_A_CASE: Final = frozenset({*NEED_A_CASE, "cases", "compare", "model"})


def main() -> None:
    """Draw one page."""
    from pages.classroom.lecturer.room_memory import remember_room  # noqa: PLC0415
    from pages.live.component import ICON, LOGO  # noqa: PLC0415
    from pages.session import case_selection, lost_upload, url_sync  # noqa: PLC0415 - needed in this role alone
    from pages.session.sidebar import sidebar  # noqa: PLC0415
    from pages.teaching import lesson_session  # noqa: PLC0415
    from pages.ui.lecture import app_bar, lecture_style  # noqa: PLC0415
    from pages.ui.style import page_style, sidebar_at_arrival  # noqa: PLC0415

    st.set_page_config(
        page_title="AIF Lab", page_icon=str(ICON), layout="wide", initial_sidebar_state=sidebar_at_arrival()
    )
    st.logo(str(LOGO), size="large", icon_image=str(ICON))
    pages = [
        st.Page("pages/lab.py", title="Lab", icon=":material/show_chart:", default=True),
        st.Page("pages/finetune.py", title="Fine-tune", icon=":material/tune:"),
        st.Page("pages/lessons.py", title="Lessons", icon=":material/school:"),
        st.Page("pages/class_page.py", title="Class", icon=":material/groups:", url_path="class"),
        st.Page("pages/cases.py", title="Cases", icon=":material/folder_open:"),
        st.Page("pages/compare.py", title="Compare", icon=":material/view_column:"),
        st.Page("pages/model.py", title="Model", icon=":material/neurology:"),
        st.Page("pages/howitworks.py", title="How it works", icon=":material/menu_book:"),
    ]
    page = st.navigation(pages, position="top")
    page_style()
    lesson_session.update(page.url_path)
    lecture_style(sidebar=lesson_session.keeps_sidebar())
    chosen = app_bar(
        page.url_path,
        {one.url_path: one.title for one in pages},
        lesson_session.steps(),
        on_turn=lesson_session.turn,
        on_step=lesson_session.go_to_step,
    )
    if chosen is not None:
        st.switch_page(next(one for one in pages if one.url_path == chosen))
    url_sync.apply_link()
    opened = sidebar()
    url_sync.update_address(opened, page.url_path)
    remember_room()
    lost = case_selection.lost_upload()
    if lost is not None and page.url_path in SHOW_A_CASE:
        lost_upload.ask_again(lost)
    elif opened is not None or page.url_path not in NEED_A_CASE:
        page.run()


if __name__ == "__main__":
    main()
else:
    from perfcore.runtime.lean_imports import import_nibabel

    import_nibabel()  # before the modules that import them whole: the first map is on the screen earlier

    from starlette.middleware import Middleware
    from starlette.routing import Mount, Route, WebSocketRoute

    from pages.classroom import case_route as class_case
    from pages.classroom import socket as class_socket
    from pages.classroom import web_pages
    from pages.live.server.case_route import PATH as CASE_PATH
    from pages.live.server.case_route import case_endpoint
    from pages.live.server.connection import PATH, live_socket
    from pages.live.server.static_files import (
        CLASS_FRONTEND,
        LIVE_FRONTEND,
        PLAYER_FRONTEND,
        SESSION_FRONTEND,
        UI_FRONTEND,
        HashedStaticFiles,
    )
    from pages.series_player.route import PATH as PLAYER_PATH
    from pages.series_player.route import player_endpoint
    from pages.server.error_reporting import hide_exception_messages
    from pages.server.first_paint import FirstPaint
    from pages.server.lab_redirect import PATH as LAB_PATH
    from pages.server.lab_redirect import lab_redirect
    from pages.server.lifespan import lifespan
    from pages.server.streamlit_internals import disable_pages_directory
    from pages.server.upload_guard import UploadGuard

    disable_pages_directory()
    hide_exception_messages()
    # Streamlit adds server.baseUrlPath to its own routes only.
    base = f"/{(st.get_option('server.baseUrlPath') or '').strip('/')}".rstrip("/")
    assets = f"{base}/assets/{{content_hash}}"
    routes = [
        WebSocketRoute(base + PATH, live_socket),
        Route(base + CASE_PATH, case_endpoint, methods=["POST"]),
        Route(base + PLAYER_PATH, player_endpoint, methods=["POST"]),
        WebSocketRoute(base + class_socket.PATH, class_socket.class_socket),
        Route(base + class_case.PATH, class_case.class_case_endpoint, methods=["POST"]),
        Route(base + LAB_PATH, lab_redirect),
        Route(base + web_pages.JOIN_PATH, web_pages.join_page),
        Route(base + web_pages.PROJECTOR_PATH, web_pages.projector_page),
        Mount(f"{assets}/classroom/frontend", HashedStaticFiles(directory=CLASS_FRONTEND)),
        Mount(f"{assets}/series_player/frontend", HashedStaticFiles(directory=PLAYER_FRONTEND)),
        Mount(f"{assets}/session/frontend", HashedStaticFiles(directory=SESSION_FRONTEND)),
        Mount(f"{assets}/ui/frontend", HashedStaticFiles(directory=UI_FRONTEND)),
        Mount(f"{assets}/live/frontend", HashedStaticFiles(directory=LIVE_FRONTEND)),
    ]
    app = st.App(
        __file__, routes=routes, middleware=[Middleware(UploadGuard), Middleware(FirstPaint)], lifespan=lifespan
    )
