"""Lessons on the shape of the input function."""

from pages.teaching.lesson import ChoiceQuestion, Claim, Lesson, Picture, Quantity, SliderQuestion, TaskView
from pages.teaching.lessons import papers
from perfcore.aif.edits import CurveEdit
from perfcore.teaching import CurveExperiment, SweepExperiment

_CORE = "core, ml"
_CBF = "healthy CBF, ml/100 g/min"
_CBV = "healthy CBV, ml/100 g"
_TMAX = "Tmax > 6 s, ml"

AMPLITUDE = Lesson(
    id="amplitude",
    order=10,
    title="Amplitude and partial volume",
    minutes=4,
    summary="An artery thinner than a voxel gives an AIF that is too low. Which maps change?",
    intro="""
A voxel of CT perfusion is about a millimetre wide and several millimetres thick. An artery that fills only half
of it lends it only half of its contrast: the input function keeps its shape and loses its height. This is
**partial volume**.
""",
    question=SliderQuestion(
        "The artery fills half of its voxels, so the input function is half as high as it should be. "
        "The blood flow (CBF) that is read becomes how many times what it was?",
        0.25, 4.0, 0.05, "×", lambda r: r.half.healthy.cbf / r.whole.healthy.cbf, 0.1,
        too_low="The tissue curve keeps its height. With half the input k(t) must be {factor:.2f} times as high "
        "to give the same tissue curve, and CBF is the top of k(t).",
        too_high="CBF is inversely proportional to the height: half the height gives {factor:.2f} times the flow. "
        "The filter adds nothing, as λ is relative to the largest singular value.",
    ),
    task="Set *amplitude* to one half. Compare the rCBF map with the CBF map, and watch the core.",
    experiments={
        "whole": CurveExperiment("true artery"),
        "half": CurveExperiment("half as high", edit=CurveEdit(amplitude=0.5)),
        "double": CurveExperiment("twice as high", edit=CurveEdit(amplitude=2.0)),
    },
    quantities=(
        Quantity(_CBF, lambda o: o.healthy.cbf, ("half", "whole", "double")),
        Quantity(_CBV, lambda o: o.healthy.cbv, ("half", "whole", "double")),
        Quantity(_CORE, lambda o: o.core_ml, ("half", "whole", "double")),
    ),
    outcome="""
With half the height CBF is **{factor:.2f} times** what it was ({half.healthy.cbf:.1f} against
{whole.healthy.cbf:.1f} ml/100 g/min), and CBV {volume:.2f} times. The core stays at {half.core_ml:.1f} ml,
MTT at {half.healthy.mtt:.1f} s, Tmax at {half.healthy.tmax:.1f} s.
""",
    why="""
The tissue curve is the input function convolved with k(t). Halve the one and the other must double: k(t) has
the same shape, {factor:.2f} times as high. rCBF divides by the CBF of healthy tissue, which has
doubled too, so **rCBF and the core do not depend on amplitude**; MTT, the ratio of CBV and CBF, does not depend
on it either. Nor does the filter, as λ is relative to the largest singular value.

Absolute CBF and CBV do need the true height. Software scales the input function by the area of a large vein,
which fills its voxels: that is the venous correction.
""",
    charted=("whole", "half"),
    claims=(
        Claim("CBF is inversely proportional to the height", lambda r: abs(r.factor - 2) < 1e-3),
        Claim("so is CBV", lambda r: abs(r.volume - 2) < 1e-3),
        Claim("the core does not change", lambda r: abs(r.half.core_ml / r.whole.core_ml - 1) < 2e-3),
        Claim("nor do MTT and Tmax", lambda r: abs(r.half.healthy.mtt / r.whole.healthy.mtt - 1) < 1e-3
              and abs(r.half.healthy.tmax - r.whole.healthy.tmax) < 1e-2),
    ),
    reading=(papers.CALAMANTE_AIF, papers.STRAKA, papers.FIESELMANN),
    picture=Picture("cbf", "whole", "half", _CBF, lambda o: o.healthy.cbf),
    view=TaskView(("cbf", "rcbf"), "core_ml", "handles"),
    solution="half",
    numbers={
        "factor": lambda r: r.half.healthy.cbf / r.whole.healthy.cbf,
        "volume": lambda r: r.half.healthy.cbv / r.whole.healthy.cbv,
    },
)  # fmt: skip

