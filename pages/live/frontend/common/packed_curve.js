// A curve as text for an address; pages/session/share_link.py reads it.

const VERSION = "1.";

/**
 * The float32 values of a curve in base64url.
 * @param {ArrayLike<number>} curve
 */
export function packCurve(curve) {
  const bytes = new Uint8Array(Float32Array.from(curve).buffer);
  return VERSION + btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
