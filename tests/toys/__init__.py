"""A toy domain: one small text format, one task per answer kind, and a model for each driver.

It is declared like every other domain and proves that the contracts carry all five fields; nothing in it is long.
"""

from __future__ import annotations

from auscult.base.contracts import Domain

_TASKS = "toys.tasks"
_MODELS = "toys.models"

DOMAIN = Domain(
    name="toys",
    summary="one small task per answer kind",
    readers={"toy": "toys.reader:ToyReader"},
    tasks={
        "colour": f"{_TASKS}.colour:Colour",
        "codes": f"{_TASKS}.codes:Codes",
        "ahead": f"{_TASKS}.ahead:Ahead",
        "spikes": f"{_TASKS}.spikes:Spikes",
        "parts": f"{_TASKS}.parts:Parts",
        "blob": f"{_TASKS}.blob:Blob",
        "frame": f"{_TASKS}.frame:Frame",
        "next-devices": f"{_TASKS}.devices:NextDevices",
        "ring": f"{_TASKS}.ring:Ring",
        "sentence": f"{_TASKS}.sentence:Sentence",
    },
    models={
        "constant": f"{_MODELS}.constant:Constant",
        "nearest": f"{_MODELS}.nearest:Nearest",
        "linear": f"{_MODELS}.linear:Linear",
        "mlp": f"{_MODELS}.mlp:Mlp",
        "no-words": f"{_MODELS}.words:NoWords",
        "words": f"{_MODELS}.words:Words",
        "tiles": f"{_MODELS}.tiles:Tiles",
        "no-tiles": f"{_MODELS}.tiles:NoTiles",
        "popular": f"{_MODELS}.together:Popular",
        "together": f"{_MODELS}.together:Together",
        "cloud": f"{_MODELS}.gan:Cloud",
        "gan": f"{_MODELS}.gan:Gan",
        "unigram": f"{_MODELS}.chain:Unigram",
        "chain": f"{_MODELS}.chain:Chain",
    },
    checks={"short": "toys.checks:short_records"},
    examples={
        "points": "toys.examples:write_points",
        "notes": "toys.examples:write_notes",
        "waves": "toys.examples:write_waves",
        "orders": "toys.examples:write_orders",
        "pictures": "toys.examples:write_pictures",
        "baskets": "toys.examples:write_baskets",
        "rings": "toys.examples:write_rings",
        "sentences": "toys.examples:write_sentences",
    },
    faults={"noise": "toys.checks:add_noise"},
)
