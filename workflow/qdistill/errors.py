"""Errors that a user can mend; their message is one sentence and needs no traceback."""


class QdistillError(Exception):
    """Base of the errors shown without a traceback."""


class ConfigurationError(QdistillError):
    """The configuration asks for something that is not allowed."""


class DataError(QdistillError):
    """A file is missing, damaged, or does not hold what its contract says."""


class TrackingError(QdistillError):
    """The MLflow store cannot be used."""
