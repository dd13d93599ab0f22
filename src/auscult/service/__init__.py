"""What people and programs call: the verbs as functions, and the same answers over HTTP."""
