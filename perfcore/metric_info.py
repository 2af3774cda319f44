"""Registry of the figures of an analysis or evaluation: names, units, digits, and which values are better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from perfcore.stroke_figures import TMAX_LEVELS_S


@dataclass(frozen=True)
class MetricInfo:
    """A figure of an analysis or of an evaluation, and how it is shown.

    Attributes
    ----------
    id
        In JSON, CSV and the browser's messages.
    label, name
        In tables, and where there is room.
    unit
        Empty for ratios.
    digits
        Behind the decimal point.
    better
        Which values are better, or None where the metric is not a measure of quality.
    tested
        Whether an evaluation shows its differences between methods, with their tests.
    negligible
        Differences between methods below this are no difference; 0 where none is so small.
    help
        What it is, in a sentence; for those that the Lab shows.
    """

    id: str
    label: str
    name: str
    unit: str
    digits: int
    better: Literal["higher", "lower", "zero"] | None = None
    tested: bool = False
    negligible: float = 0.0
    help: str = ""

    @property
    def title(self) -> str:
        """Label with the unit, for the head of a column."""
        return f"{self.label}, {self.unit}" if self.unit else self.label

    @property
    def long_title(self) -> str:
        """Name with the unit, for an axis."""
        return f"{self.name}, {self.unit}" if self.unit else self.name

    def text(self, value: float | bool | str | None) -> str:
        """Return a value with its digits, yes or no, or a word as it is; a dash where it has no meaning."""
        if value is None or isinstance(value, str):
            return value or "–"
        if isinstance(value, bool):
            return "yes" if value else "no"
        return f"{value:.{self.digits}f}".replace("-", "−")


NEGLIGIBLE_DICE: Final = 0.005
"""Difference in Dice below which methods are called equal; smaller ones have no meaning for a patient."""


def _dice_info(name: str, label: str, long_name: str, text: str = "") -> MetricInfo:
    return MetricInfo(name, label, long_name, "", 3, "higher", tested=True, negligible=NEGLIGIBLE_DICE, help=text)


METRICS: Final[dict[str, MetricInfo]] = {
    info.id: info
    for info in (
        _dice_info("dice", "Dice", "Core Dice", "Overlap of the core with the known lesion, 0 to 1."),
        _dice_info("hard_dice", "Dice, other scan", "Core Dice with the lesion of another scan"),
        _dice_info("calibrated_dice", "Dice, calibrated", "Core Dice at the calibrated threshold"),
        MetricInfo(
            "auc",
            "AUC",
            "AUC of rCBF",
            "",
            3,
            "higher",
            tested=True,
            help="How well rCBF separates the known lesion from other tissue at any threshold; 0.5 is chance.",
        ),
        MetricInfo("jaccard", "Jaccard", "Jaccard", "", 3, "higher"),
        MetricInfo("hd95_mm", "95 % HD", "95 % Hausdorff distance", "mm", 1, "lower"),
        MetricInfo("volume_bias_ml", "Volume bias", "Volume bias", "ml", 1, "zero", tested=True),
        _dice_info("hypoperfused_dice", "Hypoperf. Dice", "Hypoperfusion Dice"),
        _dice_info("hypoperfused_dice_anchored", "Hypoperf. Dice, anchored", "Hypoperfusion Dice, anchored Tmax"),
        MetricInfo("aif_r", "AIF r", "Correlation with the true AIF", "", 3, "higher"),
        MetricInfo("tmax_bias_s", "Tmax bias", "Tmax minus that of the true AIF, mean", "s", 2, "zero"),
        MetricInfo("tmax_sd_s", "Tmax SD", "Tmax minus that of the true AIF, SD", "s", 2, "lower"),
        MetricInfo(
            "core_ml",
            "Core",
            "Core",
            "ml",
            1,
            help="Volume of the tissue whose relative CBF is below the threshold.",
        ),
        MetricInfo(
            "hypoperfused_ml",
            "Hypoperfused",
            "Hypoperfused",
            "ml",
            1,
            help="Volume of the tissue whose Tmax is above the threshold.",
        ),
        MetricInfo(
            "mismatch_ml",
            "Mismatch",
            "Mismatch",
            "ml",
            1,
            help="Hypoperfused volume minus core, at least 0: tissue that may still be saved.",
        ),
        MetricInfo(
            "mismatch_ratio",
            "Ratio",
            "Mismatch ratio",
            "",
            2,
            help="Hypoperfused volume divided by core; below 1 there is no mismatch.",
        ),
        *(
            MetricInfo(f"tmax_{level}_ml", f"Tmax > {level} s", f"Tmax above {level} s", "ml", 1)
            for level in TMAX_LEVELS_S
        ),
        MetricInfo("hypoperfusion_index", "Index", "Hypoperfusion index", "", 2),
        MetricInfo("target_mismatch", "Target", "Target mismatch", "", 0),
        MetricInfo("side", "Side", "Affected side", "", 0),
        MetricInfo(
            "reference_cbf",
            "Healthy CBF",
            "Healthy CBF",
            "ml/100 g/min",
            1,
            help="Mean CBF of healthy tissue. A large λ lowers it: at 0.3 the deconvolution reads far below "
            "the physiological 50 ml/100 g/min. rCBF divides by it.",
        ),
        MetricInfo("lesion_ml", "Known core", "Known core", "ml", 1),
        MetricInfo("seconds", "Time", "Time taken", "s", 1),
    )
}
RELEASED: Final = (
    "dice", "hard_dice", "calibrated_dice", "auc", "hypoperfused_dice", "hypoperfused_dice_anchored",
    "volume_bias_ml", "aif_r", "tmax_bias_s",
)  # fmt: skip
"""Metrics of the trained networks in the model card, in the order of its table."""
LIVE: Final = (
    "core_ml", "hypoperfused_ml", "mismatch_ml", "mismatch_ratio", "dice", "auc", "reference_cbf",
)  # fmt: skip
"""Metrics that the Lab follows, in its order."""
COMPARED: Final = (
    "core_ml", "hypoperfused_ml", "target_mismatch", "hypoperfusion_index", "dice", "auc", "reference_cbf",
)  # fmt: skip
"""Metrics in the table of Compare, in its order."""
TORNADO: Final = ("core_ml", "hypoperfused_ml", "reference_cbf")
"""Metrics of the tornado chart."""


def evaluated() -> tuple[str, ...]:
    """Return the metrics of an evaluation, in the order of its table: those of which some values are better."""
    return tuple(info.id for info in METRICS.values() if info.better is not None)
