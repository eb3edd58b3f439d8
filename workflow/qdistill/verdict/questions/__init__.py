"""The open questions, one module each."""

from qdistill.verdict.questions import (
    attribution,
    crossover,
    downstream,
    overfitting,
    phase,
    real_part,
    transfer,
)

QUESTIONS = (
    transfer.QUESTION,
    overfitting.QUESTION,
    real_part.QUESTION,
    phase.QUESTION,
    crossover.QUESTION,
    attribution.QUESTION,
    downstream.QUESTION,
)
