"""The docs' table is what its example gives."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_holds_what_the_example_prints() -> None:
    spec = importlib.util.spec_from_file_location("nine_maps", DOCS / "examples" / "nine_maps.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (DOCS / "nine_maps.md").read_text()
    found = module.nine_maps()
    assert len(found) == 9
    for name, value in found.items():
        assert f"| {name} | {value:.4f} |" in page
