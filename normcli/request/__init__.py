"""What flags, a recipe file or an earlier stats file ask of a fit, and how they go together."""

from normcli.request.form import RECORDED, from_table, recorded, request_of
from normcli.request.request import Request

# What reads recipe files is imported from `request.toml`, where there is one.
__all__ = ["RECORDED", "Request", "from_table", "recorded", "request_of"]
