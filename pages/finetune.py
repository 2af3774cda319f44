"""Fine-tune page: gradient steps move the AIF toward a lesion."""

from pages.live.live_page import show_live_component

show_live_component("tune")
