"""Recommendation: which device for whom, from use, from graphs of devices, and from attributes."""

from __future__ import annotations

from auscult.base.contracts import Domain
from auscult.domains.recommend.datasets import DATASETS

_HERE = "auscult.domains.recommend"
CHECKS = ("popularity-share", "rare-items", "short-histories", "one-part-only", "repeated-users")

DOMAIN = Domain(
    name="recommend",
    summary="which device for whom: next items, predicate devices, clicks",
    readers={
        "patients": f"{_HERE}.readers.patients:PatientsReader",
        "patient-requests": f"{_HERE}.readers.patients:PatientRequestsReader",
        "interactions": f"{_HERE}.readers.interactions:InteractionsReader",
        "edges": f"{_HERE}.readers.edges:EdgesReader",
        "lightgcn": f"{_HERE}.readers.lightgcn:LightGcnReader",
    },
    tasks={
        "next-items": f"{_HERE}.tasks.next_items:NextItems",
        "click": f"{_HERE}.tasks.click:Click",
        "predicate-device": f"{_HERE}.tasks.predicate_device:PredicateDevice",
        "device-for-patient": f"{_HERE}.tasks.device_for_patient:DeviceForPatient",
    },
    models={
        "popularity": f"{_HERE}.models.popularity:Popularity",
        "item-knn": f"{_HERE}.models.item_knn:ItemKnn",
        "graph-filter": f"{_HERE}.models.graph_filter:GraphFilter",
        "lightgcn": f"{_HERE}.models.lightgcn:LightGcn",
        "item-popularity": f"{_HERE}.models.item_popularity:ItemPopularity",
        "item-similarity": f"{_HERE}.models.item_similarity:ItemSimilarity",
        "wide-deep": f"{_HERE}.models.wide_deep:WideDeepModel",
        "deepfm": f"{_HERE}.models.deepfm:DeepFmModel",
        "two-hop": f"{_HERE}.models.two_hop:TwoHop",
        "link-ranker": f"{_HERE}.models.link_ranker:LinkRanker",
        "content-knn": f"{_HERE}.models.content_knn:ContentKnn",
        "content-ranker": f"{_HERE}.models.content_ranker:ContentRanker",
    },
    checks={name: f"{_HERE}.checks:{name.replace('-', '_')}" for name in CHECKS},
    examples={
        "ward-usage": f"{_HERE}.examples:write_ward_usage",
        "ward-layout": f"{_HERE}.examples:write_ward_layout",
        "ward-clicks": f"{_HERE}.examples:write_ward_clicks",
        "clearances": f"{_HERE}.examples:write_clearance_links",
        "hospital": f"{_HERE}.examples:write_hospital",
    },
    datasets=DATASETS,
)
