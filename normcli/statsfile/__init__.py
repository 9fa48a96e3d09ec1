"""Stats files: the only JSON. Canonical writing, strict reading, format versions."""

from __future__ import annotations

from normcli.statsfile.document import FORMAT
from normcli.statsfile.read import from_bytes
from normcli.statsfile.write import pieces_of, to_text

__all__ = ["FORMAT", "from_bytes", "pieces_of", "to_text"]
