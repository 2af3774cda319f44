"""The Lab: the curve under the hand, the maps and the core follow."""

from pages.live.live_page import bench

bench("lab")
