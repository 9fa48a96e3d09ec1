"""Normalization methods: one file each, which bears the method's name."""

from __future__ import annotations

from normcli.methods.base import METHODS, Method, Needs, Parameter

__all__ = ["METHODS", "Method", "Needs", "Parameter"]
