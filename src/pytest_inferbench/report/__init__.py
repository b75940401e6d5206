"""Reports: documents to text. Law: pure functions of the result document, one file a format."""
