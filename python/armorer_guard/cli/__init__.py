"""The commands that need Python, reached through the native `armorer-guard`."""
