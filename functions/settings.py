"""Everything the environment decides, read in one place."""

import os

import msgspec

TILES_URL = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
TILES_ATTRIBUTION = "© OpenStreetMap contributors"
READS_PER_MINUTE = 600


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One process's settings. Sizes are in bytes."""

    project: str
    role: str
    database: str = "(default)"
    export_url: str = "exports"
    pubsub_emulator: str | None = None
    firestore_emulator: str | None = None
    backlog_url: str | None = None
    contacts: str = "{}"
    """The address book (core/contact.py) as JSON: a secret, because addresses hold passwords and tokens."""
    telling: str = "{}"
    """How people are told (core/escalation.py, Policy) as JSON, where it is not the default."""
    tiles_url: str = TILES_URL
    """The map's tiles; empty: none, a plain ground."""
    tiles_attribution: str = TILES_ATTRIBUTION
    reads_per_minute: int = READS_PER_MINUTE
    """Documents the dashboard may read, however many pages are open."""
    log_level: str = "INFO"


def from_environment() -> Settings:
    """Settings of this process; the emulators' own variables are the ones Google's libraries read."""
    env = os.environ
    return Settings(
        project=env.get("GOOGLE_CLOUD_PROJECT", "fleetline"),
        role=env.get("FUNCTION_TARGET", "fleetline"),
        database=env.get("FIRESTORE_DATABASE", "(default)"),
        export_url=env.get("EXPORT_URL", "exports"),
        pubsub_emulator=env.get("PUBSUB_EMULATOR_HOST") or None,
        firestore_emulator=env.get("FIRESTORE_EMULATOR_HOST") or None,
        backlog_url=env.get("BACKLOG_URL") or None,
        contacts=env.get("CONTACTS") or "{}",
        telling=env.get("TELLING") or "{}",
        tiles_url=env.get("TILES_URL", TILES_URL),
        tiles_attribution=env.get("TILES_ATTRIBUTION", TILES_ATTRIBUTION),
        reads_per_minute=int(env.get("READS_PER_MINUTE", READS_PER_MINUTE)),
        log_level=env.get("LOG_LEVEL", "INFO"),
    )
