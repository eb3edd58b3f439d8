"""Errors that a user can mend; their message is one sentence and needs no traceback."""

import errno
import os
import re

_UNWRITABLE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    *(errno.EROFS, errno.EACCES, errno.EPERM),
}


class QdistillError(Exception):
    """Base of the errors shown without a traceback."""


class ConfigurationError(QdistillError):
    """The configuration asks for something that is not allowed."""


class DataError(QdistillError):
    """A file is missing, damaged, or does not hold what its contract says."""


class TrackingError(QdistillError):
    """The MLflow store cannot be used."""


def disk_failure(error: BaseException) -> str:
    """Return why a disk takes nothing, of the error that a library raised, or nothing.

    Those written in Rust say it in their text alone; torch fails again when it cleans up.
    """
    number = getattr(error, "errno", None)
    told = re.search(r"\(os error (\d+)\)", str(error))
    if number is None and told:
        number = int(told[1])
    if number is None and error.__context__ is not None:
        return disk_failure(error.__context__)
    if number == errno.ENOSPC:
        return "no space left on the device"
    return os.strerror(number).lower() if number in _UNWRITABLE else ""
