"""Widgets: line-API views over the store."""
