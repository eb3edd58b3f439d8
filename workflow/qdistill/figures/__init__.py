"""Figures of a study: each module draws one kind from data frames and saves it."""
