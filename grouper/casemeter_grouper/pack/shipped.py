"""The packs that come with the product, and finding a pack by name or path."""

from __future__ import annotations

from pathlib import Path

from rapidfuzz import process

from casemeter_grouper.pack.kinds import headers, kinds
from casemeter_grouper.pack.words import SaidError

_PACKS = Path(__file__).parent.parent / "packs"
DEFAULT = "chs_drg_11"
"""The pack that holds where none is named."""


class PackNotFoundError(SaidError):
    """Nothing is there under a name; the text says what was looked for and what may have been meant."""


def shipped_packs() -> dict[str, Path]:
    """Return the folder of every shipped pack, by name."""
    further = (kind.packs for kind in kinds() if kind.packs is not None)
    return {folder.name: folder for root in (_PACKS, *further) for folder in _packs_in(root)}


def find_pack(name_or_dir: str) -> Path:
    """Return the folder of a pack.

    Args:
        name_or_dir: a folder, or else the name of a shipped pack.

    Raises:
        PackNotFoundError: it is neither.
    """
    path, shipped = Path(name_or_dir), shipped_packs()
    try:
        if path.is_dir() and (_is_pack(path) or name_or_dir not in shipped):
            return path
        is_file = path.exists()
    except (OSError, ValueError) as error:
        raise PackNotFoundError("not_a_path", name=name_or_dir, reason=error) from None
    if name_or_dir in shipped:
        return shipped[name_or_dir]
    if is_file:
        raise PackNotFoundError("not_a_folder", name=name_or_dir)
    near = process.extract(name_or_dir, [*shipped, *_packs_beside(path)], limit=2, score_cutoff=60)
    if near:
        raise PackNotFoundError("pack_near", name=name_or_dir, near=", ".join(match[0] for match in near))
    raise PackNotFoundError("pack_unknown", name=name_or_dir, shipped=", ".join(shipped))


def _packs_beside(path: Path) -> list[str]:
    """Packs in the folder where the missing one was looked for, written as the caller wrote it."""
    try:
        return [str(folder) for folder in _packs_in(path.parent)]
    except OSError:
        return []


def _packs_in(folder: Path) -> list[Path]:
    return sorted({header.parent for name in headers() for header in folder.glob(f"*/{name}")})


def _is_pack(folder: Path) -> bool:
    return any((folder / name).exists() for name in headers())
