"""What stopped the parser, in words for the person who wrote the file."""

from __future__ import annotations

#: What PyYAML and libyaml say, what it means to a writer, and what helps; the first match counts.
_SYNTAX = (
    ("mapping values are not allowed",
     "a colon stands where no name may stand before it",
     "quote a text that holds ': ', and align the line with its neighbours"),
    ("parsing a quoted scalar", "a backslash in double quotes starts an unknown escape",
     "write \\\\ for a backslash, or use single quotes"),
    ("escape", "a backslash in double quotes starts an unknown escape",
     "write \\\\ for a backslash, or use single quotes"),
    ("scanning a quoted scalar", "a quoted text is not closed", "close the quote"),
    ("flow node", "a value in brackets is missing, or the brackets are not closed",
     "close [ with ] and { with }, with a value between two commas"),
    ("flow sequence", "a list in [ ] is not closed, or lacks a comma",
     "separate the items with commas and close it with ]"),
    ("flow mapping", "a mapping in { } is not closed, or lacks a comma",
     "write {name: value, name: value} with a space after each colon"),
    ("tab", "a tab stands where spaces must stand", "replace it with spaces"),
    ("'\\t'", "a tab stands where spaces must stand", "replace it with spaces"),
    ("cannot start any token", "a text may not start with this character without quotes",
     "quote the text"),
    ("undefined tag handle", "tags are not read", "quote the text if it starts with !"),
    ("scanning an alias", "an alias (*) needs a name", "quote the text if it starts with *"),
    ("scanning an anchor", "an anchor (&) needs a name", "quote the text if it starts with &"),
    ("tag", "tags are not read", "quote the text if it starts with !"),
    ("node content", "a value is missing, or a bracket or comma stands in its place",
     "write the value; quote a text that starts with ] } or a comma"),
    ("block scalar", "the text after | or > is not written as YAML wants it",
     "start it on the next line, indented with spaces"),
    ("simple key", "a line is neither 'name: value' nor an item with '- '",
     "write 'name: value' with a space after the colon"),
    ("sequence entries are not allowed", "an item with '- ' stands where no list can stand",
     "start the list on the line below its name"),
    ("block collection", "the items of a list are not aligned, or a line is no item",
     "give all items the same indentation and start them with '- '"),
    ("block mapping", "the names of a mapping are not aligned, or a value goes on after its end",
     "give all names the same indentation; quote a text that goes on after its quotes"),
    ("document start", "something follows the end of the mapping",
     "align the line with the first one; quote a text that goes on after its quotes"),
)  # fmt: skip


def explain(problem: str) -> tuple[str, str]:
    """Reason and repair for what the parser says of a text that is no YAML."""
    unknown = (
        f"the YAML cannot be read ({problem.strip()})",
        "look at the indentation, quotes, brackets and colons here and one line above",
    )
    return next(((reason, repair) for key, reason, repair in _SYNTAX if key in problem), unknown)