DELAY = Lesson(
    id="delay",
    order=20,
    uses_sidebar=True,
    title="Delay, and the two deconvolutions",
    minutes=5,
    summary="An AIF that is later than its tissue: one deconvolution corrects for it, the other does not.",
    intro="""
Where the input function is measured is not where the tissue is fed. If it is read too far downstream, healthy
tissue **leads** it: contrast is in the tissue before it is in the artery. The *causal* deconvolution excludes
this. The *delay-invariant* one (block-circulant) lets k(t) begin before zero.
""",
    question=ChoiceQuestion(
        "Only the input function is shifted, 4 s later. In which form is the core unchanged?",
        ("in both", "in the delay-invariant form alone", "in the causal form alone", "in neither"),
        lambda r: {(True, True): 0, (True, False): 1, (False, True): 2, (False, False): 3}[
            abs(r.circulant_core) < 0.03, abs(r.causal_core) < 0.03
        ],
        mistakes=(
            "The causal form cannot place k(t) before zero: tissue that leads the curve piles up in the first "
            "sample, and the core changes by {causal_core:+.0%}.",
            "",
            "It is the other way round: the causal form excludes tissue that leads the curve "
            "({causal_core:+.0%}), the delay-invariant one lets k(t) begin before zero ({circulant_core:+.1%}).",
            "In the delay-invariant form a shift of the curve only shifts k(t): its height, and with it the core, "
            "stays ({circulant_core:+.1%}).",
        ),
    ),
    task="*Shift* the curve by +4 s. Then choose *causal* under Deconvolution in the sidebar and shift again.",
    experiments={
        "circulant": CurveExperiment("delay-invariant"),
        "circulant_late": CurveExperiment("delay-invariant, 4 s late", edit=CurveEdit(shift_s=4)),
        "causal": CurveExperiment("causal", settings={"deconvolution": "causal"}),
        "causal_late": CurveExperiment(
            "causal, 4 s late", edit=CurveEdit(shift_s=4), settings={"deconvolution": "causal"}
        ),
        "causal_early": CurveExperiment(
            "causal, 4 s early", edit=CurveEdit(shift_s=-4), settings={"deconvolution": "causal"}
        ),
    },
    quantities=(
        Quantity(_CORE, lambda o: o.core_ml, ("circulant", "circulant_late", "causal", "causal_late")),
        Quantity(_CBF, lambda o: o.healthy.cbf, ("circulant", "circulant_late", "causal", "causal_late")),
        Quantity(_TMAX, lambda o: o.hypoperfused_ml, ("circulant", "circulant_late", "causal", "causal_late")),
    ),
    outcome="""
Delay-invariant: the core goes from {circulant.core_ml:.1f} to {circulant_late.core_ml:.1f} ml
({circulant_core:+.1%}). Causal: from {causal.core_ml:.1f} to **{causal_late.core_ml:.1f} ml**
({causal_core:+.0%}). Tmax depends on the delay in both: of {circulant.hypoperfused_ml:.0f} ml above 6 s,
{circulant_late.hypoperfused_ml:.0f} and {causal_late.hypoperfused_ml:.0f} ml are left.
""",
    why="""
In the delay-invariant form the curves are padded with zeros to twice their length and the matrix wraps around;
a shifted input function only shifts k(t), whose height stays ({circulant_late.healthy.cbf:.1f} against
{circulant.healthy.cbf:.1f} ml/100 g/min). In the causal form k(t) may not begin before zero. Tissue that leads
piles everything into the first sample: healthy CBF reads {causal_late.healthy.cbf:.1f} in place of
{causal.healthy.cbf:.1f}. The core is late and does not lead, so it keeps its flow; *relative* to the healthy
tissue it is suddenly lower, and the core grows.

An input function that is too *early* does not harm: k(t) can express a delay, and the causal form then reads
{causal_early.core_ml:.1f} ml, about as the delay-invariant one. **Tmax, in both forms, counts from the input
function**: move it, and the hypoperfused volume moves.
""",
    charted=("circulant_late", "causal_late"),
    claims=(
        Claim("delay-invariant: the core stays", lambda r: abs(r.circulant_core) < 0.03),
        Claim("causal: a late input function enlarges the core", lambda r: r.causal_core > 0.2),
        Claim("causal: healthy CBF rises", lambda r: r.causal_late.healthy.cbf > 1.2 * r.causal.healthy.cbf),
        Claim("causal: with an early one the core is that of the delay-invariant form",
              lambda r: abs(r.causal_early.core_ml / r.circulant.core_ml - 1) < 0.1),
        Claim("Tmax moves in both", lambda r: r.circulant_late.hypoperfused_ml < 0.7 * r.circulant.hypoperfused_ml
              and r.causal_late.hypoperfused_ml < 0.7 * r.causal.hypoperfused_ml),
    ),
    reading=(papers.WU, papers.OSTERGAARD, papers.CALAMANTE_DISPERSION),
    picture=Picture("rcbf", "causal", "causal_late", _CORE, lambda o: o.core_ml),
    view=TaskView(("rcbf", "tmax"), "core_ml", "handles"),
    solution="causal_late",
    numbers={
        "circulant_core": lambda r: r.circulant_late.core_ml / r.circulant.core_ml - 1,
        "causal_core": lambda r: r.causal_late.core_ml / r.causal.core_ml - 1,
    },
)  # fmt: skip

