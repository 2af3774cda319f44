"""Arterial input function (AIF): curves, edits, gamma-variate fit, selectors and networks."""
