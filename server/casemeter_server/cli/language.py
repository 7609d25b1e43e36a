"""The language of what commands print."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer


class Language(StrEnum):
    """Language of what is printed."""

    EN = "en"
    ZH = "zh"


def environment_language() -> Language:
    """Language of the environment: Chinese where the locale is Chinese, else English."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next((name for name in names if name), "")
    return Language.ZH if locale.lower().startswith("zh") else Language.EN


Lang = Annotated[
    Language, typer.Option("--lang", default_factory=environment_language, show_default="from LANG")
]
