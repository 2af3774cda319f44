"""Lessons on the scan and on where the input function was taken."""

from pages.teaching.lesson import Claim, Lesson, Picture, Quantity, SliderQuestion, TaskView
from pages.teaching.lessons import papers
from perfcore.aif.edits import CurveEdit
from perfcore.teaching import CurveExperiment

_CORE = "core, ml"
_TMAX = "Tmax > 6 s, ml"

TRUNCATED = Lesson(
    id="truncated",
    order=50,
    title="A scan that stops too early",
    minutes=4,
    summary="Half a minute less of scanning saves dose, and cuts off the tissue that fills last.",
    intro="""
Tissue behind a clot fills late and empties later. A scan that ends early has seen the first pass of the artery
whole, healthy tissue almost whole, and the core only in part.
""",
    question=SliderQuestion(
        "The scan ends at 35 s in place of {last:.0f} s. What share of its CBV is left in the core?",
        0, 100, 1, "%", lambda r: 100 * r.core_left, 10,
        too_low="The core is late, but half of its contrast has come by 35 s: {core_left:.0%} of the area is "
        "left.",
        too_high="The core fills late and empties later. At 35 s it has much of its contrast still to come, so it "
        "loses {core_lost:.0%}, healthy tissue {healthy_lost:.0%}.",
    ),
    task="*Cut* the curve at 35 s: the tissue goes on, and CBV rises. A scan that stops cuts both: see *See*.",
    experiments={
        "whole": CurveExperiment("whole scan"),
        "s40": CurveExperiment("40 s", stop_s=40),
        "s35": CurveExperiment("35 s", stop_s=35),
        "s28": CurveExperiment("28 s", stop_s=28),
        "cut": CurveExperiment("curve cut at 35 s", edit=CurveEdit(cut_s=35)),
    },
    quantities=(
        Quantity("CBV of the core, ml/100 g", lambda o: o.lesion.cbv, ("whole", "s40", "s35", "s28", "cut")),
        Quantity(
            "CBV of healthy tissue, ml/100 g", lambda o: o.healthy.cbv, ("whole", "s40", "s35", "s28", "cut")
        ),
        Quantity(_TMAX, lambda o: o.hypoperfused_ml, ("whole", "s40", "s35", "s28")),
    ),
    outcome="""
At 35 s **{core_left:.0%}** of the core's CBV is left, and {healthy_left:.0%} of healthy tissue's. The core's
MTT falls from {whole.lesion.mtt:.1f} to {s35.lesion.mtt:.1f} s. At 28 s the tissue above 6 s is
{s28.hypoperfused_ml:.0f} ml, where it was {whole.hypoperfused_ml:.0f} ml; the core reads {s28.core_ml:.0f} ml,
where it was {whole.core_ml:.0f}.
""",
    why="""
CBV is an area under a curve, and a curve that is cut has less of it. The later the tissue, the more is cut:
healthy tissue loses {healthy_lost:.0%}, the core {core_lost:.0%}. MTT = CBV/CBF falls along, and slow tissue
looks quick. CBF and Tmax need only the rise and the top of k(t), so they stand until the scan ends
before the late tissue has peaked: then its k(t) has no top, and delay can no longer be read.

Guidelines recommend 60 to 70 s. The warning in the Lab tests the vein: it should have fallen to half of its
peak.
""",
    charted=("whole", "s28"),
    claims=(
        Claim("the core loses a larger share than healthy tissue", lambda r: r.core_lost > 2 * r.healthy_lost > 0),
        Claim("CBV falls the more the sooner the scan ends",
              lambda r: r.whole.lesion.cbv > r.s40.lesion.cbv > r.s35.lesion.cbv > r.s28.lesion.cbv),
        Claim("MTT of the core falls", lambda r: r.s35.lesion.mtt < 0.7 * r.whole.lesion.mtt),
        Claim("the core's volume stands at 35 s, and not at 28 s",
              lambda r: abs(r.s35.core_ml / r.whole.core_ml - 1) < 0.05
              < abs(r.s28.core_ml / r.whole.core_ml - 1)),
        Claim("at 28 s the hypoperfused tissue is lost",
              lambda r: r.s28.hypoperfused_ml < 0.6 * r.whole.hypoperfused_ml),
    ),
    reading=(papers.BORST, papers.FIESELMANN),
    picture=Picture("cbv", "whole", "s35", "CBV of the core, ml/100 g", lambda o: o.lesion.cbv, 2),
    view=TaskView(("cbv", "rcbf"), "core_ml", "handles"),
    solution="cut",
    numbers={
        "last": lambda r: r.whole.dt_s * (r.whole.curve.size - 1),
        "core_left": lambda r: r.s35.lesion.cbv / r.whole.lesion.cbv,
        "healthy_left": lambda r: r.s35.healthy.cbv / r.whole.healthy.cbv,
        "core_lost": lambda r: 1 - r.s35.lesion.cbv / r.whole.lesion.cbv,
        "healthy_lost": lambda r: 1 - r.s35.healthy.cbv / r.whole.healthy.cbv,
    },
)  # fmt: skip

