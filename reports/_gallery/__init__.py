"""The gallery of the HTML page."""
