"""Public sets of molecules: where they are, under which licence."""

from __future__ import annotations

from auscult.base.contracts import PublicSet

DATASETS = {
    "moleculenet-scaffold": PublicSet(
        "MoleculeNet (Tox21, BBBP, BACE, SIDER, ClinTox, HIV) in the scaffold splits of Uni-Mol, as MUBen keeps them",
        "https://github.com/Yinghao-Li/MUBen",
        "MIT",
    ),
    "tox21": PublicSet(
        "Tox21: 7,831 compounds in 12 assays of nuclear receptors and stress response, as MoleculeNet has it",
        "https://github.com/deepchem/deepchem",
        "MIT",
    ),
    "tdc-admet": PublicSet(
        "Therapeutics Data Commons, ADMET benchmark group: absorption to toxicity with official test sets",
        "https://tdcommons.ai/benchmark/admet_group/overview/",
        "CC BY 4.0",
    ),
    "virtual-screening": PublicSet(
        "MUV and DUD as the RDKit benchmarking platform keeps them: actives and decoys by target",
        "https://github.com/rdkit/benchmarking_platform",
        "BSD-3-Clause",
    ),
}
