"""Handlers of the requests and streams that the live component sends."""