DISTAL = Lesson(
    id="distal",
    order=60,
    title="An artery beyond the clot",
    minutes=5,
    summary="The brightest artery in the slab lies behind the occlusion. The penumbra disappears.",
    case="demo-distal-aif",
    intro="""
In this slab the best visible arteries lie **beyond the clot**: blood reaches them through collaterals, late and
spread out. The automatic selector takes them all the same. Measured from the true artery,
{true.hypoperfused_ml:.0f} ml have a Tmax above 6 s.
""",
    question=SliderQuestion(
        "With the input function from beyond the clot: how many millilitres have a Tmax above 6 s?",
        0, 250, 5, "ml", lambda r: r.distal.hypoperfused_ml, 15,
        too_low="Not all of it is hidden: the tissue with the longest delay and transit time still peaks more "
        "than 6 s after the late curve, {distal.hypoperfused_ml:.0f} ml.",
        too_high="Tmax counts from the input function. A curve that is itself behind the clot starts the clock "
        "after the delay, so the tissue behind the same clot seems hardly late: {true.hypoperfused_ml:.0f} → "
        "{distal.hypoperfused_ml:.0f} ml.",
    ),
    task="This is the true artery. Choose *Straka* as source and look at Tmax; then shift by −3 s.",
    experiments={
        "true": CurveExperiment("true artery"),
        "distal": CurveExperiment("beyond the clot", curve="automatic"),
        "moved": CurveExperiment("the same 3 s earlier", curve="automatic", edit=CurveEdit(shift_s=-3)),
    },
    quantities=(
        Quantity(_TMAX, lambda o: o.hypoperfused_ml, ("true", "distal", "moved")),
        Quantity("mismatch, ml", lambda o: o.mismatch_ml, ("true", "distal", "moved")),
        Quantity(_CORE, lambda o: o.core_ml, ("true", "distal", "moved")),
    ),
    outcome="""
**{distal.hypoperfused_ml:.0f} ml** in place of {true.hypoperfused_ml:.0f} ml; the mismatch falls from
{true.mismatch_ml:.0f} to {distal.mismatch_ml:.0f} ml. The core hardly moves: {true.core_ml:.1f} and
{distal.core_ml:.1f} ml. {distal.leading:.0%} of the tissue seems to be ahead of its artery ({true.leading:.0%}
before).
""",
    why="""
Tmax counts from the input function. One that is itself behind the clot starts the clock after the delay: it
peaks at {distal.peak_s:.0f} s, the true one at {true.peak_s:.0f} s. The tissue behind the same clot then has
next to no delay, and healthy tissue a negative one. Its height ({distal.peak:.0f} against {true.peak:.0f} HU)
makes CBF read {distal.healthy.cbf:.0f} in place of {true.healthy.cbf:.0f}, to which rCBF is invariant.

The delay-invariant form keeps the core. A treatment decision rests on the mismatch too, and that is gone.
**Healthy tissue with a negative Tmax is the sign**: an input function that tissue leads was taken too far
downstream. Moved 3 s earlier, it gives {moved.hypoperfused_ml:.0f} ml.
""",
    charted=("true", "distal"),
    claims=(
        Claim("the hypoperfused tissue is hidden",
              lambda r: r.distal.hypoperfused_ml < 0.5 * r.true.hypoperfused_ml),
        Claim("so is the mismatch", lambda r: r.distal.mismatch_ml < 0.3 * r.true.mismatch_ml),
        Claim("the core stays", lambda r: abs(r.distal.core_ml / r.true.core_ml - 1) < 0.1),
        Claim("healthy tissue leads", lambda r: r.distal.leading > r.true.leading + 0.2),
        Claim("the curve is later and lower", lambda r: r.distal.peak_s > r.true.peak_s
              and r.distal.peak < r.true.peak),
        Claim("an earlier curve brings the hypoperfused tissue back",
              lambda r: r.moved.hypoperfused_ml > 3 * r.distal.hypoperfused_ml),
    ),
    reading=(papers.CALAMANTE_AIF, papers.MOURIDSEN, papers.STRAKA),
    picture=Picture("tmax", "true", "distal", _TMAX, lambda o: o.hypoperfused_ml),
    view=TaskView(("tmax", "rcbf"), "hypoperfused_ml", "handles"),
    solution="distal",
)  # fmt: skip

