"""From a scheme to the manifest and arrays of its bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.compiled import classes
from casemeter_grouper.compiled.bundle import Arrays
from casemeter_grouper.compiled.graph import Layout, compile_tree
from casemeter_grouper.condition import InSet
from casemeter_grouper.scheme import VALID_PROCEDURES, CodeTables, Scheme, Tree

KIND = "drg"


def compile_scheme(scheme: Scheme) -> tuple[dict[str, Any], Arrays]:
    """Compile a scheme.

    Returns:
        The manifest (JSON values only) and the arrays, as :func:`casemeter_grouper.compiled.bundle.write`
        takes them. Equal schemes give equal manifests and arrays.
    """
    layout = Layout.of(scheme.tree)
    graph = compile_tree(scheme.tree, layout)
    table_names = _table_names(scheme.tables)
    site_names = sorted(set().union(*scheme.tables.trauma_sites.values()))
    diagnosis_width, procedure_width, value_width = layout.widths
    tables = scheme.tables
    arrays: Arrays = {
        "nodes": np.array(
            [(node.kind, node.arg, node.on_true, node.on_false) for node in graph.nodes], np.int32
        ).reshape(-1, 4),
        "bounds": np.array([(node.low, node.high) for node in graph.nodes], np.float64).reshape(-1, 2),
    }
    diagnosis_class, diagnosis = classes.fold(
        {
            "masks": classes.set_masks(scheme.diagnoses, layout.diagnosis_sets, tables.sets, diagnosis_width),
            **classes.diagnosis_columns(scheme.diagnoses, tables, table_names, site_names),
        }
    )
    procedure_class, procedure = classes.fold(
        {"masks": classes.set_masks(scheme.procedures, layout.procedure_sets, tables.sets, procedure_width)}
    )
    arrays |= {"diagnosis_class": diagnosis_class, "procedure_class": procedure_class}
    arrays |= {f"diagnosis_{name}": column for name, column in diagnosis.items()}
    arrays |= {f"procedure_{name}": column for name, column in procedure.items()}
    values = sorted({(test.field, value) for test in layout.value_tests for value in test.values})
    arrays["value_masks"] = _value_masks(layout, values, value_width)
    for name, codes, code_names, code_map in (
        ("diagnosis", scheme.diagnoses, scheme.code_names[0], scheme.code_maps[0]),
        ("procedure", scheme.procedures, scheme.code_names[1], scheme.code_maps[1]),
    ):
        arrays[f"{name}_codes"], arrays[f"{name}_code_at"] = pack_texts(codes)
        arrays[f"{name}_names"], arrays[f"{name}_name_at"] = pack_texts(
            [code_names.get(c, "") for c in codes]
        )
        pairs = sorted(code_map.items())
        arrays[f"{name}_map"], _ = pack_texts([f"{theirs}\t{ours}\n" for theirs, ours in pairs])
    manifest: dict[str, Any] = {
        "kind": KIND,
        "header": asdict(scheme.header),
        "dictionary_sha256": scheme.dictionary_sha256,
        "sources": dict(sorted(scheme.sources.items())),
        "tree": _tree(scheme.tree),
        "options": [
            graph.root,
            int(scheme.tree.retry_each_procedure),
            layout.bit(InSet("main_proc", VALID_PROCEDURES)),
        ],
        "diagnosis_sets": list(layout.diagnosis_sets),
        "procedure_sets": list(layout.procedure_sets),
        "value_tests": [[test.field, list(test.values)] for test in layout.value_tests],
        "values": [list(value) for value in values],
        "exclusion_tables": table_names,
        "sites": site_names,
        "names": dict(sorted(scheme.names.items())),
        "weights": dict(sorted(scheme.weights.items())),
    }
    return manifest, arrays


def pack_texts(texts: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Return texts as one array of UTF-8 bytes, and where each begins; the last place is the end."""
    encoded = [text.encode() for text in texts]
    starts = np.zeros(len(encoded) + 1, np.uint32)
    np.cumsum([len(text) for text in encoded], out=starts[1:])
    return np.frombuffer(b"".join(encoded), np.uint8), starts


def _table_names(tables: CodeTables) -> list[str]:
    parts: tuple[Mapping[str, str], ...] = (*tables.complications.values(), tables.exclusions)
    return sorted(set().union(*(part.values() for part in parts)))


def _value_masks(layout: Layout, values: Sequence[tuple[str, str]], width: int) -> NDArray[np.uint64]:
    masks = np.zeros((len(values) + 1, width), np.uint64)
    for test, bit in layout.value_tests.items():
        for at, (field, value) in enumerate(values, 1):
            if field == test.field and value in test.values:
                masks[at, bit // 64] |= np.uint64(1 << bit % 64)
    return masks


def _tree(tree: Tree) -> dict[str, Any]:
    return {
        "retry_each_procedure": tree.retry_each_procedure,
        "mdcs": [
            {
                "seq": mdc.seq,
                "name": mdc.name,
                "entry": mdc.text,
                "rules": [
                    {
                        "seq": rule.seq,
                        "name": rule.name,
                        "adrg": rule.adrg,
                        "when": rule.text,
                        "otherwise": rule.otherwise,
                        "rows": [[row.seq, row.group, row.text] for row in rule.rows],
                    }
                    for rule in mdc.rules
                ],
            }
            for mdc in tree.mdcs
        ],
    }
