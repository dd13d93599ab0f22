"""Molecules: compounds from tables of structures to calibrated answers about toxicity, properties and activity."""

from __future__ import annotations

from auscult.base.contracts import Domain
from auscult.domains.molecules.datasets import DATASETS

_HERE = "auscult.domains.molecules"

DOMAIN = Domain(
    name="molecules",
    summary="compounds: toxicity, properties and screening from SMILES and SDF",
    readers={
        "sdf": f"{_HERE}.readers.sdf:SdfReader",
        "smiles-table": f"{_HERE}.readers.smiles_table:SmilesTableReader",
    },
    tasks={
        "toxicity": f"{_HERE}.tasks.toxicity:Toxicity",
        "compound-class": f"{_HERE}.tasks.compound_class:CompoundClass",
        "compound-value": f"{_HERE}.tasks.compound_value:CompoundValue",
        "compound-screen": f"{_HERE}.tasks.compound_screen:CompoundScreen",
    },
    models={
        "fingerprint-similarity": f"{_HERE}.models.fingerprint_similarity:FingerprintSimilarity",
        "search-ensemble": f"{_HERE}.models.search_ensemble:SearchEnsemble",
        "fingerprint-forest": f"{_HERE}.models.fingerprint_forest:FingerprintForest",
        "descriptor-trees": f"{_HERE}.models.descriptor_trees:DescriptorTrees",
        "fingerprint-net": f"{_HERE}.models.fingerprint_net:FingerprintNet",
        "dmpnn": f"{_HERE}.models.dmpnn:Dmpnn",
        "compound-ensemble": f"{_HERE}.models.compound_ensemble:CompoundEnsemble",
    },
    checks={
        "broken-structures": f"{_HERE}.checks:broken_structures",
        "standardised": f"{_HERE}.checks:standardised",
        "metals": f"{_HERE}.checks:metals",
        "conflicting-measurements": f"{_HERE}.checks:conflicting_measurements",
        "missing-measurements": f"{_HERE}.checks:missing_measurements",
        "duplicates": f"{_HERE}.checks:duplicates",
        "scaffold-overlap": f"{_HERE}.checks:scaffold_overlap",
        "sizes": f"{_HERE}.checks:sizes",
    },
    examples={
        "assays": f"{_HERE}.examples:write_assays_example",
        "properties": f"{_HERE}.examples:write_properties_example",
        "screening-lists": f"{_HERE}.examples:write_screening_example",
    },
    datasets=DATASETS,
)
