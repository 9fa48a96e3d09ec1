"""What flags, a recipe file or an earlier stats file ask of a fit, and how they go together."""

from normcli.request.form import RECORDED, from_table, recorded, request_of
from normcli.request.request import Request
from normcli.request.toml import parse_recipe, read_recipe

__all__ = [
    "RECORDED",
    "Request",
    "from_table",
    "parse_recipe",
    "read_recipe",
    "recorded",
    "request_of",
]
