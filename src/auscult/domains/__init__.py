"""The table of domains. A domain is one folder, one line here, and one extra in ``pyproject.toml``."""

DOMAINS = {
    "imaging": "auscult.domains.imaging:DOMAIN",
    "molecules": "auscult.domains.molecules:DOMAIN",
    "signals": "auscult.domains.signals:DOMAIN",
    "text": "auscult.domains.text:DOMAIN",
    "recommend": "auscult.domains.recommend:DOMAIN",
}
