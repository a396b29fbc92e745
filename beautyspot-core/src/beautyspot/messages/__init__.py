"""What the texts of errors and warnings share: suggestions, and masking of secrets."""
