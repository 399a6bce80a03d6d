"""Holds the templates of scripts that run on a node, and renders them."""
