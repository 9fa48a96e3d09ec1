"""Which chain suits a column, and why; a recipe of it in TOML."""

from normcli.suggestion.advice import Advice, Suggestion
from normcli.suggestion.rules import RULES, advise

__all__ = ["RULES", "Advice", "Suggestion", "advise"]
