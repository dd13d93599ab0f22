"""The pictures of a report, one function an answer kind; the kinds name them by address."""

from __future__ import annotations

from auscult.engine.release.figures_base import Figure
from auscult.engine.release.figures_class import class_figures
from auscult.engine.release.figures_events import event_figures
from auscult.engine.release.figures_labels import label_figures
from auscult.engine.release.figures_sample import sample_figures
from auscult.engine.release.figures_value import value_figures

__all__ = ["Figure", "class_figures", "event_figures", "label_figures", "sample_figures", "value_figures"]
