"""What turns a model's raw output into a calibrated answer: fitted on validation, frozen, written as JSON."""
