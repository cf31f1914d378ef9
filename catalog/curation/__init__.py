"""The write side: one function a verb."""
