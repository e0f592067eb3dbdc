"""What a study varies: its file, the scenarios that it means, and what tells one from another."""
