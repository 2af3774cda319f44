"""Lessons on the method: regularisation, thresholds, the gradient."""

from pages.teaching.lesson import (
    ChoiceQuestion,
    Claim,
    Lesson,
    Picture,
    Quantity,
    SliderQuestion,
    TaskView,
    volume_of,
)
from pages.teaching.lessons import papers
from perfcore.teaching import CurveExperiment, FinetuneExperiment, SweepExperiment

LAMBDA = Lesson(
    id="lambda",
    order=80,
    uses_sidebar=True,
    title="λ: noise against bias",
    minutes=6,
    summary="Regularisation has a bias: it raises the relative CBF of tissue with a long transit time.",
    intro="""
λ decides which components of the curves are used. A large one suppresses noise and, with it, the fast part of
k(t), so that CBF reads too low. The loss would not matter to *relative* CBF if it were the same everywhere.
Normal tissue has an MTT of about 4 s, threatened tissue 8 s and more.
""",
    question=SliderQuestion(
        "Tissue has a true rCBF of 0.38 and an MTT of 8 s, normal tissue one of 4 s; λ is 0.3, without noise. "
        "Which rCBF is read?",
        0.1, 0.8, 0.01, "", lambda r: r.read, 0.05,
        too_low="Both tissues lose flow, the faster one more: normal tissue reads {strong.ratio[4]:.0%} of its "
        "flow, tissue with an MTT of 8 s {strong.ratio[8]:.0%}. Their ratio therefore rises above 0.38.",
        too_high="Slow tissue loses flow, too ({strong.ratio[8]:.0%} is read): the ratio rises by "
        "{strong.ratio[8]:.2f}/{strong.ratio[4]:.2f}, from 0.38 to {read:.2f}.",
    ),
    task="Drag λ in the sidebar from 0.3 to 0.1 and below. CBF rises, the core changes, and noise comes in.",
    experiments={
        "strong": SweepExperiment("λ 0.3", settings={"lambda_rel": 0.3}, noise_hu=(1,)),
        "weak": SweepExperiment("λ 0.1", settings={"lambda_rel": 0.1}, noise_hu=(1,)),
        "weakest": SweepExperiment("λ 0.03", settings={"lambda_rel": 0.03}, noise_hu=(1,)),
        "case_strong": CurveExperiment("this case, λ 0.3"),
        "case_weak": CurveExperiment("this case, λ 0.1", settings={"lambda_rel": 0.1}),
        "case_weakest": CurveExperiment("this case, λ 0.03", settings={"lambda_rel": 0.03}),
    },
    quantities=(
        Quantity(
            "CBF read, % of true, MTT 4 s", lambda o: 100 * o.ratio[4], ("strong", "weak", "weakest"),
            takes_attempt=False,
        ),
        Quantity(
            "CBF read, % of true, MTT 20 s", lambda o: 100 * o.ratio[20], ("strong", "weak", "weakest"),
            takes_attempt=False,
        ),
        Quantity(
            "CBF read from 1 HU of noise, of normal", lambda o: o.floor[1], ("strong", "weak", "weakest"),
            takes_attempt=False,
        ),
        Quantity("core, ml", lambda o: o.core_ml, ("case_strong", "case_weak", "case_weakest")),
    ),
    outcome="""
**{read:.2f}**, well above the threshold: at λ = 0.3 normal tissue reads {strong.ratio[4]:.0%} of its flow,
tissue with an MTT of 8 s {strong.ratio[8]:.0%}. At λ = 0.1 it reads {read_weak:.2f}. The price: noise of 1 HU
alone reads as {strong.floor[1]:.2f} of normal flow at λ = 0.3, as {weak.floor[1]:.2f} at 0.1 and as
{weakest.floor[1]:.2f} at 0.03.
""",
    why="""
k(t) starts with a jump and decays over the MTT. A short one has fast components, which the filter removes:
the chart shows the filter factors, σ²/(σ²+λ²), for two λ. {strong.passed} components pass by more than half at
0.3, {weakest.passed} at 0.03. Ratios read over true at λ = 0.3: MTT 2 s {strong.ratio[2]:.2f}, 4 s
{strong.ratio[4]:.2f}, 8 s {strong.ratio[8]:.2f}, 20 s {strong.ratio[20]:.2f}. **Tissue with a long MTT is
inflated against normal tissue**, and the core reads too small: {case_strong.core_ml:.1f} of the known
{known_ml:.1f} ml.

Too small a λ does not help. Each fast component that passes brings its noise, and k(t) oscillates: CBF is its
maximum, which then overshoots. At 0.03 an MTT of 20 s reads {weakest.ratio[20]:.0%} of its flow without any noise.
The core has {case_strong.core_ml:.1f} ml at 0.3, {case_weak.core_ml:.1f} ml at 0.1 and
{case_weakest.core_ml:.1f} ml at 0.03; its Dice is {case_strong.dice:.2f}, {case_weak.dice:.2f} and
{case_weakest.dice:.2f}. Thresholds found with one λ are not valid with another.
""",
    charted=("strong", "weakest"),
    claims=(
        Claim("a true rCBF of 0.38 at MTT 8 s reads higher", lambda r: r.read > 0.45),
        Claim("less so at λ = 0.1", lambda r: 0.38 < r.read_weak < r.read),
        Claim("the longer the MTT, the more is read",
              lambda r: r.strong.ratio[2] < r.strong.ratio[4] < r.strong.ratio[8] < r.strong.ratio[20] < 1),
        Claim("a smaller λ loses less of the flow of normal tissue",
              lambda r: r.strong.ratio[4] < r.weak.ratio[4] < r.weakest.ratio[4] < 1),
        Claim("and lets in more noise", lambda r: r.weakest.floor[1] > r.weak.floor[1] > 1.3 * r.strong.floor[1]),
        Claim("the smallest overshoots: at an MTT of 20 s it reads more than the true flow",
              lambda r: r.strong.ratio[20] < r.weak.ratio[20] < 1 < r.weakest.ratio[20]),
        Claim("the core is too small at each λ, and nearest to the known one at 0.1", lambda r: (
            max(r.case_strong.core_ml, r.case_weakest.core_ml) < r.case_weak.core_ml < r.known_ml
            and r.case_weak.dice > max(r.case_strong.dice, r.case_weakest.dice)
        )),
    ),
    reading=(papers.WU, papers.FIESELMANN, papers.OSTERGAARD),
    picture=Picture("rcbf", "case_strong", "case_weakest", "core, ml", lambda o: o.core_ml),
    view=TaskView(("rcbf", "cbf"), "core_ml"),
    solution="case_weakest",
    numbers={
        "read": lambda r: 0.38 * r.strong.ratio[8] / r.strong.ratio[4],
        "read_weak": lambda r: 0.38 * r.weak.ratio[8] / r.weak.ratio[4],
        "known_ml": lambda r: r.live_case.lesion_voxels * r.live_case.prepared.voxel_ml,
    },
)  # fmt: skip

