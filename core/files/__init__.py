"""Files people hand in: taken as a stream, believed by content, given back as downloads."""
