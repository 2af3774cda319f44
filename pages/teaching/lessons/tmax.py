"""Lessons on Tmax: the transit time in it, and what it is counted from."""

from pages.teaching.lesson import (
    Claim,
    Lesson,
    Picture,
    Quantity,
    SliderQuestion,
    TaskView,
)
from pages.teaching.lessons import papers
from perfcore.aif.edits import CurveEdit
from perfcore.maps import HEALTHY_TMAX_S
from perfcore.teaching import CurveExperiment, SweepExperiment

TMAX = Lesson(
    id="tmax",
    order=110,
    uses_sidebar=True,
    title="Tmax is not the delay",
    minutes=4,
    summary="Tissue that arrives after 3 s can read more than 6.",
    intro="""
Tmax is the time at which k(t) is highest. Ideally k(t) jumps up when blood arrives and falls from there, and
Tmax *is* the delay. Above 6 s tissue counts as hypoperfused.
""",
    question=SliderQuestion(
        "Blood arrives 3 s after the input function, in tissue with an MTT of 8 s. Which Tmax is read?",
        0, 12, 0.5, "s", lambda r: r.behind.tmax[8], 0.6,
        too_low="Tmax is the delay of 3 s and more: the filter rounds k(t), and its top comes "
        "{behind.excess[8]:.1f} s after the arrival at an MTT of 8 s.",
        too_high="The top of k(t) comes later than the arrival, but not by the whole MTT: the filter adds "
        "{behind.excess[8]:.1f} s at an MTT of 8 s.",
    ),
    task="Point at tissue and look at its k(t): it rises over seconds. Lower λ in the sidebar: it rises sooner.",
    experiments={
        "here": SweepExperiment("no delay"),
        "behind": SweepExperiment("3 s behind", delay_s=3),
        "sharp": SweepExperiment("3 s behind, λ 0.1", delay_s=3, settings={"lambda_rel": 0.1}),
        "case": CurveExperiment("this case, λ 0.3"),
        "case_sharp": CurveExperiment("this case, λ 0.1", settings={"lambda_rel": 0.1}),
    },
    quantities=(
        Quantity(
            "Tmax, MTT 2 s, s", lambda o: o.tmax[2], ("here", "behind", "sharp"), takes_attempt=False
        ),
        Quantity(
            "Tmax, MTT 8 s, s", lambda o: o.tmax[8], ("here", "behind", "sharp"), takes_attempt=False
        ),
        Quantity(
            "Tmax, MTT 20 s, s", lambda o: o.tmax[20], ("here", "behind", "sharp"), takes_attempt=False
        ),
        Quantity("healthy Tmax, s", lambda o: o.healthy.tmax, ("case", "case_sharp")),
    ),
    outcome="""
**{behind.tmax[8]:.1f} s**: the delay of 3 s and {behind.excess[8]:.1f} s on top. At an MTT of 2 s it is
{behind.excess[2]:.1f} s on top, at 20 s {behind.excess[20]:.1f} s. With λ = 0.1 the tissue of 8 s reads
{sharp.tmax[8]:.1f} s.
""",
    why="""
The filter rounds k(t): the jump becomes a slope, and the top moves to later times, the more so the slower the
decay behind it. The excess hardly depends on the delay ({here.excess[8]:.1f} s without any), but it does on
MTT, on λ and on the bolus. Healthy tissue of this case, which arrives within about a second, reads
{case.healthy.tmax:.1f} s.

So Tmax mixes **delay and transit time**. That is why it finds tissue at risk, which has both, and why 6 s is
not six seconds of delay.
""",
    charted=("behind", "sharp"),
    claims=(
        Claim("Tmax is above the delay", lambda r: all(x > 1 for x in r.behind.excess.values())),
        Claim("the excess grows with the MTT",
              lambda r: r.behind.excess[2] < r.behind.excess[4] < r.behind.excess[8] < r.behind.excess[20]),
        Claim("it hardly depends on the delay",
              lambda r: all(abs(r.behind.excess[mtt] - r.here.excess[mtt]) < 0.2 for mtt in r.here.excess)),
        Claim("3 s of delay with an MTT of 8 s cross 6 s", lambda r: r.behind.tmax[8] > 6),
        Claim("a smaller λ has less of it", lambda r: r.sharp.excess[8] < r.behind.excess[8]),
    ),
    reading=(papers.CALAMANTE_TMAX, papers.WU),
    picture=Picture("tmax", "case", "case_sharp", "healthy Tmax, s", lambda o: o.healthy.tmax),
    view=TaskView(("tmax", "rcbf"), "hypoperfused_ml"),
    solution="case_sharp",
)  # fmt: skip

_ANCHORED = {"tmax_reference": "healthy"}

