"""The Lab: the curve under the hand, the maps and the core follow."""

from pages.shared.bench import bench

bench("lab")
