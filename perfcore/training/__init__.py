"""Training of the networks through the deconvolution."""
