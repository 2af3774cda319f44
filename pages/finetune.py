"""Fine-tune page: gradient steps move the AIF toward a lesion."""

from pages.live.live_page import bench

bench("tune")
