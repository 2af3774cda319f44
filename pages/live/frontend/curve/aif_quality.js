// AIF quality: the rule of perfcore/aif/quality.py; its checks come with the configuration.
/** @import { AifCheck, Curve, CurveReference, SeriesDoubt } from "../types.js" */

/** @typedef {"good" | "doubtful" | "bad"} Verdict */
/** @typedef {{check: AifCheck, value: number, verdict: Verdict, cause: string, sentence: string}} Finding */
/** @typedef {{verdict: Verdict, findings: Finding[], doubts: SeriesDoubt[], cause: string, sentence: string}} AifQuality */
/** @typedef {Partial<Record<string, number | null>>} Measures by the id of their check */

/** From the best to the worst. @type {Verdict[]} */
const VERDICTS = ["good", "doubtful", "bad"];
/** Word and shape of each verdict, so that colour is never alone. @type {Record<Verdict, {word: string, shape: string}>} */
export const LIGHTS = {
  good: { word: "Good", shape: "●" }, doubtful: { word: "Doubtful", shape: "▲" }, bad: { word: "Bad", shape: "■" },
};
const GOOD = "Every measure is that of an artery.";
const END_FRAMES = 3;
const FULL_VEIN = 15; // least peak of a vein that fills its voxels, over that of healthy tissue
const REST_MARGIN_S = 6;
const ARRIVAL_LEVEL = 0.2; // of the peak
const TRUNCATED = 0.5; // level of the VOF at the end, of its peak, above which its area is no measure

/** @param {Curve} curve */
const sum = (curve) => curve.reduce((total, value) => total + value, 0);
/** @param {Curve} curve */
const endLevel = (curve) => sum(curve.subarray(-END_FRAMES)) / END_FRAMES;

/** Mean of every three successive samples. @param {Curve} curve */
const runningMean = (curve) => Array.from({ length: Math.max(curve.length - 2, 0) }, (_, i) => (curve[i] + curve[i + 1] + curve[i + 2]) / 3);

/**
 * Last upward crossing of a level before the peak, in fractional frames; 0 without one.
 * @param {ArrayLike<number>} curve
 * @param {number} top frame of the peak
 * @param {number} level
 */
function crossingBefore(curve, top, level) {
  let at = top;
  while (at >= 0 && curve[at] > level) at -= 1;
  if (at < 0) return 0;
  at = Math.min(at, curve.length - 2);
  const [low, high] = [curve[at], curve[at + 1]];
  return at + (high > low ? Math.min(Math.max((level - low) / (high - low), 0), 1) : 0);
}

/** Arrival and full width at half maximum, in frames. @param {Curve} curve @param {number} peak */
function bolusTimes(curve, peak) {
  const top = curve.indexOf(peak), last = curve.length - 1;
  const up = crossingBefore(curve, top, peak / 2), down = last - crossingBefore(curve.toReversed(), last - top, peak / 2);
  return { arrival: crossingBefore(curve, top, ARRIVAL_LEVEL * peak), width: down - up };
}

/** Largest rise on the way from the peak to the ends. @param {number[]} level */
function largestRise(level) {
  const top = level.indexOf(Math.max(...level));
  let rise = 0;
  for (const way of [level.slice(top), level.slice(0, top + 1).reverse()]) {
    let lowest = Infinity;
    for (const value of way) { lowest = Math.min(lowest, value); rise = Math.max(rise, value - lowest); }
  }
  return rise;
}

/** Highest level before the bolus reaches the head, at least 0; null without such a frame. @param {CurveReference} reference @param {number} dt @param {Curve} curve */
function levelBeforeBolus(reference, dt, curve) {
  const nRest = Math.floor((reference.tissueArrivalS - REST_MARGIN_S) / dt) + 1;
  if (nRest < 1) return null;
  const rest = curve.subarray(0, nRest);
  return Math.max(rest.length >= 3 ? Math.max(...runningMean(rest)) : sum(rest) / rest.length, 0);
}

/**
 * Measures of a curve, as perfcore's `measure`.
 * @param {CurveReference} reference
 * @param {number} dt seconds
 * @param {Curve} curve
 * @param {Curve | null} vof
 * @param {number | null} negativeTmax share of the voxels with Tmax < 0
 * @returns {Measures}
 */
