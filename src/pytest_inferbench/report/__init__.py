"""Reports: documents to text. Limits: pure functions of the result document, one file a format."""
