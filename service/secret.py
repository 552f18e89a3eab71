"""The installation's secret, under which what is stored was written: only where nothing is, a new one may be made."""

from __future__ import annotations

from features.hashing import load_or_create_secret
from service.errors import StartError
from service.settings import ServiceSettings


def existing_secret(settings: ServiceSettings) -> bytes:
    """Return the secret that is there. Raises ``StartError`` where it is missing."""
    if not settings.secret.exists():
        raise StartError(
            f"{settings.secret} is missing: without the installation's secret the log can be neither read nor continued"
        )
    return load_or_create_secret(settings.secret)


def secret_of(settings: ServiceSettings) -> bytes:
    """Return the secret, made where nothing is stored yet. Raises ``StartError`` where records are, but not their secret."""
    return existing_secret(settings) if settings.database.exists() else load_or_create_secret(settings.secret)
