"""The report as a picture: accuracy by day of stay, and causes as bars."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from casemeter_server.ledger.report import name_of, ordered, texts
from casemeter_server.ledger.tally import LAST_DAY, Share, Tally

_FONTS = ("Noto Sans CJK SC", "WenQuanYi Zen Hei", "SimHei", "Microsoft YaHei", "PingFang SC", "DejaVu Sans")
_MOST_CAUSES = 12


def draw(tally: Tally, target: Path, language: str) -> None:
    """Write the picture of a tally.

    Equal tallies give equal files.

    Args:
        tally: what is shown.
        target: an SVG file; an existing one is replaced in one step.
        language: ``en`` or ``zh``.

    Raises:
        ValueError: matplotlib is not installed, or the name of the file is that of another kind.
        OSError: it cannot be written.
    """
    if target.suffix != ".svg":
        raise ValueError(f"{target}: the picture is an SVG file; let its name end with .svg")
    try:
        import matplotlib
        from matplotlib import font_manager
        from matplotlib.figure import Figure
    except ImportError:
        raise ValueError(
            "a picture needs matplotlib; install it with: pip install 'casemeter[fit]'"
        ) from None
    known = {font.name for font in font_manager.fontManager.ttflist}
    fonts = [font for font in _FONTS if font in known]
    # Text stays text, and neither the clock nor chance goes into the file.
    settings: Any = {"font.family": fonts, "svg.fonttype": "none", "svg.hashsalt": "casemeter"}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # Text is drawn by whoever shows the file, with fonts of their own.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure = Figure(figsize=(11, 4.5), layout="constrained")
        left, right = figure.subplots(1, 2)
        _days(left, tally, language)
        _causes(right, tally, language)
        partial = target.with_name(f".{target.name}.partial")
        try:
            figure.savefig(partial, format="svg", metadata={"Date": None})
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


def _days(axes: Any, tally: Tally, language: str) -> None:
    days = sorted(tally.by_day)
    for name, style in (("recorded", "--"), ("top", "-"), ("in_set", "-")):
        shares: list[Share] = [getattr(tally.by_day[day], name) for day in days]
        told = [(day, share.share) for day, share in zip(days, shares, strict=True) if share.of]
        axes.plot(
            *zip(*told, strict=True) if told else ((), ()), style, marker="o", label=_said(name, language)
        )
    axes.set(title=_said("title_days", language), xlabel=_said("day", language), ylim=(0, 1.02))
    axes.set_xticks(days, [f"{day}+" if day == LAST_DAY else str(day) for day in days])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")


def _causes(axes: Any, tally: Tally, language: str) -> None:
    shown = ordered(tally.causes)[:_MOST_CAUSES][::-1]
    bars = axes.barh(range(len(shown)), [one.days for _, one in shown], color="tab:blue")
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.set_yticks(range(len(shown)), [name_of(causes, language) for causes, _ in shown])
    axes.set(title=_said("title_causes", language), xlabel=_said("days", language))
    axes.margins(x=0.12)


def _said(key: str, language: str) -> str:
    text: str = texts()["picture"][key][language]
    return text
