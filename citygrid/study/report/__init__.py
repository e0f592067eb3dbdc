"""A study on one offline page."""
