"""Plausibility checks of a series, in the order in which they are made."""

from __future__ import annotations

from math import inf
from typing import Final

from perfcore.plausibility.check import Check

SERIES_CHECKS: Final = (
    Check(
        code="mr_signal",
        measured="fall of the mean signal",
        unit="%",
        normal=(-inf, 0.03),
        possible=(-inf, 0.03),
        high=(
            "This is an MR series, not CT, since the signal falls while the contrast passes and no voxel is below"
            " 0"
        ),
        remedy="read it with --units dsc (in the browser: Voxel values, MR signal)",
        source=("a gradient-echo signal falls by 10 to 40 % in tissue (doi:10.1002/jmri.20460); a CT value rises"),
    ),
    Check(
        code="baseline_subtracted",
        measured="voxels that begin within 20 HU of 0",
        unit="%",
        normal=(0.0, 0.7),
        possible=(0.0, 0.7),
        high="The baseline was subtracted from this series already, so its first frames show no anatomy",
        remedy=(
            "read it with --units concentration and a brain mask (--mask FILE), or give the series in Hounsfield "
            "units"
        ),
        source=(
            "in a head 5 to 15 % of the voxels (CSF) lie there; air is at −1000, brain at 30 and bone above 200 HU"
        ),
    ),
    Check(
        code="hu_offset",
        measured="voxels between 1024 and 1124",
        unit="%",
        normal=(0.0, 0.05),
        possible=(0.0, 0.05),
        high=(
            "The values are stored numbers, 1024 above Hounsfield units, since the rescale intercept was not "
            "applied"
        ),
        remedy="subtract 1024 from every voxel, or export the series anew with its rescale slope and intercept",
        source="DICOM PS3.3 C.11.1.1.2; soft tissue is between 0 and 100 HU, which no voxel of this series is",
    ),
    Check(
        code="hu_windowed",
        measured="voxels at the largest value",
        unit="%",
        normal=(0.0, 0.005),
        possible=(0.0, 0.005),
        high="The values are those of a windowed 8-bit picture, not Hounsfield units",
        remedy="export the original series with its rescale slope and intercept",
        source="bone is above 255 HU; in a CT series single voxels hold the largest value",
    ),
    Check(
        code="vessels_cut_off",
        measured="vessel curves that reach the largest value of the series",
        unit="%",
        normal=(0.0, 0.02),
        possible=(0.0, 0.2),
        high="The values are cut off at a maximum that the vessels reach, so the peak of the AIF is missing",
        remedy="export the series without a window",
        source="contrast-filled blood reaches 200 to 600 HU and bone far more",
    ),
    Check(
        code="mask_air",
        measured="voxels of the mask below −200 HU",
        unit="%",
        normal=(0.0, 0.01),
        possible=(0.0, 0.1),
        high=(
            "The brain mask covers air, so it was made for another grid or is mirrored, and the air counts as core"
        ),
        remedy="give the mask of this series, or leave it out",
        source=(
            "fat is above −150 HU and the skull lies between brain and air; 10 % of a brain is more than a common"
            " core"
        ),
    ),
    Check(
        code="mask_bone",
        measured="voxels of the mask above 200 HU",
        unit="%",
        normal=(0.0, 0.05),
        possible=(0.0, 0.15),
        high=(
            "The brain mask covers bone, so it includes the skull or is displaced or mirrored, and the bone "
            "counts as core"
        ),
        remedy="give the mask of the brain, or leave it out",
        source=(
            "brain and clotted blood are below 100 HU; 5 % allows for calcifications and for a border on the skull"
        ),
    ),
    Check(
        code="no_brain_outline",
        measured="voxels with a signal that do not enhance",
        unit="%",
        normal=(0.0, 0.18),
        possible=(0.0, 0.18),
        high="A series of enhancement does not show where the brain ends, so skull and air would count as core",
        remedy="give a brain mask (--mask FILE), or set all voxels outside the brain to 0",
        source=(
            "phantom cohort: at most 16 % of a brain, 19 to 27 % of a head, 58 % and more of a field of view; a "
            "mask drawn from the enhancement moves the core by a factor of 2 with its threshold"
        ),
    ),
    Check(
        code="enhancement_falls",
        measured="fall of healthy tissue, of the range of its curve",
        unit="%",
        normal=(0.0, 0.6),
        possible=(0.0, 0.6),
        high=(
            "The enhancement falls where it must rise, so the subtraction was the wrong way round or the values "
            "are inverted"
        ),
        remedy="multiply the series by −1",
        source="the healthy curve of the phantom cohort falls by at most 6 %",
    ),
    Check(
        code="contrast_at_start",
        measured="change of healthy tissue at the start, of the range of its curve",
        unit="%",
        normal=(0.0, 0.05),
        possible=(0.0, 0.22),
        high=(
            "The first frame already holds contrast, since the scan began after the bolus had reached the head: "
            "baseline and AIF lack their start, and core and Tmax are unreliable"
        ),
        remedy="give a series that begins before the contrast arrives",
        source=(
            "phantom cohort, cut at its start: at most 4 % with a baseline, 11 % where the artery's first frame "
            "is at 20 % of its peak (volumes still right), 20 to 28 % at half of it (hypoperfused volume wrong by"
            " 40 % and more)"
        ),
    ),
    Check(
        code="scan_ends_early",
        measured="healthy tissue in the last frame, of its peak",
        unit="%",
        normal=(-inf, 0.8),
        possible=(-inf, 0.9),
        high=(
            "The scan ends before the contrast has passed through the tissue, so core and Tmax are wrong: the "
            "core is too large, and hypoperfused tissue, which peaks later, is lost"
        ),
        remedy="give a scan of 60 to 70 s",
        source=(
            "phantom cohort, cut at its end: volumes hold up to 75 %; from 90 % on three quarters of the "
            "hypoperfused volume and more are lost; duration: doi:10.1371/journal.pone.0119409"
        ),
    ),
    Check(
        code="head_cut",
        measured="contact of the brain with the border of the image, of its extent",
        unit="%",
        normal=(0.0, 0.5),
        possible=(0.0, inf),
        high=(
            "The field of view cuts through the brain, so part of a hemisphere is missing and the healthy mean "
            "may be that of ill tissue"
        ),
        remedy="give a series with the whole head",
        source=(
            "a head lies within the field of view; a crop to the brain touches it at a tangent, a cut 12 mm deep "
            "in half"
        ),
    ),
    Check(
        code="half_head",
        measured="width of the brain over its length",
        normal=(0.55, inf),
        possible=(0.0, inf),
        low=(
            "Only one half of the head is there, and without a healthy side to compare with rCBF and core are "
            "wrong"
        ),
        remedy="give a series, or a mask, with both hemispheres",
        source="width 130 to 150 mm, length 160 to 185 mm (cephalic index 0.7 to 0.9); a half is below 0.5",
    ),
)
"""Measured by :mod:`perfcore.preprocess.series_checks`."""