WIDTH = Lesson(
    id="width",
    order=30,
    title="Width, dispersion, cardiac output",
    minutes=5,
    summary="A weak heart spreads the bolus. The same tissue then reads less CBF, though it has no less.",
    intro="""
A failing heart, or an injection that is too slow, makes the bolus low and **wide**, in the artery and in the
tissue alike. On its way through narrowed vessels it is **dispersed** too. Deconvolution is meant to take the
bolus out again. With the usual bolus and λ, tissue with a mean transit time of 4 s reads {usual.ratio[4]:.0%}
of its true CBF.
""",
    question=SliderQuestion(
        "The same tissue in a patient whose bolus is 1.8 times as wide: what share of its true CBF is read?",
        0, 100, 1, "%", lambda r: 100 * r.weak.ratio[4], 4,
        too_low="The filter still passes {weak.passed} components of the wide bolus by more than half "
        "({usual.passed} of the usual one), and they carry {weak.ratio[4]:.0%} of the flow.",
        too_high="A wider bolus holds fewer fast components, and the filter removes more of them: the top of "
        "k(t), which is CBF, falls below the {usual.ratio[4]:.0%} of the usual bolus.",
    ),
    task="Drag *width*, then *dispersion*. The core hardly moves; look at CBF, Tmax and the hypoperfused volume.",
    experiments={
        "usual": SweepExperiment("usual bolus"),
        "wide": SweepExperiment("1.5 times as wide", edit=CurveEdit(width=1.5)),
        "weak": SweepExperiment("1.8 times as wide", edit=CurveEdit(width=1.8)),
        "true": CurveExperiment("true artery"),
        "stretched": CurveExperiment("curve alone × 1.5", edit=CurveEdit(width=1.5)),
        "dispersed": CurveExperiment("curve dispersed 3 s", edit=CurveEdit(dispersion_s=3)),
    },
    quantities=(
        Quantity(
            "CBF read, % of true, MTT 4 s", lambda o: 100 * o.ratio[4], ("usual", "wide", "weak"),
            takes_attempt=False,
        ),
        Quantity(_CORE, lambda o: o.core_ml, ("true", "stretched", "dispersed")),
        Quantity(_TMAX, lambda o: o.hypoperfused_ml, ("true", "stretched", "dispersed")),
    ),
    outcome="""
With the usual bolus {usual.ratio[4]:.0%}, with one 1.5 times as wide {wide.ratio[4]:.0%}, with one 1.8 times as
wide **{weak.ratio[4]:.0%}**. If the *curve alone* is too wide (the tissue is not), healthy CBF reads
{stretched.healthy.cbf:.1f} in place of {true.healthy.cbf:.1f}; the core moves only from {true.core_ml:.1f} to
{stretched.core_ml:.1f} ml. Dispersion, which also delays, takes the tissue above 6 s from
{true.hypoperfused_ml:.0f} to {dispersed.hypoperfused_ml:.0f} ml.
""",
    why="""
A narrow bolus holds fast and slow components, a wide one only slow ones: its singular values fall sooner. The
filter passes {usual.passed} components of the usual bolus by more than half, {wide.passed} and {weak.passed} of
the wide ones. What is not passed is missing from the top of k(t), and CBF *is* the top of k(t). Fast tissue
(short MTT) loses most: at MTT 2 s {weak.ratio[2]:.0%} is left, at 20 s {weak.ratio[20]:.0%}.

So absolute CBF of two patients is not comparable when their hearts are not. rCBF compares tissue under one
bolus, and most of the loss cancels.
""",
    charted=("usual", "weak"),
    claims=(
        Claim("the wider the bolus, the less CBF is read",
              lambda r: r.usual.ratio[4] > 1.15 * r.wide.ratio[4] > 1.15 * r.weak.ratio[4]),
        Claim("fewer components pass", lambda r: r.usual.passed > r.wide.passed > r.weak.passed),
        Claim("short transit times lose most", lambda r: r.weak.ratio[2] < 0.5 * r.weak.ratio[20]),
        Claim("a curve that is too wide lowers CBF, not the core", lambda r: r.stretched.healthy.cbf
              < 0.8 * r.true.healthy.cbf and abs(r.stretched.core_ml / r.true.core_ml - 1) < 0.05),
        Claim("a dispersed curve hides delay",
              lambda r: r.dispersed.hypoperfused_ml < 0.9 * r.true.hypoperfused_ml),
    ),
    reading=(papers.CALAMANTE_DISPERSION, papers.CALAMANTE_AIF, papers.KUDO),
    picture=Picture("cbf", "true", "stretched", _CBF, lambda o: o.healthy.cbf),
    view=TaskView(("cbf", "tmax"), "hypoperfused_ml", "handles"),
    solution="stretched",
)  # fmt: skip

