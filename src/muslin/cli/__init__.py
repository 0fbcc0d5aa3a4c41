"""The command line: parse, call one thing below, show its events."""
