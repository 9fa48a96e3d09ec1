"""Which chain suits a column, and why; a recipe of it in TOML."""

from normcli.suggestion.advice import OFFERED, Advice, Suggestion
from normcli.suggestion.rules import RULES, advise

__all__ = ["OFFERED", "RULES", "Advice", "Suggestion", "advise"]
