"""Findings: what is told to people, as rows of one table; one function for each question."""
