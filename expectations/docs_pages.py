"""The pages of the Data Docs: what GX's SiteBuilder calls to turn a validation result into HTML.

GX's own page templates load styles, scripts and pictures from seven hosts on the internet and stay empty without them.
Ours are self-contained. Only known fields of a result are shown, and none of them is a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

FOLDER = Path(__file__).parent / "pages"


class DeliveryRenderer:
    """Turns a validation result of GX (one delivery) into what its page shows."""

    def __init__(self, data_context: Any = None) -> None:
        self.data_context = data_context

    def render(self, validation: Any) -> dict[str, Any]:
        """Return the template's variables."""
        suites: dict[str, dict[str, Any]] = {}
        for entry in validation.results:
            config = entry.expectation_config
            suite = suites.setdefault(
                config.meta["dataset"],
                {"dataset": config.meta["dataset"], "about": config.meta["about"], "expectations": []},
            )
            suite["expectations"].append(
                {
                    "sentence": config.description,
                    "severity": str(getattr(config.severity, "value", config.severity)),
                    "success": bool(entry.success),
                    "failing": int(entry.result["observed_value"]),
                }
            )
        return dict(validation.meta["delivery"]) | {"suites": list(suites.values())}


class PageView:
    """Renders a page's variables as HTML."""

    def __init__(self, custom_styles_directory: Any = None, custom_views_directory: Any = None) -> None:
        """Take, and ignore, what GX offers to customise its own templates."""

    def render(self, document: Mapping[str, Any], **_: Any) -> str:
        """Return the page of a delivery."""
        return render_page("delivery.html.j2", document)


def render_page(template: str, variables: Mapping[str, Any]) -> str:
    """Return the HTML of one of the templates in pages/; everything is escaped."""
    return _environment().get_template(template).render(**variables)


def templates() -> bytes:
    """All templates as bytes: when they change, every page is built again."""
    return b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.j2"))) + Path(__file__).read_bytes()


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
