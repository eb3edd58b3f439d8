"""Figures of a study: each module draws one kind from data frames, the harness all alike."""
