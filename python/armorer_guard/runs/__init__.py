"""What goes on in runs: the questions that agents wait for, and what people have allowed."""
