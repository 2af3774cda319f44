"""Fine-tune: the gradient moves the curve toward a lesion, and everybody can watch."""

from pages.shared.bench import bench

bench("tune")
