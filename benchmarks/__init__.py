"""Measurements behind the claims in the documents; not needed to install or test normcli."""
