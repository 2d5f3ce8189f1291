"""ganloc: boxes for a folder of unlabelled pictures of one kind of thing."""