VEIN = Lesson(
    id="vein",
    order=70,
    title="A vein in place of an artery",
    minutes=4,
    summary="Large, bright and easy to hit: the sinus. The maps come out, and look plausible.",
    intro="""
The sagittal sinus is the brightest vessel of most slabs, and a click lands there easily. Its curve has passed
the brain: it is later and wider than the artery's, with about the same area.
""",
    question=SliderQuestion(
        "The sinus serves as input function. What share of the brain seems to receive its blood *before* it?",
        0, 100, 1, "%", lambda r: 100 * r.vein.leading, 10,
        too_low="Blood reaches the vein after the tissue: the vein peaks at {vein.peak_s:.0f} s, the artery at "
        "{artery.peak_s:.0f} s. All tissue that is not late itself leads it, {vein.leading:.0%} of the brain.",
        too_high="The tissue behind the clot is so late that it follows the vein, too: {vein.leading:.0%} of the "
        "brain lead it, not all.",
    ),
    task="Choose *Vein (VOF)* as the source. Or make one: *shift* the curve by 4 s and *disperse* it by 2 s.",
    experiments={
        "artery": CurveExperiment("artery"),
        "vein": CurveExperiment("vein", curve="vein"),
        "causal": CurveExperiment("artery, causal", settings={"deconvolution": "causal"}),
        "vein_causal": CurveExperiment("vein, causal", curve="vein", settings={"deconvolution": "causal"}),
    },
    quantities=(
        Quantity("brain with Tmax < 0, %", lambda o: 100 * o.leading, ("artery", "vein")),
        Quantity(_TMAX, lambda o: o.hypoperfused_ml, ("artery", "vein")),
        Quantity(_CORE, lambda o: o.core_ml, ("artery", "vein", "causal", "vein_causal")),
    ),
    outcome="""
**{vein.leading:.0%}** of the brain leads the vein. Tmax of healthy tissue goes from {artery.healthy.tmax:.1f}
to {vein.healthy.tmax:.1f} s, and of {artery.hypoperfused_ml:.0f} ml above 6 s {vein.hypoperfused_ml:.0f} are
left. The core of the delay-invariant form is {vein.core_ml:.1f} ml ({artery.core_ml:.1f} ml with the artery);
of the causal form {vein_causal.core_ml:.1f} ml ({causal.core_ml:.1f} ml).
""",
    why="""
The vein peaks at {vein.peak_s:.0f} s, the artery at {artery.peak_s:.0f} s. Tissue stands between them, so the
residue function has to begin before zero. The delay-invariant form allows that, and rCBF does not depend on
shift: the core is kept. CBV is kept too ({vein.healthy.cbv:.2f} against {artery.healthy.cbv:.2f} ml/100 g), as
the areas are alike; this is why a vein may *scale* an artery. Tmax is worthless, and the causal form reads
{vein_causal.healthy.cbf:.0f} in place of {causal.healthy.cbf:.0f} ml/100 g/min in healthy tissue, so that its
core grows.

Plausible maps are no proof of a good input function: look at the curve, and at the sign of Tmax.
""",
    charted=("artery", "vein"),
    claims=(
        Claim("most of the brain leads the vein", lambda r: r.vein.leading > 0.5 > r.artery.leading),
        Claim("Tmax of healthy tissue is negative", lambda r: r.vein.healthy.tmax < 0 < r.artery.healthy.tmax),
        Claim("the hypoperfused tissue is lost",
              lambda r: r.vein.hypoperfused_ml < 0.3 * r.artery.hypoperfused_ml),
        Claim("the delay-invariant core survives", lambda r: abs(r.vein.core_ml / r.artery.core_ml - 1) < 0.05),
        Claim("CBV is kept", lambda r: abs(r.vein.healthy.cbv / r.artery.healthy.cbv - 1) < 0.15),
        Claim("the causal form reads too much flow, and a larger core", lambda r: r.vein_causal.healthy.cbf
              > 1.3 * r.causal.healthy.cbf and r.vein_causal.core_ml > 1.1 * r.causal.core_ml),
    ),
    reading=(papers.STRAKA, papers.MOURIDSEN, papers.CALAMANTE_AIF),
    picture=Picture("tmax", "artery", "vein", "brain with Tmax < 0, %", lambda o: 100 * o.leading),
    view=TaskView(("tmax", "rcbf"), "hypoperfused_ml", "handles"),
    solution="vein",
)  # fmt: skip