CLOCK = Lesson(
    id="clock",
    order=115,
    uses_sidebar=True,
    title="Tmax belongs to the AIF until it is anchored",
    minutes=4,
    summary="The input function is read 4 s too late. Where does the hypoperfused tissue go?",
    intro="""
Tmax counts seconds **from the input function**. An artery behind the clot, or a curve drawn by a network, can be a
few seconds late or early against the true one. Delay-invariant deconvolution keeps CBF; Tmax changes by the whole
delay. With the true artery {true.hypoperfused_ml:.0f} ml lie above 6 s.
""",
    question=SliderQuestion(
        "The input function comes 4 s later, nothing else. How many millilitres lie above 6 s?",
        0, 200, 5, "ml", lambda r: r.late.hypoperfused_ml, 20,
        too_low="All of Tmax falls by 4 s, but the lesion lies well above the line: it reads "
        "{late.lesion.tmax:.1f} s in place of {true.lesion.tmax:.1f} s, so that {late.hypoperfused_ml:.0f} ml "
        "stay above 6 s.",
        too_high="Tmax counts from the input function: one that is 4 s late takes 4 s off every voxel, and the "
        "tissue between 6 and 10 s is no longer above the line ({late_change:+.0%}).",
    ),
    task="""
*Shift* the curve by +4 s and watch the hypoperfused volume. Then set *Tmax counted from* to *healthy tissue* under
*Smoothing, thresholds*.
""",
    experiments={
        "early": CurveExperiment("4 s early", edit=CurveEdit(shift_s=-4)),
        "true": CurveExperiment("true artery"),
        "late": CurveExperiment("4 s late", edit=CurveEdit(shift_s=4)),
        "early_anchored": CurveExperiment("4 s early, anchored", edit=CurveEdit(shift_s=-4), settings=_ANCHORED),
        "true_anchored": CurveExperiment("true artery, anchored", settings=_ANCHORED),
        "late_anchored": CurveExperiment("4 s late, anchored", edit=CurveEdit(shift_s=4), settings=_ANCHORED),
    },
    quantities=(
        Quantity("Tmax > 6 s, ml", lambda o: o.hypoperfused_ml, ("early", "true", "late")),
        Quantity(
            "Tmax > 6 s, anchored, ml", lambda o: o.hypoperfused_ml,
            ("early_anchored", "true_anchored", "late_anchored"),
        ),
        Quantity("healthy Tmax, s", lambda o: o.healthy.tmax, ("early", "true", "late", "late_anchored")),
        Quantity("core, ml", lambda o: o.core_ml, ("early", "true", "late")),
    ),
    outcome="""
**{late.hypoperfused_ml:.0f} ml** in place of {true.hypoperfused_ml:.0f} ml; 4 s too early it is
{early.hypoperfused_ml:.0f} ml. Counted from healthy tissue it is {late_anchored.hypoperfused_ml:.0f},
{true_anchored.hypoperfused_ml:.0f} and {early_anchored.hypoperfused_ml:.0f} ml. The core hardly
moves: {late.core_ml:.1f} ml with the late curve, {true.core_ml:.1f} ml with the true one.
""",
    why="""
A shift of the input function shifts k(t) of **every** voxel by as much the other way: healthy tissue reads
{late.healthy.tmax:.1f} s in place of {true.healthy.tmax:.1f} s, the lesion {late.lesion.tmax:.1f} s in place of
{true.lesion.tmax:.1f} s. The line at 6 s stays where it is, so the volume changes by
{late_change:+.0%} and {early_change:+.0%}, and the mismatch with it.

The difference between lesion and healthy tissue does not change. *Counted from healthy tissue*, Tmax is shifted so
that the median of the healthy hemisphere is {anchor_s:.1f} s, and the volume stays within {anchored_change:.1%};
the rest is the tail that the late curve loses when the scan ends. The anchor is blind where the healthy side is
late itself, as behind a narrowed carotid: a shift of more than 2 s is therefore flagged.
""",
    charted=("true", "late"),
    claims=(
        Claim("a late input function hides hypoperfused tissue", lambda r: r.late_change < -0.3),
        Claim("an early one finds too much", lambda r: r.early_change > 0.3),
        Claim("Tmax moves by the shift", lambda r: all(
            abs(r[name].healthy.tmax - r.true.healthy.tmax + shift) < 0.1
            for name, shift in (("early", -4), ("late", 4))
        )),
        Claim("the anchored volume hardly moves", lambda r: r.anchored_change < 0.05),
        Claim("nor does the anchored Tmax of the lesion", lambda r: all(
            abs(r[name].lesion.tmax - r.true_anchored.lesion.tmax) < 0.2
            for name in ("early_anchored", "late_anchored")
        )),
        Claim("with the true artery the anchor changes little",
              lambda r: abs(r.true_anchored.hypoperfused_ml / r.true.hypoperfused_ml - 1) < 0.05),
        Claim("the core stays", lambda r: all(
            abs(r[name].core_ml / r.true.core_ml - 1) < 0.03 for name in ("early", "late", "late_anchored")
        )),
    ),
    reading=(papers.CALAMANTE_TMAX, papers.WU, papers.CALAMANTE_AIF),
    picture=Picture("tmax", "true", "late", "Tmax > 6 s, ml", lambda o: o.hypoperfused_ml),
    view=TaskView(("tmax", "rcbf"), "hypoperfused_ml", "handles"),
    solution="late",
    numbers={
        "late_change": lambda r: r.late.hypoperfused_ml / r.true.hypoperfused_ml - 1,
        "early_change": lambda r: r.early.hypoperfused_ml / r.true.hypoperfused_ml - 1,
        "anchored_change": lambda r: max(
            abs(r[name].hypoperfused_ml / r.true_anchored.hypoperfused_ml - 1)
            for name in ("early_anchored", "late_anchored")
        ),
        "anchor_s": lambda _: HEALTHY_TMAX_S,
    },
)  # fmt: skip
