"""AIF Lab's library: CT perfusion maps through a differentiable deconvolution.

One road leads from a case to maps: :func:`perfcore.pipeline.analyse`.
"""