SMOOTHING = Lesson(
    id="smoothing",
    order=90,
    title="Smoothing and noise",
    minutes=5,
    summary="This patient has no stroke. Without smoothing the software finds a core.",
    case="demo-no-stroke",
    uses_sidebar=True,
    intro="""
This patient has **no stroke**: every millilitre of core that a threshold finds here is false. Before the
deconvolution each slice is smoothed with a Gaussian of 2.5 mm and each curve over 1.5 s. Smoothed like this,
{usual.core_ml:.1f} ml are below the threshold.
""",
    question=SliderQuestion(
        "Without any smoothing: how many millilitres of core are found in this healthy brain?",
        0, 60, 1, "ml", lambda r: r.none.core_ml, 6,
        too_low="Noise raises the maximum of k(t), and unevenly: the mean rises, and voxels below 0.38 of it "
        "count as core. Without smoothing these are {none.core_ml:.0f} ml.",
        too_high="Noise lifts every maximum: most voxels stay near the mean, and only the lowest fall below 0.38 "
        "of it, {none.core_ml:.0f} ml.",
    ),
    task="In the sidebar, under *Smoothing, thresholds*, set both σ to 0 (it takes a moment). Look at the core.",
    experiments={
        "none": CurveExperiment("none", settings={"spatial_sigma_mm": 0.0, "temporal_sigma_s": 0.0}),
        "little": CurveExperiment("1 mm", settings={"spatial_sigma_mm": 1.0, "temporal_sigma_s": 0.0}),
        "usual": CurveExperiment("2.5 mm, 1.5 s"),
        "sharp": CurveExperiment(
            "none, λ 0.1", settings={"spatial_sigma_mm": 0.0, "temporal_sigma_s": 0.0, "lambda_rel": 0.1}
        ),
    },
    quantities=(
        Quantity("false core, ml", lambda o: o.core_ml, ("none", "little", "usual")),
        Quantity("false Tmax > 6 s, ml", lambda o: o.hypoperfused_ml, ("none", "little", "usual")),
        Quantity("healthy CBF, ml/100 g/min", lambda o: o.healthy.cbf, ("none", "little", "usual")),
    ),
    outcome="""
**{none.core_ml:.1f} ml** of false core without smoothing, {little.core_ml:.1f} ml with 1 mm,
{usual.core_ml:.1f} ml with the usual smoothing; false tissue above 6 s: {none.hypoperfused_ml:.0f},
{little.hypoperfused_ml:.0f} and {usual.hypoperfused_ml:.1f} ml.
""",
    why="""
CBF is the **maximum** of k(t), and a maximum increases with noise: the mean reads {none.healthy.cbf:.1f} without
smoothing and {usual.healthy.cbf:.1f} with it, from the same tissue. Noise does two things. It lifts all voxels,
and it spreads them: some fall below 0.38 of a mean that has risen, and where the tissue peaks at a few HU the
maximum lies anywhere in time, which Tmax counts as delay. A smaller λ lets more noise pass: at 0.1 the mean
reads {sharp.healthy.cbf:.1f}.

In a real core the same lift does the opposite: noise raises its small flow above the threshold, and the core is
missed. Too much smoothing, in turn, blurs a small core into its surroundings.
""",
    charted=("usual", "sharp"),
    claims=(
        Claim("noise alone makes a core", lambda r: r.none.core_ml > 10 and r.none.core_ml > 10 * r.usual.core_ml),
        Claim("smoothing removes it, step by step",
              lambda r: r.none.core_ml > r.little.core_ml > r.usual.core_ml and r.usual.core_ml < 2),
        Claim("the same for Tmax",
              lambda r: r.none.hypoperfused_ml > r.little.hypoperfused_ml > r.usual.hypoperfused_ml),
        Claim("noise raises CBF", lambda r: r.none.healthy.cbf > 1.1 * r.usual.healthy.cbf),
        Claim("a smaller λ passes more of it", lambda r: r.sharp.healthy.cbf > 1.2 * r.none.healthy.cbf),
    ),
    reading=(papers.FIESELMANN, papers.KUDO),
    picture=Picture("rcbf", "usual", "none", "false core, ml", lambda o: o.core_ml),
    view=TaskView(("rcbf", "tmax"), "core_ml"),
    solution="none",
)  # fmt: skip
