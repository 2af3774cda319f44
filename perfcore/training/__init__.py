"""Training of the AIF networks through the differentiable deconvolution."""
