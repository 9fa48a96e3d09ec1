"""Engines: where a plan runs."""
