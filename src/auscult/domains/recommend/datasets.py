"""Public interaction datasets: where they are, under which licence."""

from __future__ import annotations

from auscult.base.contracts import PublicSet

DATASETS = {
    "gowalla": PublicSet(
        "Gowalla check-ins as LightGCN splits them: 29,858 users, 40,981 places, 1,027,370 interactions",
        "https://github.com/gusye1234/LightGCN-PyTorch",
        "research use",
    ),
    "fda-510k": PublicSet(
        "FDA 510(k) clearances: which cleared device names which predicate devices",
        "https://github.com/wcedmisten/510k.fyi",
        "facts of the US government",
    ),
    "lastfm": PublicSet(
        "HetRec 2011 Last.FM: artists that users listened to, with a knowledge graph of the artists",
        "https://github.com/hwwang55/MKR",
        "research use",
    ),
}
