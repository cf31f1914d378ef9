"""What a record is: values and pure functions, no input or output."""
