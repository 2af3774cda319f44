"""Fine-tune: the gradient moves the curve toward a lesion, and everybody can watch."""

from pages.live.live_page import bench

bench("tune")
