"""A program as files: ``program.json``, ONNX graphs and safetensors arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from auscult.base.contracts import Program
from auscult.base.files import hash_of, read_json, sha256, write_bytes, write_json

NETWORK = "network"
"""Folder of the network's own files inside that of the program."""


def save_program(program: Program, folder: Path) -> None:
    """Write a program into a folder.

    Raises
    ------
    LimitError
        If the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, graph in program.graphs.items():
        write_bytes(folder / f"{name}.onnx", graph)
    if program.arrays:
        arrays = {k: np.ascontiguousarray(v) for k, v in program.arrays.items()}
        write_bytes(folder / "arrays.safetensors", save(arrays))
    for name, content in program.network.items():
        write_bytes(folder / NETWORK / name, content)
    about: dict[str, Any] = {
        "driver": program.driver,
        "inputs": list(program.inputs),
        "graphs": sorted(program.graphs),
        "arrays": sorted(program.arrays),
        "settings": dict(program.settings),
        **({"network": sorted(program.network)} if program.network else {}),
    }
    write_json(folder / "program.json", about)


def read_program(folder: Path) -> Program:
    """Read a program that ``save_program`` wrote."""
    about = read_json(folder / "program.json")
    return Program(
        about["driver"],
        tuple(about["inputs"]),
        {name: (folder / f"{name}.onnx").read_bytes() for name in about["graphs"]},
        load_file(folder / "arrays.safetensors") if about["arrays"] else {},
        about["settings"],
        {name: (folder / NETWORK / name).read_bytes() for name in about.get("network", ())},
    )


def program_hash(program: Program) -> str:
    """SHA-256 of what a program computes: driver, graphs, arrays and settings, and of the network that it brings."""
    arrays = {
        k: [str(v.dtype), list(v.shape), sha256(np.ascontiguousarray(v).tobytes())] for k, v in program.arrays.items()
    }
    graphs = {name: sha256(graph) for name, graph in program.graphs.items()}
    network = [{name: sha256(content) for name, content in program.network.items()}] if program.network else []
    return hash_of([program.driver, list(program.inputs), graphs, arrays, dict(program.settings), *network])
