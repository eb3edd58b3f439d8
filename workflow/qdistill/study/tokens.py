"""Tokens and passwords: they come from the environment, and go into no file, digest or message."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

_SECRET = re.compile(r"token|secret|passw|passphrase|pwd|credential|auth|bearer|jwt|key$")
_IN_ADDRESS = re.compile(r"://[^/\s:@]*:[^/\s@]+@|[?&](token|key|api_?key|access_token|secret)=")
_SIGNED = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*")  # a JSON Web Token
_SHORTEST = 8  # characters of a secret; what is shorter is a switch, such as `true`


def check_no_secrets(options: Mapping[str, Any]) -> None:
    """Validate that options hold nothing that looks like a secret, by its key or its value.

    Raises ValueError with a sentence that does not show it.
    """
    hidden = dict(_secrets())
    for key, value in _leaves(options):
        if _looks_secret(key):
            raise ValueError(
                f"'{key}' looks like a secret; tokens and passwords come from the environment, "
                "where the device's plugin looks for them, and stand in no configuration"
            )
        if _IN_ADDRESS.search(str(value)) or _SIGNED.search(str(value)):
            raise ValueError(f"'{key}' holds a password or a token; it may hold none")
        name = next((name for name, secret in hidden.items() if secret in str(value)), None)
        if name is not None:
            raise ValueError(
                f"'{key}' holds what the environment has as {name}; leave it out, since the "
                "device's plugin finds it there"
            )


def without_secrets(text: str) -> str:
    """Return a text with stars in place of what the environment keeps secret."""
    for _, secret in _secrets():
        text = text.replace(secret, "***")
    return _SIGNED.sub("***", _IN_ADDRESS.sub("://***@", text))


def _looks_secret(name: str) -> bool:
    return bool(_SECRET.search(re.sub(r"[^a-z]", "", name.lower())))


def _secrets() -> Iterator[tuple[str, str]]:
    """Yield names and values of the environment's secrets."""
    for name, value in os.environ.items():
        if _looks_secret(name) and len(value) >= _SHORTEST:
            yield name, value


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what mappings and lists hold, each with the keys that lead to it."""
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list | tuple):
        inner = enumerate(value)  # type: ignore[assignment]
    else:
        yield place, value
        return
    for key, each in inner:
        yield from _leaves(each, f"{place}.{key}" if place else str(key))
