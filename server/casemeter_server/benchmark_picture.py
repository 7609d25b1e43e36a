"""One group of a benchmark as a picture: its cost by day with bands, and its structure."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from casemeter_grouper.benchmark.benchmark import GroupBenchmark
from casemeter_grouper.benchmark.categories import Category

_FONTS: Final = (
    "Noto Sans CJK SC",
    "WenQuanYi Zen Hei",
    "SimHei",
    "Microsoft YaHei",
    "PingFang SC",
    "DejaVu Sans",
)
_COLOUR: Final = "tab:blue"
_FEN: Final = 100


def draw(
    group: GroupBenchmark,
    names: Mapping[str, Category],
    title: str,
    words: Mapping[str, str],
    language: str,
    target: Path,
) -> None:
    """Write the picture of a group. Equal groups give equal files.

    Args:
        group: what is shown.
        names: fee categories by code.
        title: of the whole picture.
        words: ``mean``, ``median``, ``middle_half``, ``most``, ``by_day``, ``day``, ``yuan``, ``structure``.
        language: ``en`` or ``zh``.
        target: an SVG file; an existing one is replaced in one step.

    Raises:
        ValueError: matplotlib is not installed, or the name of the file is not that of an SVG.
        OSError: it cannot be written.
    """
    if target.suffix != ".svg":
        raise ValueError(f"{target}: a picture is written as .svg")
    try:
        import matplotlib
        from matplotlib import font_manager
        from matplotlib.figure import Figure
    except ImportError:
        raise ValueError(
            "a picture needs matplotlib; install it with: pip install 'casemeter[fit]'"
        ) from None
    known = {font.name for font in font_manager.fontManager.ttflist}
    # Text stays text, and neither the clock nor chance goes into the file.
    settings: dict[Any, Any] = {
        "font.family": [font for font in _FONTS if font in known],
        "svg.fonttype": "none",
        "svg.hashsalt": "casemeter",
    }
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(11, 4.8), layout="constrained")
        figure.suptitle(title, fontsize="medium")
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        _curves(left, group, words)
        _structure(right, group, names, words, language)
        partial = target.with_name(f".{target.name}.partial")
        try:
            with warnings.catch_warnings():
                # Where no font here has Chinese, whoever opens the file has one.
                warnings.filterwarnings("ignore", r"Glyph \d+")
                figure.savefig(partial, format="svg", metadata={"Date": None})
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


def _curves(axes: Any, group: GroupBenchmark, words: Mapping[str, str]) -> None:
    curves = {percent: _yuan(fen) for percent, fen in group.cost_by_day_quantiles.items()}
    days = range(1, len(group.cost_by_day) + 1)
    for low, high, shade, word in ((10, 90, 0.15, "most"), (25, 75, 0.3, "middle_half")):
        if low in curves and high in curves:
            axes.fill_between(
                days, curves[low], curves[high], color=_COLOUR, alpha=shade, linewidth=0, label=words[word]
            )
    if 50 in curves:
        axes.plot(days, curves[50], color=_COLOUR, label=words["median"])
    axes.plot(days, _yuan(group.cost_by_day), "--", color="black", label=words["mean"])
    axes.set(title=words["by_day"], xlabel=words["day"], ylabel=words["yuan"])
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", fontsize="small")


def _structure(
    axes: Any,
    group: GroupBenchmark,
    names: Mapping[str, Category],
    words: Mapping[str, str],
    language: str,
) -> None:
    shown = [code for code in names if code in group.structure][::-1]
    bars = axes.barh(range(len(shown)), [group.structure[code] for code in shown], color=_COLOUR)
    axes.bar_label(bars, fmt="{:.1%}", padding=3)
    axes.set_yticks(
        range(len(shown)),
        [names[code].name_zh if language == "zh" else names[code].name_en for code in shown],
    )
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set(title=words["structure"])
    axes.margins(x=0.2)


def _yuan(fen: tuple[int, ...]) -> list[float]:
    return [amount / _FEN for amount in fen]
