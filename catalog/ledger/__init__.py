"""What happened, in order; the only truth, with its mirror beside it."""
