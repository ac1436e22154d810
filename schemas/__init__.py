"""Contracts: what upstream systems publish and what downstream systems act on."""
