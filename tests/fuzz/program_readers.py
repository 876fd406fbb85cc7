"""Readers of what other programs have written or ask: codes, weights, kept arrays, requests of browsers."""

from __future__ import annotations

import io
import socket
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors.torch import save

from bench.backbones.weights import read_tensors
from bench.codes.histograms import Histograms, distance_histograms
from bench.data.cache import load_array
from bench.errors import DataError
from bench.evaluation.files import CodeFile, Retrieval, read_histograms
from bench.serving.handler import Handler
from bench.serving.server import Server
from bench.serving.site import Site
from bench.storage.store import Store
from bench.training.nested import NotWhole, load_nested, save_nested
from tests.fuzz.containers import changed_npy, safetensors_form, zip_form
from tests.fuzz.mutation import bytes_form
from tests.fuzz.target import FAST, SLOW, Target

REQUESTS = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /results.csv HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n",
    b"HEAD /status.json?x=1 HTTP/1.0\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n",
)  # fmt: skip
WORDS = (
    b"Host: ", b"Host: evil\r\n", b"\r\n", b" HTTP/1.1", b" HTTP/9.9", b"GET ", b"POST ", b"%2e%2e%2f", b"/../",
    b"/secret.txt", b"/figures/", b"Expect: 100-continue\r\n", b"Content-Length: 99999999999\r\n",
    b"X: " + b"y" * 70000, b"X: y\r\n" * 120, b"/" * 70000, b"http://evil/", b"%ff", b"%00",
    b"Transfer-Encoding: chunked\r\n",
)  # fmt: skip
SECRET = b"what lies outside of what is served"


def targets(folder: Path) -> list[Target]:
    """All of these readers."""
    folder.mkdir(parents=True, exist_ok=True)
    return [*_codes(folder), *_states(folder), _http(folder / "served")]


def npz(**arrays: Any) -> bytes:
    """An archive of arrays."""
    target = io.BytesIO()
    np.savez(target, **arrays)
    return target.getvalue()


def _codes(folder: Path) -> list[Target]:
    random = np.random.default_rng(0)
    path, kept = folder / "codes.npz", folder / "kept.npy"
    codes = [random.choice(np.array([-1, 1], np.int8), (rows, 12)) for rows in (3, 5)]
    labels = [np.arange(rows) % 2 for rows in (3, 5)]
    hot = [np.eye(2, dtype=np.uint8)[each] for each in labels]
    bits = [np.packbits(each > 0, axis=1) for each in codes]
    seeds = (
        npz(query_codes=codes[0], query_labels=labels[0], database_codes=codes[1], database_labels=labels[1]),
        npz(query_codes=bits[0], query_labels=hot[0], database_codes=bits[1], database_labels=hot[1], bits=12),
    )
    sums = npz(
        items=np.ones((3, 13), np.int64), relevant=np.ones((3, 13), np.int64), queries=np.arange(32, dtype=np.uint8)
    )

    def counted(content: bytes) -> None:
        path.write_bytes(content)
        found = Retrieval([CodeFile(path)])
        parts = [
            distance_histograms(found.query, found.query_labels, part, theirs, found.bits, threads=1)
            for part, theirs in found
        ]
        sum(parts, Histograms.zeros(1, 1)) if not parts else sum(parts[1:], parts[0])

    def added(content: bytes) -> None:
        path.write_bytes(content)
        read_histograms([CodeFile(path)])

    def array(content: bytes) -> None:
        kept.write_bytes(content)
        load_array(kept)

    plain = io.BytesIO()
    np.save(plain, codes[0])
    return [
        Target("codes/codes.npz", counted, zip_form(seeds), seeds, share=SLOW),
        Target("codes/histograms.npz", added, zip_form([sums]), (sums,), share=SLOW),
        Target("cache/kept.npy", array, lambda random: changed_npy(random, plain.getvalue()), (plain.getvalue(),)),
    ]


def _states(folder: Path) -> list[Target]:
    path, weights = folder / "training.safetensors", folder / "weights"
    state = {"run": {"seed": 0, "lr": [0.1, (1, 2)]}, "parts": {"net": {"w": torch.ones(2, 3).T, 3: np.arange(4.0)}}}
    save_nested(path, state)
    tensors = {"a.weight": torch.ones(2, 3), "a.bias": torch.zeros(2)}
    pickled: list[bytes] = []
    for modern in (True, False):
        target = io.BytesIO()
        torch.save({"state_dict": tensors, "epoch": 3}, target, _use_new_zipfile_serialization=modern)
        pickled.append(target.getvalue())

    def nested(content: bytes) -> None:
        path.write_bytes(content)
        try:
            load_nested(path)
        except NotWhole:
            raise DataError("not whole.") from None

    def loaded(content: bytes) -> None:
        weights.write_bytes(content)
        assert all(isinstance(value, torch.Tensor) for value in read_tensors(weights).values())

    checkpoint, plain = path.read_bytes(), save(tensors)
    return [
        Target("checkpoint/training.safetensors", nested, safetensors_form([checkpoint], state=True), (checkpoint,)),
        Target("weights/file.safetensors", loaded, safetensors_form([plain]), (plain,)),
        Target("weights/file.pt", loaded, zip_form(pickled[:1]), (pickled[0],), share=SLOW),
        Target("weights/legacy.pt", loaded, bytes_form(pickled[1:], (b"ctorch\nFloatStorage\n", b"R", b"b.")),
               (pickled[1],), share=SLOW),
    ]  # fmt: skip


class _Line:
    """A connection whose request is there and whose answer is kept."""

    def __init__(self, content: bytes) -> None:
        self.request, self.answer = io.BytesIO(content), bytearray()

    def makefile(self, mode: str, buffering: int = -1) -> io.BytesIO:
        """The request."""
        return self.request

    def sendall(self, content: bytes) -> None:
        """Keeps it."""
        self.answer += content

    def settimeout(self, seconds: float) -> None:
        """There is no one to wait for."""

    def shutdown(self, how: int) -> None:
        """Nothing is open."""

    def recv(self, size: int) -> bytes:
        """No more comes."""
        return b""


class _Server:
    """What a handler asks of its server."""

    patience = 60.0

    def __init__(self, site: Site) -> None:
        self.site = site


def _http(folder: Path) -> Target:
    Store(folder).prepare()
    (folder / "results.csv").write_text("a,b\n")
    (folder / "secret.txt").write_bytes(SECRET)
    (folder.parent / "secret.txt").write_bytes(SECRET)
    server = _Server(Site(folder))

    def ask(content: bytes) -> None:
        line = _Line(content)
        Handler(cast(socket.socket, line), ("127.0.0.1", 1), cast(Server, server))
        if not line.answer:
            raise DataError("no answer.")  # to a request that is cut or empty
        answer = bytes(line.answer)
        heads = [part for part in answer.split(b"HTTP/1.0 ")[1:] if not part.startswith(b"100")]
        assert len(heads) == 1 and SECRET not in answer and b"Content-Security-Policy: " in answer
        status = int(heads[0][:3])
        assert 200 <= status < 506 and status != 500
        if status >= 400:
            raise DataError(f"{status}.")

    return Target("serve/request", ask, bytes_form(REQUESTS, WORDS), REQUESTS, share=FAST)
