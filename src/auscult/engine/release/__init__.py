"""The release folder: evidence, report, bill of materials, hashes, signature, and their verification."""
