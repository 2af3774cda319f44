"""Neural networks that predict the arterial input function: input grid, models, weights, inference."""
