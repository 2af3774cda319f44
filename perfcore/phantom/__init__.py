"""Digital CT perfusion phantom on template anatomy, with ground truth."""
