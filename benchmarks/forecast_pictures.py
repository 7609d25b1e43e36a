"""Pictures of how good a forecast is: reliability, first candidates right by day, size of sets by day."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.measured import Measured
from forecast_measures import Compared, Reliability, by_day

DAYS: Final = range(1, 16)
FONTS: Final = (
    "Noto Sans CJK SC",
    "WenQuanYi Zen Hei",
    "SimHei",
    "Microsoft YaHei",
    "PingFang SC",
    "DejaVu Sans",
)


class Shown(NamedTuple):
    """What the pictures show.

    Attributes:
        reliability: of the candidates.
        true_day: day of stay of each day that the truth is told of.
        compared: forecast and truth on these days.
        day: day of stay of every day that was asked for.
        measured: what the forecast said.
        stands: whether the group as recorded was already that at the end.
    """

    reliability: Reliability
    true_day: NDArray[Any]
    compared: Compared
    day: NDArray[Any]
    measured: Measured
    stands: NDArray[np.bool_]


def draw_all(shown: Shown, folder: Path) -> None:
    """Write the three pictures. Equal figures give equal files."""
    _draw(folder / "forecast_reliability.svg", lambda axes: _reliability(axes, shown))
    _draw(folder / "forecast_accuracy_by_day.svg", lambda axes: _accuracy(axes, shown))
    _draw(folder / "forecast_set_size_by_day.svg", lambda axes: _sizes(axes, shown))


def _reliability(axes: Any, shown: Shown) -> None:
    found = shown.reliability
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="as said 如其所言")
    axes.plot(found.given, found.came, "o-", color="tab:blue", label="forecast 预测")
    _percent(axes.xaxis)
    _percent(axes.yaxis)
    axes.set(
        title="How often what is given a probability comes true 概率与实际",
        xlabel="probability given to a group 给出的概率",
        ylabel="share that came true 实际比例",
    )


def _accuracy(axes: Any, shown: Shown) -> None:
    axes.plot(DAYS, by_day(shown.measured.place == 0, shown.day, DAYS), "o-", label="forecast 预测")
    true = by_day(shown.compared.best, shown.true_day, DAYS)
    axes.plot(DAYS, true, "s--", color="black", label="true probabilities 真实概率")
    axes.plot(DAYS, by_day(shown.stands, shown.day, DAYS), "^-", label="the group as recorded now 当前分组")
    _percent(axes.yaxis)
    axes.set(title="First candidate is the final group 首选即最终分组", ylabel="share of stays 病例比例")
    _by_day(axes)


def _sizes(axes: Any, shown: Shown) -> None:
    axes.plot(DAYS, by_day(shown.measured.set_size, shown.day, DAYS), "o-", label="forecast 预测")
    true = by_day(shown.compared.true_size, shown.true_day, DAYS)
    axes.plot(DAYS, true, "s--", color="black", label="smallest by the true probabilities 真实概率下最小")
    axes.set(title="Groups in the 90 % set 90% 集合的组数", ylabel="mean number of groups 平均组数")
    axes.set_ylim(bottom=0)
    _by_day(axes)


def _by_day(axes: Any) -> None:
    axes.set_xlabel("day of stay 住院第几天")
    axes.set_xticks(DAYS)


def _percent(axis: Any) -> None:
    axis.set_major_formatter(lambda value, _: f"{value:.0%}")


def _draw(target: Path, fill: Callable[[Any], None]) -> None:
    import matplotlib
    from matplotlib import font_manager
    from matplotlib.figure import Figure

    known = {font.name for font in font_manager.fontManager.ttflist}
    # Text stays text, and neither the clock nor chance goes into the file.
    settings: dict[Any, Any] = {
        "font.family": [font for font in FONTS if font in known],
        "svg.fonttype": "none",
        "svg.hashsalt": "casemeter",
    }
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # Where no font here has Chinese, whoever opens the file has one.
        warnings.filterwarnings("ignore", r"Glyph \d+")
        figure = Figure(figsize=(7.5, 4.8), layout="constrained")
        axes = figure.subplots()
        fill(axes)
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
        figure.savefig(target, format="svg", metadata={"Date": None})
