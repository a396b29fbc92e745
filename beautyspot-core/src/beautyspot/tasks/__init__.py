"""What a mark knows of its function: its options, how it is addressed, how it is kept."""
