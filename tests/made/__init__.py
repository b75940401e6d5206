"""What tests are made of: cases, checks and documents, each built in one place."""
