"""The OpenAPI document as a page for people: plain HTML, and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Final

REFERENCE: Final = "#/components/schemas/"
"""What a reference to a schema of the document begins with."""


def page_of(written: Mapping[str, Any]) -> str:
    """Return the document as a page that needs no script and nothing from elsewhere."""
    schemas = written["components"]["schemas"]
    calls = "".join(_call(path, item["post"]) for path, item in written["paths"].items())
    kinds = "".join(_kind(name, schema) for name, schema in schemas.items())
    info = written["info"]
    return _PAGE.format(
        title=escape(info["title"]),
        version=escape(info["version"]),
        description=escape(info["description"]),
        calls=calls,
        kinds=kinds,
    )


def _call(path: str, operation: Mapping[str, Any]) -> str:
    content = operation["requestBody"]["content"]
    answer = operation["responses"]["200"]["content"]
    rows = [
        ("请求 Request", *_content(content)),
        ("应答 Answer", *_content(answer)),
    ]
    table = "".join(f"<tr><th>{head}</th><td>{kind}</td><td>{link}</td></tr>" for head, kind, link in rows)
    name = escape(operation["operationId"])
    said = escape(operation["description"])
    return f'<h3 id="call-{name}"><code>POST {escape(path)}</code></h3><p>{said}</p><table>{table}</table>'


def _content(content: Mapping[str, Any]) -> tuple[str, str]:
    schema = next(iter(content.values()))["schema"]
    return escape(", ".join(content)), _named(schema)


def _kind(name: str, schema: Mapping[str, Any]) -> str:
    said = "<br>".join(escape(line) for line in schema["description"].split("\n"))
    head = f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3><p>{said}</p>'
    if not schema.get("properties"):
        return head
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code></td><td>{_named(kind)}</td>"
        f"<td>{escape(kind['description'])}</td></tr>"
        for field, kind in schema["properties"].items()
    )
    heads = "<tr><th>字段 Field</th><th>类型 Type</th><th>说明 Meaning</th></tr>"
    return f"{head}<table>{heads}{rows}</table>"


def _named(schema: Mapping[str, Any]) -> str:
    """Return the type of a field, with a link where it has a section of its own."""
    if "items" in schema:
        return f"[{_named(schema['items'])}]"
    if "$ref" in schema:
        name = escape(schema["$ref"].removeprefix(REFERENCE))
        return f'<a href="#{name}"><code>{name}</code></a>'
    return escape(schema["format"] if "format" in schema else schema["type"])


_PAGE: Final = """<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ border: 1px solid #ccc; padding: .3rem .5rem; text-align: left; vertical-align: top }}
</style></head><body>
<h1>{title} {version}</h1><p>{description}</p>
<p><a href="/openapi.json">openapi.json</a></p>
<h2>调用 Calls</h2>{calls}
<h2>消息 Messages</h2>{kinds}
</body></html>
"""
