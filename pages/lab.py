"""Lab page: edit the AIF, and the maps and the core follow."""

from pages.live.live_page import show_live_component

show_live_component("lab")
