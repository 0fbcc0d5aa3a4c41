"""Pictures out: contact sheets."""