TAIL = Lesson(
    id="tail",
    order=40,
    title="Recirculation and the tail",
    minutes=4,
    summary="After the first pass the contrast comes round again. Leaving it out changes CBV most.",
    intro="""
Some seconds after the first pass the contrast comes round again, lower and wider, and then stays mixed in the
blood. A fitted gamma variate describes the first pass alone, so the tail is often left out of the input
function. The tissue, however, has seen all of it.
""",
    question=ChoiceQuestion(
        "The tail is taken out of the input function alone. Which figure changes most, relative to before?",
        ("CBF of healthy tissue", "CBV of healthy tissue", "the core's volume", "Tmax of healthy tissue"),
        lambda r: max(range(4), key=lambda i: (abs(r.cbf), abs(r.cbv), abs(r.core), abs(r.tmax))[i]),
        mistakes=(
            "CBF changes by {cbf:+.0%}, as the filter becomes milder, but it is the top of k(t), which the first "
            "pass makes. CBV divides by the whole area ({cbv:+.0%}).",
            "",
            "Healthy tissue and core are wrong by about the same factor, which cancels in rCBF: the core changes "
            "by {core:+.1%}.",
            "Tmax is the time of the top of k(t), which the first pass makes: it changes by {tmax:+.0%}.",
        ),
    ),
    task="Set *tail* to 0, or press the gamma-variate fit. Look at CBV, then at the core.",
    experiments={
        "whole": CurveExperiment("with its tail"),
        "first": CurveExperiment("first pass alone", edit=CurveEdit(tail=0.0)),
        "more": CurveExperiment("twice the tail", edit=CurveEdit(tail=2.0)),
    },
    quantities=(
        Quantity(_CBV, lambda o: o.healthy.cbv, ("first", "whole", "more")),
        Quantity(_CBF, lambda o: o.healthy.cbf, ("first", "whole", "more")),
        Quantity(_CORE, lambda o: o.core_ml, ("first", "whole", "more")),
    ),
    outcome="""
Without the tail CBV changes by **{cbv:+.0%}** ({whole.healthy.cbv:.2f} → {first.healthy.cbv:.2f} ml/100 g), CBF
by {cbf:+.0%}, Tmax by {tmax:+.0%}, the core by {core:+.1%}.
""",
    why="""
CBV is a ratio of areas, tissue over input function. The tail holds {share:.0%} of the input function's area;
without it the denominator shrinks, and CBV grows by exactly this factor. CBF is the top of k(t), made by the
first pass; it changes because a smaller σ₁ makes the filter milder ({first.passed} components pass,
{whole.passed} before). MTT, their ratio, goes from {whole.healthy.mtt:.1f} to {first.healthy.mtt:.1f} s.
Healthy tissue and core are wrong by about the same factor, so rCBF and the core change little.

If a gamma variate is fitted to the input function, the tissue curves have to be treated alike, or CBV must not
be read.
""",
    charted=("whole", "first"),
    claims=(
        Claim("CBV grows by the area that is missing", lambda r: abs((1 + r.cbv) * (1 - r.share) - 1) < 1e-6),
        Claim("CBV changes more than CBF", lambda r: r.cbv > 1.5 * r.cbf > 0),
        Claim("the core changes little", lambda r: abs(r.core) < 0.05),
        Claim("more components pass", lambda r: r.first.passed > r.whole.passed),
    ),
    reading=(papers.THOMPSON, papers.CALAMANTE_AIF, papers.FIESELMANN),
    picture=Picture("cbv", "whole", "first", _CBV, lambda o: o.healthy.cbv, 2),
    view=TaskView(("cbv", "rcbf"), "core_ml", "handles"),
    solution="first",
    numbers={
        "cbv": lambda r: r.first.healthy.cbv / r.whole.healthy.cbv - 1,
        "cbf": lambda r: r.first.healthy.cbf / r.whole.healthy.cbf - 1,
        "tmax": lambda r: r.first.healthy.tmax / r.whole.healthy.tmax - 1,
        "core": lambda r: r.first.core_ml / r.whole.core_ml - 1,
        "share": lambda r: 1 - r.first.area / r.whole.area,
    },
)  # fmt: skip
