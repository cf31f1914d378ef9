"""The catalogue on the command line."""
