"""What a function's code comes to: its digest, and the version that follows it and its helpers."""
