"""Public signal datasets: where they are, under which licence."""

from __future__ import annotations

from auscult.base.contracts import PublicSet

DATASETS = {
    "mitdb": PublicSet(
        "MIT-BIH Arrhythmia Database: 48 half-hour two-lead ECGs with beat annotations",
        "https://doi.org/10.13026/C2F305",
        "ODC-By 1.0",
        files_at="https://physionet.org/files/mitdb/1.0.0/",
        checksums="auscult.domains.signals:checksums/mitdb.sha256",
    ),
    "glucobench": PublicSet(
        "GlucoBench: five public continuous glucose sets with one protocol",
        "https://github.com/IrinaStatsLab/GlucoBench",
        "CC BY (Colas, Hall), CC BY-SA (Dubosson), GPL-2 (Broll: evaluation only)",
    ),
    "ppg-bp": PublicSet(
        "PPG-BP: 657 fingertip photoplethysmogram segments of 219 subjects with cuff pressure (Liang 2018)",
        "https://doi.org/10.6084/m9.figshare.5459299",
        "CC0",
    ),
}
