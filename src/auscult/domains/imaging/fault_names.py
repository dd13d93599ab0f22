"""Names of the faults that a picture is tried with; kept apart so that naming them loads nothing."""

from __future__ import annotations

IMAGE_FAULTS = ("detector-noise", "motion-blur", "gamma", "rotation", "other-window", "collimation")