export function measureAif(reference, dt, curve, vof, negativeTmax) {
  const peak = Math.max(...curve);
  if (!(peak > 0)) return { negative_tmax: negativeTmax };
  const { arrival, width } = bolusTimes(curve, peak);
  const level = runningMean(curve), before = levelBeforeBolus(reference, dt, curve);
  return {
    delay_after_tissue_s: arrival * dt - reference.tissueArrivalS,
    negative_tmax: negativeTmax,
    before_bolus: before === null ? null : before / peak,
    lowest: Math.min(...level) / peak,
    second_peak: largestRise(level) / peak,
    width_s: width * dt,
    peak_over_tissue: reference.tissuePeak > 0 ? peak / reference.tissuePeak : null,
    tail: endLevel(curve) / peak,
    peak_hu: reference.inHu ? peak : null,
    ...(vof && Math.max(...vof) > 0 && againstVof(reference, dt, curve, peak, arrival, vof)),
  };
}

/** @param {CurveReference} reference @param {number} dt @param {Curve} curve @param {number} peak @param {number} arrival @param {Curve} vof @returns {Measures} */
function againstVof(reference, dt, curve, peak, arrival, vof) {
  const vofPeak = Math.max(...vof), vofArea = sum(vof), tail = endLevel(vof) / vofPeak;
  const isFull = vofPeak >= FULL_VEIN * reference.tissuePeak;
  return {
    lead_over_vof_s: isFull ? (bolusTimes(vof, vofPeak).arrival - arrival) * dt : null,
    vof_tail: tail,
    area_over_vof: isFull && vofArea > 0 && tail <= TRUNCATED ? sum(curve) / vofArea : null,
    peak_over_vof: isFull ? peak / vofPeak : null,
  };
}

/** A value with the unit of its check: two digits, as perfcore writes it. @param {AifCheck} check @param {number} value */
function withUnit({ unit }, value) {
  const shown = unit === "%" ? 100 * value : value;
  const size = Math.abs(shown);
  const text = size >= 99.5 ? shown.toFixed(0) : size > 0 && size < 1e-4 ? "0" : Number(shown.toPrecision(2)).toString();
  return `${text} ${unit}`.trim().replace("-", "−");
}

/** The normal range in words. @param {AifCheck} check */
export function expected(check) {
  const [low, high] = check.normal;
  if (high === null) return `at least ${withUnit(check, low ?? 0)}`;
  if (low === null || (check.unit === "%" && low === 0)) return `at most ${withUnit(check, high)}`;
  const first = withUnit(check, low);
  return `${first.slice(0, first.length - check.unit.length).trim()} to ${withUnit(check, high)}`;
}

/** What was measured, in words. @param {Finding} finding */
export const measured = ({ check, value }) => withUnit(check, value);

/** @param {[number | null, number | null]} range @param {number} value */
const isWithin = ([low, high], value) => value >= (low ?? -Infinity) && value <= (high ?? Infinity);

/** @param {AifCheck} check @param {number} value @returns {Finding} */
function judge(check, value) {
  const verdict = isWithin(check.normal, value) ? "good" : isWithin(check.possible, value) ? "doubtful" : "bad";
  if (verdict === "good") {
    const fact = `${check.measured[0].toUpperCase()}${check.measured.slice(1)}: ${withUnit(check, value)}, expected ${expected(check)}.`;
    return { check, value, verdict, cause: "", sentence: fact };
  }
  const cause = value < (check.normal[0] ?? -Infinity) ? check.low : check.high;
  const sentence = `${cause} (${check.measured}: ${withUnit(check, value)}, expected ${expected(check)}); ${check.remedy}.`;
  return { check, value, verdict, cause: `${cause}.`, sentence };
}

/**
 * Judge measures by the checks; the first of the worst findings names the cause. No curve of a series with doubts is good.
 * @param {AifCheck[]} checks
 * @param {Measures} measures
 * @param {SeriesDoubt[]} doubts of the case's reference
 * @returns {AifQuality}
 */
export function assessAif(checks, measures, doubts = []) {
  const findings = checks.flatMap((check) => {
    const value = measures[check.id];
    return typeof value === "number" && Number.isFinite(value) ? [judge(check, value)] : [];
  });
  const verdict = VERDICTS[Math.max(doubts.length ? 1 : 0, ...findings.map((finding) => VERDICTS.indexOf(finding.verdict)))];
  const reason = verdict === "good" ? undefined : findings.find((finding) => finding.verdict === verdict) ?? doubts[0];
  return { verdict, findings, doubts, cause: reason?.cause ?? GOOD, sentence: reason?.sentence ?? GOOD };
}

/** Causes of what is worse in a curve than in the one before. @param {AifQuality} before @param {AifQuality} after */
export function newCauses(before, after) {
  const rank = (/** @type {Finding | undefined} */ finding) => (finding ? VERDICTS.indexOf(finding.verdict) : 0);
  return after.findings.filter((one) => rank(one) > rank(before.findings.find(({ check }) => check.id === one.check.id))).map(({ cause }) => cause);
}
