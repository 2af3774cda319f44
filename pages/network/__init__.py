"""The networks shown: their layers, where they look, how they were judged."""
