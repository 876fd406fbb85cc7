"""The files of a new plug-in, rendered from the templates beside this module."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from bench.errors import ConfigError, StoreError
from bench.scaffold.names import Name

KINDS = {  # kind -> its templates, and the files they become
    "method": {"method.py.j2": "{module}.py", "test_method.py.j2": "test_{module}.py", "method.md.j2": "{module}.md"},
}
_TEMPLATES = Path(__file__).parent / "templates"


def new_plugin(kind: str, name: Name, folder: Path, **features: bool) -> list[Path]:
    """Write the files of a plug-in into a folder, which is made if it is not there.

    Args:
        kind: one of `KINDS`.
        features: what it does beyond the least; of a method `moves_centers` and `needs_similarity`.

    Returns:
        The files, the plug-in's own first.

    Raises:
        ConfigError: one of the files exists.
        StoreError: the folder cannot be written. Either way nothing is left of what was begun.
    """
    files = {
        folder / file.format(module=name.module): _rendered(template, name, features)
        for template, file in KINDS[kind].items()
    }
    if there := [path for path in files if path.exists() or path.is_symlink()]:
        raise _exists(there[0])
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            with path.open("x", encoding="utf-8", newline="\n") as file:  # "x": never over a file made meanwhile
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            with suppress(OSError):
                path.unlink()
        if isinstance(error, FileExistsError) and error.filename != str(folder):
            raise _exists(Path(error.filename)) from None
        why = error.strerror or type(error).__name__
        raise StoreError(f"{folder} cannot be written ({why}): choose another folder with --out.") from None
    return written


def _exists(path: Path) -> ConfigError:
    return ConfigError(f"{path} exists and is not overwritten: move it, or choose another name or folder (--out).")


def _rendered(template: str, name: Name, features: dict[str, bool]) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
        autoescape=True,  # changes nothing: what is filled in are names of letters, digits and hyphens
    )  # fmt: skip
    return environment.get_template(template).render(name=name.plugin, module=name.module, cls=name.cls, **features)
