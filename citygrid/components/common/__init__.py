"""What several kinds share, each piece with one home: mathematics and physics side by side."""