THRESHOLDS = Lesson(
    id="thresholds",
    order=100,
    uses_sidebar=True,
    title="Thresholds and the healthy reference",
    minutes=4,
    summary="0.30 or 0.38, of the other side or of the whole brain: four cores from one map.",
    case="demo-small-core",
    intro="""
The core is where CBF is below a fraction of *healthy* CBF. Vendors use 0.30, the work behind this tool 0.38.
Healthy is the other hemisphere, or simply the whole brain, lesion included. With 0.38 of the other side this
core has {high_side.core_ml:.1f} ml.
""",
    question=SliderQuestion(
        "The same map with 0.30 of the whole brain's mean: how many millilitres?",
        0, 15, 0.5, "ml", lambda r: r.low_brain.core_ml, 1.0,
        too_low="The border of a core is steep: between 0.30 and 0.38 lie only the voxels of its rim, so that "
        "{low_brain.core_ml:.1f} of {high_side.core_ml:.1f} ml are left.",
        too_high="Both changes lower the cut-off, from {cut_high:.1f} to {cut_low:.1f} ml/100 g/min: fewer "
        "voxels lie below it, {low_brain.core_ml:.1f} ml.",
    ),
    task="Under *Smoothing, thresholds* move *Core: rCBF below* to 0.30, then change *Healthy reference*.",
    experiments={
        "high_side": CurveExperiment("0.38, other side"),
        "high_brain": CurveExperiment("0.38, whole brain", settings={"reference": "brain"}),
        "low_side": CurveExperiment("0.30, other side", settings={"core_threshold": 0.30}),
        "low_brain": CurveExperiment("0.30, whole brain", settings={"core_threshold": 0.30, "reference": "brain"}),
    },
    quantities=(
        Quantity("core, ml", lambda o: o.core_ml, ("high_side", "high_brain", "low_side", "low_brain")),
        Quantity("Dice, true core", lambda o: o.dice, ("high_side", "high_brain", "low_side", "low_brain")),
        Quantity("reference CBF, ml/100 g/min", lambda o: o.healthy.cbf, ("high_side", "high_brain")),
    ),
    outcome="""
**{low_brain.core_ml:.1f} ml**, against {high_side.core_ml:.1f} ml. In between: 0.38 of the whole brain
{high_brain.core_ml:.1f} ml, 0.30 of the other side {low_side.core_ml:.1f} ml. Dice with the true core:
{high_side.dice:.2f}, {high_brain.dice:.2f}, {low_side.dice:.2f}, {low_brain.dice:.2f}.
""",
    why="""
Nothing about the tissue has changed, only the line. The whole brain's mean contains the slow tissue itself
({high_brain.healthy.cbf:.1f} against {high_side.healthy.cbf:.1f} ml/100 g/min), so that a large stroke lowers
its own threshold. With an absolute cut-off of {cut_high:.1f} or {cut_low:.1f} ml/100 g/min as
extremes, the core changes by a factor of {factor:.1f}.

Long-MTT tissue is inflated by λ, so a threshold that is right for true flow is too low for measured flow. A
threshold belongs to its software: deconvolution, λ, smoothing and reference. Compare cores only within one of
them.
""",
    charted=("high_side",),
    claims=(
        Claim("a lower threshold makes a smaller core", lambda r: r.low_side.core_ml < 0.8 * r.high_side.core_ml),
        Claim("so does the whole brain", lambda r: r.high_brain.core_ml < r.high_side.core_ml
              and r.low_brain.core_ml < r.low_side.core_ml),
        Claim("because its mean is lower", lambda r: r.high_brain.healthy.cbf < r.high_side.healthy.cbf),
        Claim("0.38 of the other side is nearest to the truth", lambda r: r.high_side.dice
              == max(r[name].dice for name in ("high_side", "high_brain", "low_side", "low_brain"))),
    ),
    reading=(papers.CEREDA, papers.CAMPBELL, papers.KUDO),
    picture=Picture("rcbf", "high_side", "low_brain", "core, ml", lambda o: o.core_ml, differ_by="core"),
    view=TaskView(("rcbf", "cbf"), "core_ml"),
    solution="low_brain",
    numbers={
        "cut_high": lambda r: 0.38 * r.high_side.healthy.cbf,
        "cut_low": lambda r: 0.30 * r.low_brain.healthy.cbf,
        "factor": lambda r: r.high_side.core_ml / r.low_brain.core_ml,
    },
)  # fmt: skip

