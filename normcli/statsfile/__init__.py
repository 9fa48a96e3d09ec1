"""Stats files: the only JSON. Canonical writing, strict reading, format versions."""

from __future__ import annotations

from normcli.statsfile.write import FORMAT, pieces_of, to_text

# Reading is imported from `statsfile.read`: a fit has no use for it.
__all__ = ["FORMAT", "pieces_of", "to_text"]
