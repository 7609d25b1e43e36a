"""Importing the national tables of rules into a rules pack, and what of the official types a pack has."""

from casemeter_rules.importing.info import PackInfo, TypeInfo, info
from casemeter_rules.importing.report import FileReport, ImportRefused, ImportReport
from casemeter_rules.importing.tables import import_tables

__all__ = [
    "FileReport",
    "ImportRefused",
    "ImportReport",
    "PackInfo",
    "TypeInfo",
    "import_tables",
    "info",
]
