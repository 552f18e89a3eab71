"""One file over HTTP: with progress, taken up where it stopped, and only if it is the right one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from training.errors import FetchError

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)


def download(name: str, address: str, target: Path, *, size: int, sha256: str, console: Console) -> Path:
    """Fetch ``address`` into ``target``, which appears only when it has ``size`` bytes and the digest ``sha256``.

    What has come before an interruption stays in ``target`` + ``.part`` and is not fetched again. Raises ``FetchError``.
    """
    if target.exists() and _digest(target) == sha256:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    resumed = part.exists() and part.stat().st_size > 0
    _receive(name, address, part, size, console)
    if resumed and _digest(part) != sha256:  # what was there before may be of another version: once more from the start
        part.unlink()
        _receive(name, address, part, size, console)
    found = _digest(part)
    if found != sha256:
        part.unlink()
        raise FetchError(name, address, f"has sha-256 {found}, expected {sha256}: the file has changed or was tampered with")
    part.replace(target)
    return target


def _receive(name: str, address: str, part: Path, size: int, console: Console) -> None:
    """Fill ``part`` up to ``size`` bytes."""
    start = part.stat().st_size if part.exists() else 0
    if start == size:
        return
    if start > size:
        part.unlink()
        start = 0
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        with (
            Progress(*columns, console=console) as progress,
            httpx.stream("GET", address, headers=headers, timeout=_TIMEOUT, follow_redirects=True) as answer,
        ):
            answer.raise_for_status()
            task = progress.add_task(name, total=size, completed=start)
            _write(answer, part, start, size, lambda have: progress.update(task, completed=have))
    except httpx.HTTPStatusError as error:
        raise FetchError(name, address, f"the server answers {error.response.status_code}") from error
    except httpx.HTTPError as error:
        raise FetchError(name, address, f"{error or type(error).__name__}; {_kept(part, size)}") from error
    except OSError as error:
        raise FetchError(name, address, f"cannot write {part}: {error.strerror}") from error
    have = part.stat().st_size
    if have != size:
        if have > size:
            part.unlink()
        raise FetchError(name, address, f"{have:,} bytes came, {size:,} expected; {_kept(part, size)}")


def _write(answer: httpx.Response, part: Path, start: int, size: int, advance: Callable[[int], None]) -> None:
    place = answer.headers.get("Content-Range", "")
    goes_on = answer.status_code == httpx.codes.PARTIAL_CONTENT and place.startswith(f"bytes {start}-")
    have = start if goes_on else 0
    with part.open("ab" if goes_on else "wb") as file:
        for piece in answer.iter_raw():
            file.write(piece)
            have += len(piece)
            advance(have)
            if have > size:  # never fill the disk with what cannot be right
                return


def _kept(part: Path, size: int) -> str:
    have = part.stat().st_size if part.exists() else 0
    return f"{have:,} of {size:,} bytes are kept, the same command goes on from there" if have else "nothing was kept"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
