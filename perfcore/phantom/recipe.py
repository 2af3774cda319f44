"""Recipe: all parameters of a phantom case in one frozen record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from perfcore.phantom.findings import Findings
from perfcore.phantom.physiology import Bolus, ResidueFamily
from perfcore.phantom.scanner import Scanner
from perfcore.phantom.stroke import Site

Confounder = Literal[
    "partial-volume",
    "distal-aif",
    "venous-contamination",
    "truncated",
    "low-cardiac-output",
    "motion",
    "no-artery",
    "streaks",
]

CONFOUNDERS: Final[dict[Confounder, str]] = {
    "partial-volume": "The arteries are thin and fill only part of a voxel, so their curves are too low.",
    "distal-aif": "The best visible arteries lie beyond the clot: their bolus is late and spread out.",
    "venous-contamination": "Veins run beside the arteries and share their voxels.",
    "truncated": "The bolus came late and the scan stops before the veins have emptied.",
    "low-cardiac-output": "The heart pumps weakly: the bolus is wide, low and late.",
    "motion": "The head jerks while the bolus passes.",
    "no-artery": "The slab lies above the large arteries, and none fills a voxel.",
    "streaks": "Streaks from dense bone cross the slices and flicker from frame to frame.",
}


@dataclass(frozen=True)
class Recipe:
    """Parameters that determine a phantom case.

    Attributes
    ----------
    name, title, lesson
        Short name, heading, and a sentence on what the case teaches.
    patient
        Identifier of the patient; scans of one patient share it, their anatomy and their stroke.
    patient_seed, scan_seed
        Seeds of the random properties of the patient and of this scan.
    site, side
        Occluded artery (None for none) and side (+1 right, −1 left).
    hypoperfused_ml, core_ml
        Volumes in the template's whole brain.
    flow, penumbra_flow, core_flow
        Factors on the CBF and CBV of all tissue, of the penumbra and of the core.
    residue, bolus, scanner
        See :mod:`perfcore.phantom.physiology` and :mod:`perfcore.phantom.scanner`.
    n_slices, slice_mm, pixel_mm, centre_mm, n_time, dt_s
        The slab, its middle (scanner z, near MNI z), and the frames.
    core_border
        Half the width of the continuum between penumbra and core, in units of the core's severity (about 0.03
        per mm); 0 is a step.
    tilt
        Factor on the head's random rotation.
    artery_scale, late_scale
        Factors on the radius of open arteries and of those beyond the clot.
    vessel_blur_mm
        Radius over which the scanner spreads a thin vessel, by which its voxels are diluted.
    late_delay_s, late_tau_s
        Delay and dispersion of the bolus in arteries beyond the clot.
    findings
        Findings beside the stroke.
    confounders
        Properties that make the selection of an AIF difficult.
    """

    name: str
    title: str
    lesson: str
    patient: str
    patient_seed: tuple[int, ...]
    scan_seed: tuple[int, ...]
    site: Site | None = "M1"
    side: int = -1
    hypoperfused_ml: float = 150.0
    core_ml: float = 40.0
    flow: float = 1.0
    penumbra_flow: float = 1.0
    core_flow: float = 1.0
    core_border: float = 0.0
    residue: ResidueFamily = "exponential"
    bolus: Bolus = field(default_factory=Bolus)
    scanner: Scanner = field(default_factory=Scanner)
    n_slices: int = 8
    slice_mm: float = 8.0
    pixel_mm: float = 0.9
    centre_mm: float = 10.0
    n_time: int = 60
    dt_s: float = 1.0
    tilt: float = 1.0
    artery_scale: float = 1.0
    late_scale: float = 0.9
    vessel_blur_mm: float = 0.0
    late_delay_s: float = 2.5
    late_tau_s: float = 1.5
    findings: Findings = field(default_factory=Findings)
    confounders: tuple[Confounder, ...] = ()

    @property
    def side_name(self) -> str | None:
        """``right``, ``left``, or None without an occlusion."""
        if self.site is None:
            return None
        return "right" if self.side > 0 else "left"
