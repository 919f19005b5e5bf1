"""The source that is uploaded: main.py, requirements.txt and functions/, in a folder of their own."""

import hashlib
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UPLOADED = ("main.py", "requirements.txt", "functions")
_LEFT_OUT = ("__pycache__", ".*", "*.md")


def stage(folder: Path) -> Path:
    """Copy the source into a folder; returns it."""
    for name in UPLOADED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def source_hash(folder: Path) -> str:
    """Of all files under a folder, names and contents."""
    digest = hashlib.sha256()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
