"""Views of the networks: layers, weights on a case, results of the cross-validation."""
