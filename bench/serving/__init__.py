"""`bench serve`: a study in the browser, live, from this machine alone."""
