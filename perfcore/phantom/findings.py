"""Findings beside the stroke: old infarcts, white-matter disease, a narrow carotid artery, emboli elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from perfcore.phantom.anatomy import HU, Head
from perfcore.phantom.stroke import Stroke, at_voxels, ball, brain_mask, smooth_field, voxel_positions
from perfcore.types import BoolArray, DoubleArray, FloatArray

Finding = Literal["chronic-infarct", "leukoaraiosis", "carotid-stenosis", "emboli"]

FINDINGS: Final[dict[Finding, str]] = {
    "chronic-infarct": "An old infarct has left a cavity: its flow is low, but it is no part of this stroke.",
    "leukoaraiosis": "The white matter around the ventricles is dark on CT and has a low flow on both sides.",
    "carotid-stenosis": "A narrow carotid artery delays the bolus in a hemisphere that is not starving.",
    "emboli": "Small clots have closed arteries elsewhere as well: the core has islands.",
}
SCAR_LOSS: Final = 0.9
"""Part of the tissue that an old infarct has replaced by CSF."""
LEUKOARAIOSIS_HU: Final = -6.0
_CAPS_MM: Final = ((20.0, 30.0, 10.0), (25.0, 5.0, 24.0), (26.0, -20.0, 26.0), (28.0, -48.0, 20.0))
"""White matter around the lateral ventricles on the right, MNI."""
_CAP_SIGMA_MM: Final = 10.0
_REACH_MM: Final = 14.0
"""Distance from the height of interest within which old infarcts and emboli lie."""


@dataclass(frozen=True)
class Findings:
    """Findings of a patient; the default is none.

    Attributes
    ----------
    chronic_infarct_ml
        Volume of an old infarct outside the tissue at risk.
    leukoaraiosis
        Part of its flow that white matter around the ventricles has lost, 0 to 1.
    carotid_delay_s, carotid_side
        Delay of the bolus in the anterior circulation of a side (+1 right, -1 left).
    n_emboli
        Number of small infarcts outside the tissue at risk.
    centre_mm
        MNI height near which old infarcts and emboli lie.
    """

    chronic_infarct_ml: float = 0.0
    leukoaraiosis: float = 0.0
    carotid_delay_s: float = 0.0
    carotid_side: int = 1
    n_emboli: int = 0
    centre_mm: float = 10.0

    @property
    def names(self) -> tuple[Finding, ...]:
        """Keys of ``FINDINGS``, in their order."""
        present = (self.chronic_infarct_ml, self.leukoaraiosis, self.carotid_delay_s, self.n_emboli)
        return tuple(name for name, amount in zip(FINDINGS, present, strict=True) if amount > 0)

    def delays(self, mni_mm: FloatArray) -> FloatArray:
        """Return the delay that a narrow carotid artery adds, s. Shapes ``(3, ...)`` → ``(...)``.

        It ends smoothly at the midline and at the territory of the posterior cerebral artery.
        """
        x, y, _ = mni_mm
        side = np.clip(x * np.float32(self.carotid_side) / np.float32(8), 0, 1)
        front = np.clip((y + np.float32(65)) / np.float32(25), 0, 1)
        return np.asarray(np.float32(self.carotid_delay_s) * side * front, np.float32)


def with_findings(head: Head, findings: Findings, stroke: Stroke | None, seed: tuple[int, ...]) -> Head:
    """Return the head with old infarct and white-matter disease: less tissue, darker on CT.

    Leukoaraiosis changes the CT here; its flow is :func:`white_matter_flow`.
    """
    if findings.chronic_infarct_ml > 0:
        rng = np.random.default_rng([*seed, 6])
        field = ball(_place(rng, findings, stroke), findings.chronic_infarct_ml, brain_mask().shape)
        field += smooth_field(rng, 2.0, 2.5)
        scar = np.float32(SCAR_LOSS) * np.clip(
            at_voxels(field, head.mni_mm) / np.float32(3) + np.float32(0.5), 0, 1
        )
        tissue = head.gm + head.wm
        baseline = head.baseline + scar * tissue * (np.float32(HU["csf"]) - head.baseline)
        head = replace(head, gm=head.gm * (1 - scar), wm=head.wm * (1 - scar), baseline=baseline)
    if findings.leukoaraiosis > 0:
        darker = np.float32(LEUKOARAIOSIS_HU) * _caps(head.mni_mm) * head.wm
        head = replace(head, baseline=head.baseline + darker)
    return head


def white_matter_flow(findings: Findings, mni_mm: FloatArray) -> FloatArray:
    """Return the factor on the flow of white matter. Shapes ``(3, ...)`` → ``(...)``."""
    return np.asarray(1 - np.float32(findings.leukoaraiosis) * _caps(mni_mm), np.float32)


def emboli_field(findings: Findings, stroke: Stroke | None, seed: tuple[int, ...]) -> FloatArray:
    """Return the signed distance to the emboli's infarcts on the 3 mm grid, mm, positive inside."""
    rng = np.random.default_rng([*seed, 7])
    field = np.full(brain_mask().shape, -99.0, np.float32)
    for _ in range(findings.n_emboli):
        field = np.maximum(field, ball(_place(rng, findings, stroke), float(rng.uniform(0.4, 1.6)), field.shape))
    return field


def _place(rng: np.random.Generator, findings: Findings, stroke: Stroke | None) -> DoubleArray:
    """Draw a place in the brain outside the tissue at risk, near the height of interest, MNI mm."""
    free: BoolArray = brain_mask().copy()
    if stroke is not None:
        free &= stroke.hypoperfused < -6
    places = voxel_positions(np.argwhere(free))
    places = places[np.abs(places[:, 2] - findings.centre_mm) < _REACH_MM]
    return np.asarray(places[rng.integers(len(places))], np.float64)


def _caps(mni_mm: FloatArray) -> FloatArray:
    """Return nearness to the lateral ventricles' caps, 0 to 1. Shapes ``(3, ...)`` → ``(...)``."""
    x, y, z = mni_mm
    near = np.zeros(x.shape, np.float32)
    for cap in _CAPS_MM:
        square = (
            (np.abs(x) - np.float32(cap[0])) ** 2 + (y - np.float32(cap[1])) ** 2 + (z - np.float32(cap[2])) ** 2
        )
        np.maximum(near, np.exp(-square / np.float32(2 * _CAP_SIGMA_MM**2)), out=near)
    return near
