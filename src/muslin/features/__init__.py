"""Frozen networks that look: layers by name, never trained here."""
