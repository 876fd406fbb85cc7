"""Files of the Hugging Face hub, without a minute of retries where there is no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.compat import import_open_clip

_OPEN_CLIP = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")  # the usual names of its weights
_SECONDS = 10.0  # to wait for the hub's first answer


def hub_file(repository: str, names: Sequence[str]) -> Path:
    """The first of some files that a repository has: from the hub's cache, else downloaded into it.

    The repository is asked once before anything is downloaded: the hub's own client tries every file six times.

    Args:
        repository: `owner/name`, or with its revision `owner/name@revision`.

    Raises:
        Exception: the network's or the hub's own; FileNotFoundError for a repository without these files.
    """
    from huggingface_hub import HfApi, hf_hub_download, try_to_load_from_cache

    place, _, revision = repository.partition("@")
    for name in names:
        cached = try_to_load_from_cache(place, name, revision=revision or None)
        if isinstance(cached, str):
            return Path(cached)
    found = HfApi().model_info(place, revision=revision or None, timeout=_SECONDS)
    files = {file.rfilename for file in found.siblings or ()}
    for name in names:
        if name in files:
            return Path(hf_hub_download(place, name, revision=revision or None))
    raise FileNotFoundError(f"{repository} has none of {', '.join(names)}")


def open_clip_file(release: Mapping[str, Any]) -> Path:
    """Weights of a release, by what open_clip knows of it: from the cache, else downloaded.

    Raises:
        Exception: as `hub_file`, or open_clip's own for a release that is elsewhere.
    """
    if release.get("hf_hub"):
        return hub_file(*open_clip_place(release["hf_hub"]))
    return Path(import_open_clip().download_pretrained(release))


def open_clip_place(hub: str) -> tuple[str, tuple[str, ...]]:
    """Repository, and the files to look for: `owner/name/` has one of the usual, `owner/name/FILE` that one."""
    repository, _, file = hub.rpartition("/")
    return repository, _OPEN_CLIP if not file else (f"{Path(file).stem}.safetensors", file)