GRADIENT = Lesson(
    id="gradient",
    order=120,
    title="What the gradient learns, and when it overfits",
    minutes=6,
    summary="A curve can be changed until the core fits. Is it still a plausible AIF?",
    case="demo-noisy",
    intro="""
The deconvolution is differentiable: for each sample of the input function the gradient gives the direction in
which the core's Dice rises. Here descent starts from the **true** artery of a noisy scan and uses the known
core of *every other* slice. The slices in between are kept to check.
""",
    question=ChoiceQuestion(
        "Each sample is free, without a constraint. Compared with the slices in the loss, Dice on the others …",
        ("rises as much", "rises less, or not at all", "falls by as much as the others rise"),
        lambda r: 0 if r.unseen > 0.7 * r.seen else (1 if r.unseen > -0.7 * r.seen else 2),
        mistakes=(
            "Part of what a free curve learns is the noise of the voxels in the loss, and other slices have other "
            "noise: {seen:+.3f} there, {unseen:+.3f} on the others.",
            "",
            "What the curve learns is not noise alone: it also undoes the filter's bias, which all slices have. "
            "On the others Dice changes by {unseen:+.3f}, in the loss by {seen:+.3f}.",
        ),
    ),
    task="""
Draw on the curve and try to raise Dice by hand. Then choose *free samples* under *Form* and press *Run*: how far
from an artery does it go?
""",
    experiments={
        "free": FinetuneExperiment("free samples", parametrization="free", curvature=0.0),
        "soft": FinetuneExperiment("positive and smooth"),
        "artery": CurveExperiment("true artery"),
    },
    quantities=(
        Quantity(
            "Dice gained, training slices (sampled voxels)", lambda o: o.last - o.first, ("free", "soft"),
            takes_attempt=False,
        ),
        Quantity(
            "Dice gained, held-out slices (sampled voxels)", lambda o: o.held_out_last - o.held_out_first,
            ("free", "soft"), takes_attempt=False,
        ),
        Quantity("roughness, × the start's", lambda o: o.roughness, ("free", "soft"), takes_attempt=False),
        Quantity("Dice, all voxels of all slices", lambda o: volume_of(o).dice or 0.0, ("artery", "free", "soft")),
    ),
    outcome="""
On the slices in the loss Dice goes from {free.first:.2f} to **{free.last:.2f}**, on the others from
{free.held_out_first:.2f} to **{free.held_out_last:.2f}**: of the one voxel in {free.step} that the run uses. Over
all voxels of all slices it goes from {artery.dice:.2f} to **{free.volume.dice:.2f}**. The curve has
{free.n_negative} negative samples and is {free.roughness:.0f} times as rough as the artery.
""",
    why="""
The start is the truth, so the artery itself cannot improve. What the gradient finds is a curve that
undoes the faults of the *method* (the filter's bias) and fits the *noise* of these voxels: {seen:+.3f} on the
slices in the loss, {unseen:+.3f} on the others, {all_voxels:+.3f} over all voxels. Negative contrast in
an artery has no meaning; that the Dice rises all the same shows that **a better Dice is no proof of a better input
function**.

Held positive and smooth, the same steps give {soft_seen:+.3f} and {soft_unseen:+.3f} with {soft.n_negative}
negative samples and {soft.roughness:.1f} times the roughness. A trained network is constrained further: it is
fitted to many patients, and predicts the curve of one whose core is unknown.
""",
    charted=("free", "soft"),
    claims=(
        Claim("Dice rises on the slices in the loss", lambda r: r.seen > 0.05),
        Claim("and less on the held-out slices", lambda r: abs(r.unseen) < 0.7 * r.seen),
        Claim("and over all voxels, most of which the run has not seen",
              lambda r: 0 < r.all_voxels < 0.7 * r.seen),
        Claim("the curve is no artery", lambda r: r.free.n_negative > 0 and r.free.roughness > 10),
        Claim("restraint keeps it one",
              lambda r: r.soft.n_negative == 0 and r.soft.roughness < r.free.roughness / 10),
    ),
    reading=(papers.DE_LA_ROSA_FIRST, papers.DE_LA_ROSA),
    picture=Picture("rcbf", "artery", "free", "Dice, all voxels", lambda o: o.dice, 2, differ_by="core"),
    view=TaskView(("rcbf", "tmax"), "dice", "tuning"),
    solution="free",
    numbers={
        "seen": lambda r: r.free.last - r.free.first,
        "unseen": lambda r: r.free.held_out_last - r.free.held_out_first,
        "all_voxels": lambda r: r.free.volume.dice - r.artery.dice,
        "soft_seen": lambda r: r.soft.last - r.soft.first,
        "soft_unseen": lambda r: r.soft.held_out_last - r.soft.held_out_first,
    },
)  # fmt: skip
